"""The chain check: every change to a ledger is seen, and where."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.wire.chain import ChainCheck, verify_chain
from agentspend.wire.entries import Entry, encode, entry_hash
from agentspend.wire.entry_reader import Read, read_entry

GOLDEN = [
    case["body"].encode()
    for case in json.loads((Path(__file__).parent / "golden/entries.json").read_text())
]


def chain(*entries: dict[str, object]) -> list[bytes]:
    """A ledger of these entries after a genesis, rightly numbered and linked."""
    bodies: list[bytes] = []
    prev = ""
    for seq, fields in enumerate([{"kind": "genesis"}, *entries], 1):
        words = {"inc": "i_1", "seq": seq, "prev": prev, "ts": seq, **fields}
        bodies.append(encode(Entry(**words)))  # type: ignore[arg-type]
        prev = entry_hash(bodies[-1])
    return bodies


def test_a_sound_chain_says_its_head_and_length() -> None:
    """The golden ledger verifies, and the verdict names the last entry."""
    verdict = verify_chain(GOLDEN)

    assert (verdict.ok, verdict.entries, verdict.seq) == (True, 6, 6)
    assert verdict.head == entry_hash(GOLDEN[-1])
    assert (verdict.first_bad_seq, verdict.why) == (None, "")


def test_an_empty_ledger_is_sound() -> None:
    """Nothing to check is not a fault."""
    verdict = verify_chain([])

    assert (verdict.ok, verdict.entries, verdict.head) == (True, 0, "")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, sum(len(body) for body in GOLDEN[:-1]) * 8 - 1))
def test_one_flipped_bit_is_seen_at_that_entry_or_the_next(bit: int) -> None:
    """No single bit of a ledger can change unseen, the last entry apart (its head tells)."""
    bodies = list(GOLDEN)
    place, bit = divmod(bit, 8)
    number = 0
    while place >= len(bodies[number]):
        place -= len(bodies[number])
        number += 1
    changed = bytearray(bodies[number])
    changed[place] ^= 1 << bit
    bodies[number] = bytes(changed)

    verdict = verify_chain(bodies)

    assert not verdict.ok
    assert verdict.first_bad_seq in (number + 1, number + 2)


def test_a_changed_last_entry_changes_the_head() -> None:
    """The last entry is covered by the head the caller compares."""
    changed = GOLDEN[-1].replace(b"clock jump", b"clock-jump")

    verdict = verify_chain([*GOLDEN[:-1], changed])

    assert verdict.ok
    assert verdict.head != verify_chain(GOLDEN).head


@pytest.mark.parametrize(
    ("bodies", "bad", "why"),
    [
        ([*GOLDEN[:2], *GOLDEN[3:]], 3, "numbered 4"),
        ([*GOLDEN[:3], GOLDEN[2], *GOLDEN[3:]], 4, "numbered 3"),
        ([GOLDEN[0], GOLDEN[2], GOLDEN[1]], 2, "numbered 3"),
        (GOLDEN[1:], 1, "numbered 2"),
        (chain({"kind": "note", "prev": "0" * 64}), 2, "link"),
        (chain({"kind": "genesis"}), 2, "genesis"),
        (chain({"kind": "note", "inc": "i_2"}), 2, "belongs to ledger"),
        (chain({"kind": "settle", "amount_nusd": -1}), 2, "cannot be -1"),
        ([b'{"seq":1,"ts":1,"v":1}'], 1, "unknown kind"),
        ([b"[]"], 1, "not a ledger entry"),
        ([GOLDEN[0].replace(b'"seq":1', b'"seq":true')], 1, "whole numbers"),
        ([GOLDEN[0].replace(b'"kind":"genesis"', b'"kind":"note"')], 1, "genesis"),
    ],
)
def test_the_first_bad_entry_is_named(bodies: list[bytes], bad: int, why: str) -> None:
    """Gaps, repeats, swaps, broken links, strangers and impossible amounts are all seen."""
    verdict = verify_chain(bodies)

    assert (verdict.ok, verdict.first_bad_seq, verdict.entries) == (False, bad, bad - 1)
    assert why in verdict.why


def test_a_check_goes_on_from_a_checked_part() -> None:
    """A ledger may be checked in parts, and the later part still hangs on the earlier."""
    first = verify_chain(GOLDEN[:3])

    rest = verify_chain(GOLDEN[3:], inc="", after_seq=first.seq, after_hash=first.head)
    wrong = verify_chain(GOLDEN[3:], after_seq=first.seq, after_hash="0" * 64)

    assert rest.ok
    assert rest.head == verify_chain(GOLDEN).head
    assert not wrong.ok


def test_nothing_is_taken_after_a_fault() -> None:
    """A right entry after a wrong one does not mend the chain."""
    check = ChainCheck()

    taken = [len(check.feed(bodies)[0]) for bodies in ([GOLDEN[0], b"{}"], [GOLDEN[1]])]

    assert taken == [1, 0]
    assert check.verdict().seq == 1


@given(st.lists(st.integers(0, len(GOLDEN)), max_size=4))
def test_a_chain_may_be_fed_in_any_parts(cuts: list[int]) -> None:
    """What it says, its hashes and the verdict are the same as entry by entry."""
    check, said, hashes = ChainCheck(), list[Read](), list[str]()
    for first, last in pairwise([0, *sorted(cuts), len(GOLDEN)]):
        found = check.feed(GOLDEN[first:last])
        said, hashes = [*said, *found[0]], [*hashes, *found[1]]

    assert [entry.seq for entry in said] == [1, 2, 3, 4, 5, 6]
    assert hashes == [entry_hash(body) for body in GOLDEN]
    assert check.verdict() == verify_chain(GOLDEN)


FIELDS: list[dict[str, object]] = [
    {"kind": "note"}, {"kind": "genesis"}, {"kind": "note", "inc": "i_2"},
    {"kind": "note", "prev": "0" * 64}, {"kind": "note", "prev": ""}, {"kind": "note", "seq": 9},
    {"kind": "settle", "amount_nusd": 7, "overrun_nusd": 2}, {"kind": "settle", "amount_nusd": -1},
    {"kind": "settle", "amount_nusd": 3, "overrun_nusd": -2, "counted": "billed"},
    {"kind": "settle", "amount_nusd": 5, "counted": "subscription"},
    {"kind": "adjust", "amount_nusd": -4, "ref": 2},
]  # fmt: skip


@given(st.lists(st.sampled_from(FIELDS), max_size=5))
@settings(max_examples=400, deadline=None)
def test_a_part_is_judged_as_its_entries_are(entries: list[dict[str, object]]) -> None:
    """All at once or one by one: the same first fault, the same words, the same sums."""
    bodies = chain(*entries)
    whole, single = ChainCheck(), ChainCheck()
    taken = len(whole.feed(bodies)[0])
    alone = sum(len(single.feed([body])[0]) for body in bodies)
    slow = ChainCheck()
    list(slow._one_by_one(map(read_entry, bodies), [*map(entry_hash, bodies)], [""] * len(bodies)))

    assert taken == alone == slow.end[0]
    assert whole.verdict() == single.verdict()
    assert whole.verdict().why == slow.verdict().why
    if taken == len(bodies):
        billed = [each for each in entries if each.get("counted") != "subscription"]
        assert whole.verdict().totals.billed_nusd == sum(
            int(str(each.get("amount_nusd", 0))) for each in billed
        )


def test_a_hash_that_was_kept_must_be_right() -> None:
    """It names the very entry whose bytes were changed, where links name the next one."""
    stored = [entry_hash(body) for body in GOLDEN]
    changed = [GOLDEN[0], GOLDEN[1].replace(b"claude", b"clause"), *GOLDEN[2:]]
    assert changed != GOLDEN
    beside, alone = ChainCheck(), ChainCheck()

    beside.feed(changed, stored)
    alone.feed(changed)

    assert (beside.verdict().first_bad_seq, alone.verdict().first_bad_seq) == (2, 3)
    assert "stored hash" in beside.verdict().why


def test_a_kept_hash_of_a_sound_ledger_must_be_right_too() -> None:
    """Entries that hang together do not excuse a hash beside them that is not theirs."""
    bodies = chain({"kind": "note"}, {"kind": "note"})
    stored = [entry_hash(body) for body in bodies]
    check = ChainCheck()

    check.feed(bodies, [*stored[:2], "0" * 64])

    assert (check.verdict().first_bad_seq, "stored hash" in check.verdict().why) == (3, True)


def test_totals_add_settles_and_adjusts_by_what_they_count_as() -> None:
    """Real dollars and subscription list prices are kept apart; adjusts lower them."""
    bodies = chain(
        {"kind": "settle", "amount_nusd": 70, "counted": "billed", "overrun_nusd": 5},
        {"kind": "settle", "amount_nusd": 30, "counted": "subscription"},
        {"kind": "adjust", "amount_nusd": -20, "counted": "billed", "ref": 2},
        {"kind": "return", "amount_nusd": 999},
    )

    totals = verify_chain(bodies).totals

    assert (totals.billed_nusd, totals.subscription_nusd, totals.overrun_nusd) == (50, 30, 5)
    assert totals.kinds == {"genesis": 1, "settle": 2, "adjust": 1, "return": 1}
