"""The team protocol's bytes: golden for ever, signed for one purpose, and read strictly."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.allowance.messages import (
    AddDevice,
    Answer,
    Burner,
    Certificate,
    Decide,
    DrawReserve,
    Enrol,
    Hello,
    Link,
    Look,
    Overview,
    PoolSeen,
    Question,
    Status,
    Sync,
    Told,
    Verdict,
    Want,
    Welcome,
)
from agentspend.wire import signing
from agentspend.wire.canonical import MAX_INT, NotCanonical, canonical
from agentspend.wire.team import TYPES, NotSigned, Sealed, read, seal, unseal, write

GOLDEN: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "golden/team.json").read_text("utf-8")
)
EARLIER: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "golden/team_earlier.json").read_text("utf-8")
)
"""Messages as they were written before fields were added to them."""
KEY = bytes(range(32))
PUBLIC = signing.public_key(KEY)
KINDS: dict[str, Any] = {name: kind for kind, name in TYPES.items()}
ENTRY = '{"inc":"i_01","kind":"note","prev":"","seq":1001,"text":"ü","ts":1,"v":1}'
HEAD = Link(1001, "9f" * 32)
NOW_US = 1_763_922_767_123_456
MESSAGES = [
    Sync("t_01", "d_01", "i_01", "n_0001", 2, 99_182, 1000, HEAD, (ENTRY,), 7,
         (Want("p_org", 1_830_000_000, 0, 42_000_000), Want("p_web", 0, 3_050_000_000))),
    Answer("d_01", "i_01", "n_0001", 2, 99_183, NOW_US, Status.ACTIVE, HEAD, False,
           (Told("p_org", 24_310, 9_000_000_000, None, 1_764_543_600_000_000),
            Told("p_day", 739_578, 2_000_000_000, 500_000_000)), 7, "ab" * 32, "cd" * 32),
    Hello("t_01", "d_01", "i_01", "n_0002",
          "this ledger was restored or copied from another place", "cd" * 32),
    Welcome("d_01", "i_02", "n_0002", 2, 99_185, NOW_US),
    Enrol("ASPD-7K3Q-0000", "anna-thinkpad", "n_0003", "ef" * 32),
    Certificate("t_01", "d_01", "anna", "member", "anna-thinkpad", "i_01", "n_0003",
                "ef" * 32, "01" * 32, 2, 99_186, NOW_US),
    Look("t_01", "d_01", "n_0004"),
    Overview("d_01", "n_0004", NOW_US, "lead", False,
             (PoolSeen("team.web.day", "team", "day", 40_000_000_000, 12_000_000_000,
                       8_000_000_000, 20_000_000_000, 1_764_543_600_000_000,
                       (Burner("anna", 11_000_000_000, 8_000_000_000, 2_000_000_000, NOW_US),),
                       1, 1_000_000_000),),
             (Question("r_1f3a", "ben", "ben-mac", "web", "team.web.day", 20_000_000_000,
                       "große Migration", NOW_US),), 0),
    Decide("t_01", "d_01", "r_1f3a", Verdict.APPROVE, 0),
    AddDevice("t_01", "d_01", "n_0005"),
    DrawReserve("t_01", "d_01", "n_0006", "org.month", "production is down"),
]  # fmt: skip
NUMBER = st.integers(0, MAX_INT)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LINK = st.builds(Link, NUMBER, TEXT)


def sign(domain: str, body: bytes) -> bytes:
    """With the golden key."""
    return signing.sign(KEY, domain, body)


def check(domain: str, body: bytes, signature: bytes) -> bool:
    """Against the golden key."""
    return signing.verify(PUBLIC, domain, body, signature)


@pytest.mark.parametrize(("message", "golden"), [*zip(MESSAGES, GOLDEN, strict=True)])
def test_golden_bytes_and_signatures_hold(message: Any, golden: dict[str, str]) -> None:
    """Messages keep their bytes until a field is added, and read back to what was said."""
    sealed = seal(message, sign)
    assert sealed.body.decode() == golden["body"]
    assert sealed.signature.hex() == golden["signature"]
    assert unseal(KINDS[golden["type"]], sealed, check) == message


@pytest.mark.parametrize("golden", EARLIER, ids=lambda golden: golden["type"])
def test_what_an_earlier_version_wrote_is_read(golden: dict[str, str]) -> None:
    """Its signature holds, and what it could not say yet is as if it said nothing."""
    kind = KINDS[golden["type"]]
    sealed = Sealed(golden["body"].encode(), bytes.fromhex(golden["signature"]))
    assert unseal(kind, sealed, check) == MESSAGES[[type(each) for each in MESSAGES].index(kind)]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["type"])
def test_a_message_of_one_type_is_no_other(golden: dict[str, str]) -> None:
    """Neither its signature nor its body passes for another type's."""
    sealed = Sealed(golden["body"].encode(), bytes.fromhex(golden["signature"]))
    for name, kind in KINDS.items():
        if name != golden["type"]:
            with pytest.raises(NotSigned):
                unseal(kind, sealed, check)
            with pytest.raises(NotCanonical):
                read(kind, sealed.body)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8 * len(GOLDEN[0]["body"].encode()) - 1))
def test_one_changed_bit_breaks_the_signature(bit: int) -> None:
    """Also in an entry that the message carries."""
    body = bytearray(GOLDEN[0]["body"].encode())
    body[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotSigned):
        unseal(Sync, Sealed(bytes(body), bytes.fromhex(GOLDEN[0]["signature"])), check)


@given(
    st.builds(
        Sync,
        *[TEXT] * 4,
        *[NUMBER] * 3,
        LINK,
        st.lists(TEXT, max_size=3).map(tuple),
        NUMBER,
        st.lists(st.builds(Want, TEXT, NUMBER, NUMBER, NUMBER), max_size=3).map(tuple),
    )
    | st.builds(
        Answer,
        *[TEXT] * 3,
        *[NUMBER] * 3,
        st.sampled_from(Status),
        LINK,
        st.booleans(),
        st.lists(
            st.builds(Told, TEXT, NUMBER, NUMBER, st.none() | NUMBER, st.none() | NUMBER),
            max_size=3,
        ).map(tuple),
        NUMBER,
        TEXT,
        TEXT,
    )
)
def test_a_message_survives_its_bytes(message: Any) -> None:
    """What is written reads back to the same value."""
    assert read(type(message), write(message)) == message


def test_a_field_of_a_newer_version_is_ignored() -> None:
    """Either end may be updated first."""
    fields = json.loads(GOLDEN[3]["body"])
    assert read(Welcome, canonical({**fields, "greeting": {"a": [1]}})) == MESSAGES[3]


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"inc": 5}, {"server_inc": "2"}, {"server_us": None}, {"type": "enrol"}],
    ids=str,
)
def test_what_is_no_such_message_is_refused(change: dict[str, object]) -> None:
    """Another version, a wrong type, a missing field."""
    fields = json.loads(GOLDEN[3]["body"])
    with pytest.raises(NotCanonical):
        read(Welcome, canonical({**fields, **change}))
    with pytest.raises(NotCanonical):
        read(Welcome, canonical({"v": 1, "type": "welcome"}))
    with pytest.raises(NotCanonical):
        read(Welcome, b"[]")
