"""Ledger entries: golden bytes that never change, and nothing but them is read."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.wire.canonical import MAX_INT, NotCanonical
from agentspend.wire.entries import KINDS, Entry, decode, encode, entry_hash, log_row

GOLDEN = [
    case
    for name in ("entries", "rights", "teams")
    for case in json.loads((Path(__file__).parent / f"golden/{name}.json").read_text())
]
SETTLE = next(case for case in GOLDEN if case["name"] == "settle")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_golden_bytes_and_hashes_hold(case: dict[str, Any]) -> None:
    """Version 1 entries keep their bytes and hashes for ever, and read back to their fields."""
    body = encode(Entry(**case["fields"]))

    assert body.decode() == case["body"]
    assert entry_hash(body) == case["hash"]
    rights = case["fields"].get("rights")
    fields = {**case["fields"], "rights": rights and [tuple(right) for right in rights]}
    assert decode(body) == Entry(**fields)


def test_the_hash_is_plain_sha256_of_a_named_domain() -> None:
    """An auditor needs nothing but SHA-256 to check an entry."""
    body = SETTLE["body"].encode()

    assert entry_hash(body) == hashlib.sha256(b"agentspend/entry/v1\n" + body).hexdigest()


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    seq=st.integers(1, MAX_INT),
    ts=st.integers(0, MAX_INT),
    model=st.none() | TEXT,
    amount_nusd=st.none() | st.integers(-MAX_INT, MAX_INT),
    tags=st.none() | st.lists(TEXT, min_size=1, max_size=3),
    usage=st.none()
    | st.dictionaries(st.sampled_from(["input_tokens", "a1"]), st.integers(0, 9), min_size=1),
    rates=st.none() | st.lists(st.fixed_dictionaries({"what": TEXT}), min_size=1, max_size=2),
)
def test_an_entry_survives_its_bytes(**fields: Any) -> None:
    """What is encoded decodes to the same entry."""
    entry = Entry(inc="i_1", prev="", **fields)

    assert decode(encode(entry)) == entry


def test_empty_optionals_are_left_out_but_a_zero_amount_stays() -> None:
    """Absent and empty have one spelling; nothing spent is a fact of its own."""
    entry = Entry(
        inc="i", seq=1, prev="", kind="note", ts=0, model="", tags=[], usage={}, amount_nusd=0
    )

    expected = b'{"amount_nusd":0,"inc":"i","kind":"note","prev":"","seq":1,"ts":0,"v":1}'
    assert encode(entry) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "hold"},
        {"v": 2},
        {"seq": 0},
        {"ts": -1},
        {"amount_nusd": MAX_INT + 1},
        {"usage": {"in-put": 1}},
        {"policy": {"share": 0.5}},
        {"text": "\udfff"},
    ],
    ids=str,
)
def test_an_entry_no_reader_would_accept_is_not_written(change: dict[str, Any]) -> None:
    """Unknown kinds and versions, floats and large integers fail before they are signed."""
    with pytest.raises(NotCanonical):
        encode(Entry(**{**SETTLE["fields"], **change}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"agent":"claude"', '"agent":"claude","agent":"claude"'),
        ('"agent":"claude"', '"agent": "claude"'),
        ('"agent":"claude"', '"agent":""'),
        ('"agent":"claude"', '"agent":null'),
        ('"agent":"claude"', '"afield":1,"agent":"claude"'),
        ('"amount_nusd":113457800', '"amount_nusd":113457800.0'),
        ('"amount_nusd":113457800', '"amount_nusd":"113457800"'),
        ('"amount_nusd":113457800', '"amount_nusd":true'),
        ('"kind":"settle"', '"kind":"hold"'),
        ('"v":1', '"v":2'),
        ('"v":1}', '"v":1} '),
    ],
)
def test_foreign_bytes_are_refused(old: str, new: str) -> None:
    """A reader accepts only what a writer would have written."""
    assert old in SETTLE["body"]

    with pytest.raises(NotCanonical):
        decode(SETTLE["body"].replace(old, new).encode())


def test_a_log_row_has_the_fixed_keys_whatever_the_kind() -> None:
    """`log --json` always shows the same names, null where an entry is silent."""
    row = log_row(GOLDEN[0]["body"].encode())

    fixed = "seq kind session agent model usage amount_nusd billing evidence ts hash prev"
    assert set(fixed.split()) <= set(row)
    assert row["hash"] == GOLDEN[0]["hash"]
    assert row["amount_nusd"] is None
