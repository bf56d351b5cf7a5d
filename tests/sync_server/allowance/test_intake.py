"""R7: gap, repetition, fork or progress, from the bytes alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.effects import apply, effects
from agentspend.core.allowance.messages import Link
from agentspend.wire.canonical import NotCanonical
from sync_server.allowance.intake import Found, Kept, Merge, merge
from tests.sync_server.made import ORG, Chain


def kept(chain: Chain, length: int) -> Kept:
    """A server that has so many entries of a chain."""
    return Kept("i_1", Link(length, chain.hashes[length]), chain.hashes.__getitem__)


def five() -> Chain:
    """A ledger of five entries."""
    return Chain().settle(5).settle(6).add("return", [(*ORG, 3)]).add("close", [(*ORG, 0)])


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_any_part_of_the_chain_brings_it_forward_or_changes_nothing(
    have: int, after: int, until: int
) -> None:
    """Late, repeated and overlapping reports of one ledger never fork and never go back."""
    chain = five()
    merged = merge(kept(chain, have), after, chain.bodies[after:until], chain.end)
    if after > have:
        assert merged == Merge(Found.GAP, kept(chain, have).end)
        return
    length = max(have, until) if until > after else have
    assert merged.found is Found.PROGRESS
    assert merged.end == Link(length, chain.hashes[length])
    assert [entry.said.seq for entry in merged.entries] == list(range(have + 1, length + 1))
    assert merged.up_to_date == (length == 5)


def test_new_entries_say_what_they_do() -> None:
    """Their effects are the fold's own, summed for each account."""
    chain = five()
    merged = merge(kept(chain, 2), 2, chain.bodies[2:], chain.end)
    assert [entry.said.kind for entry in merged.entries] == ["settle", "return", "close"]
    one_by_one = [
        effect
        for entry in merged.entries
        for effect in effects(entry.said.kind, entry.said.charged_nusd, entry.said.rights or ())
    ]
    folded: dict[Place, Account] = {}
    summed: dict[Place, Account] = {}
    apply(folded, one_by_one)
    apply(summed, merged.effects)
    assert summed == folded
    assert len(merged.effects) == len(summed)


def test_another_entry_where_we_have_one_is_a_fork() -> None:
    """The other branch is kept from where it parts, with what it spent."""
    chain, other = five(), Chain().settle(5).settle(7).settle(8)
    merged = merge(kept(chain, 5), 0, other.bodies, other.end)
    assert merged.found is Found.FORK
    assert merged.end == chain.end
    assert [entry.said.seq for entry in merged.entries] == [3, 4]
    assert [effect.used_nusd for effect in merged.effects] == [15]


def test_an_entry_that_follows_another_end_is_a_fork() -> None:
    """It names a predecessor that is not ours; what it spent is read all the same."""
    chain, other = five(), Chain().settle(5).settle(7).settle(8)
    merged = merge(kept(chain, 3), 3, other.bodies[3:], other.end)
    assert (merged.found, merged.end) == (Found.FORK, Link(3, chain.hashes[3]))
    assert [effect.used_nusd for effect in merged.effects] == [8]


def test_a_claimed_end_that_is_not_ours_is_a_fork() -> None:
    """Even when no entry comes with it."""
    chain, other = five(), Chain().settle(5).settle(7)
    assert merge(kept(chain, 5), 2, [], other.end).found is Found.FORK


def test_an_older_end_is_only_late() -> None:
    """The same ledger, some time ago: not up to date, and no fork."""
    chain = five()
    merged = merge(kept(chain, 5), 1, chain.bodies[1:3], Link(3, chain.hashes[3]))
    assert merged == Merge(Found.PROGRESS, chain.end)


@pytest.mark.parametrize(
    "bodies",
    [
        ["{}"],
        ["[]"],
        ["no json"],
        [Chain("i_2").bodies[0]],
        [Chain().bodies[0].replace('"ts":1', '"ts": 1')],
        [Chain().bodies[0].replace('"ts":1', '"ts":1.0')],
        Chain().add("settle", [(*ORG, 4)], 5).bodies,
        Chain().add("settle", [(*ORG, 5), (*ORG, 5)], 5).bodies,
        Chain().add("return", [(*ORG, -5)]).bodies,
        Chain().add("note", [(*ORG, 5)]).bodies,
    ],
    ids=range(10),
)
def test_what_no_device_would_write_is_refused(bodies: list[str]) -> None:
    """Not canonical, another ledger's, or rights that do not fit the charge."""
    with pytest.raises(NotCanonical):
        merge(kept(Chain(), 0), 0, bodies, Link(9, "x"))
