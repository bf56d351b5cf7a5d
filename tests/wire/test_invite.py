"""Invite codes: read out, typed in, and never mistaken for another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from agentspend.wire.invite import code_sha256, read_code, write_code

SECRET = bytes(range(16))
CODE = "ASPD-0004-1061-050R-3GG2-8A1C-60T3-GFQS"
HASH = "216362a718d58b2d753cca52a68e17b387d05a915f63f6b72887a5833e611aff"
BYTES = st.binary(min_size=16, max_size=16)


def test_a_golden_code_holds() -> None:
    """An invitation that was sent stays good."""
    assert write_code(SECRET) == CODE
    assert read_code(CODE) == SECRET
    assert code_sha256(SECRET) == HASH


@given(BYTES)
def test_a_code_is_read_back_however_it_is_typed(secret: bytes) -> None:
    """Lower case, spaces, no dashes, O for 0, I and L for 1."""
    code = write_code(secret)
    assert read_code(code) == secret
    assert read_code(code.lower().replace("-", " ")) == secret
    body = code.removeprefix("ASPD-").replace("-", "")
    assert read_code(body.replace("0", "o").replace("1", "l")) == secret


@given(BYTES, st.integers(5, 38), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_mistyped_code_is_hardly_ever_another(secret: bytes, place: int, digit: str) -> None:
    """One wrong letter in a thousand passes the check, and then the server does not know it."""
    code = write_code(secret)
    typed = code[:place] + digit + code[place + 1 :]
    if typed != code and code[place] != "-":
        try:
            found = read_code(typed)
        except AgentspendError:
            return
        assert found != secret


@pytest.mark.parametrize("text", ["", "ASPD", "ASPD-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ", "é" * 28])
def test_what_is_no_code_is_said_so(text: str) -> None:
    """Before anything is sent."""
    with pytest.raises(AgentspendError, match="invite code"):
        read_code(text)
