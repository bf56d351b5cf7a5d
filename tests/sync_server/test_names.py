"""What people call a team or a member becomes one name, always the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from sync_server.names import LONGEST, name_of


@pytest.mark.parametrize(
    ("said", "name"),
    [("Backend Team", "backend-team"), (" anna@acme.example ", "anna-acme.example"),
     ("Über uns", "ber-uns"), ("x" * 50, "x" * LONGEST), ("a/b//c", "a-b-c")],
)  # fmt: skip
def test_names_as_they_come_out(said: str, name: str) -> None:
    """Small letters, digits, dots, dashes."""
    assert name_of(said) == name


@given(st.text(max_size=60))
def test_a_name_is_its_own_name(said: str) -> None:
    """Whatever is said: a name that stays as it is when it is said again, or an error."""
    try:
        name = name_of(said)
    except AgentspendError:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name)
    assert name_of(name) == name


def test_nothing_is_no_name() -> None:
    """Signs alone name nobody."""
    for said in ("", " ", "---", "!?", "\N{SNOWMAN}"):
        with pytest.raises(AgentspendError, match="is no name"):
            name_of(said)
