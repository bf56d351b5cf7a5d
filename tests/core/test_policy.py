"""What tightens holds at once; what loosens waits for a person, who is told all of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.errors import AgentspendError
from agentspend.core.policy import (
    budget_from_dict,
    budget_to_dict,
    has_rules,
    only_adds_rules,
    policy_diff,
    settings_diff,
)
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window

BASE = Budget("daily", 5 * 10**9, Window.parse("day"), Scope.of({"agent": "claude"}))
BUDGETS = st.builds(
    Budget,
    name=st.sampled_from("abc"),
    limit_nusd=st.integers(0, 3),
    window=st.sampled_from(["day", "month", "session", "5h"]).map(Window.parse),
    scope=st.sampled_from([{}, {"agent": "claude"}, {"model": "claude-*"}]).map(Scope.of),
    mode=st.sampled_from(Mode),
    bound=st.sampled_from(BoundKind),
    counts=st.sampled_from(Counts),
    warn_percents=st.sampled_from([(50, 80), (), (90,)]),
)
POLICIES = st.lists(BUDGETS, max_size=3, unique_by=lambda budget: budget.name).map(tuple)
Policy = tuple[Budget, ...]


def is_looser(now: Budget, before: Budget) -> bool:
    """Whether a budget lets anything pass that its former self did not."""
    return (
        now.limit_nusd > before.limit_nusd
        or (before.mode is Mode.HARD and now.mode is Mode.WARN)
        or (before.bound is BoundKind.STRICT and now.bound is BoundKind.WARM)
        or (before.counts is Counts.ALL and now.counts is Counts.BILLED)
        or (now.scope, now.window) != (before.scope, before.window)
    )


@given(POLICIES, POLICIES)
def test_nothing_loosens_without_a_person(old: Policy, new: Policy) -> None:
    """Every budget in force stays, no dimension of it looser than before."""
    adopted = {budget.name: budget for budget in policy_diff(old, new).adopt}
    for before in old:
        assert not is_looser(adopted[before.name], before)
    assert adopted.keys() == {budget.name for budget in (*old, *new)}


@given(POLICIES, POLICIES)
def test_what_waits_is_exactly_what_is_not_in_force(old: Policy, new: Policy) -> None:
    """Adopting says nothing waits, or waiting says what: no change disappears between the two."""
    diff = policy_diff(old, new)
    waiting = {change.budget for change in diff.waits}
    wanted = {budget.name: budget for budget in new}
    assert waiting == {b.name for b in diff.adopt if wanted.get(b.name) != b}


@given(POLICIES, POLICIES)
def test_declaring_the_same_again_changes_nothing_more(old: Policy, new: Policy) -> None:
    """A reload of an unchanged file is quiet."""
    diff = policy_diff(old, new)
    again = policy_diff(diff.adopt, new)
    assert set(again.adopt) == set(diff.adopt)
    assert set(again.waits) == set(diff.waits)


@given(POLICIES)
def test_the_first_policy_is_adopted_whole(new: Policy) -> None:
    """There is nothing to loosen yet."""
    assert policy_diff(None, new).adopt == new
    assert policy_diff(None, new).waits == ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"limit_nusd": 6 * 10**9}, "limit rises from $5.00 to $6.00"),
        ({"mode": Mode.WARN}, "turns from hard to warn"),
        ({"bound": BoundKind.WARM}, "bound turns from strict to warm"),
        ({"window": Window.parse("hour")}, "moves from agent=claude per day to agent=claude per"),
        ({"scope": Scope()}, "moves from agent=claude per day to everything per day"),
    ],
)
def test_a_loosening_waits_in_words(change: dict[str, object], text: str) -> None:
    """A person reads what they are asked to confirm."""
    diff = policy_diff((BASE,), (replace(BASE, **change),))  # type: ignore[arg-type]
    assert diff.adopt == (BASE,)
    assert len(diff.waits) == 1
    assert diff.waits[0].text.startswith(f"budget daily {text}")


def test_a_budget_that_moves_hides_no_other_loosening() -> None:
    """Whoever confirms a move to another window is also told that the limit rises with it."""
    wanted = replace(BASE, window=Window.parse("month"), limit_nusd=500 * 10**9, mode=Mode.WARN)
    diff = policy_diff((BASE,), (wanted,))
    assert diff.adopt == (BASE,)
    assert [change.text for change in diff.waits] == [
        "budget daily moves from agent=claude per day to agent=claude per month",
        "budget daily limit rises from $5.00 to $500.00",
        "budget daily turns from hard to warn",
    ]


def test_a_swap_of_tight_and_loose_takes_the_tight_half() -> None:
    """From warm/all to strict/billed: strict holds now, billed waits."""
    old = replace(BASE, bound=BoundKind.WARM, counts=Counts.ALL)
    new = replace(BASE, bound=BoundKind.STRICT, counts=Counts.BILLED)
    diff = policy_diff((old,), (new,))
    assert (diff.adopt[0].bound, diff.adopt[0].counts) == (BoundKind.STRICT, Counts.ALL)
    assert [change.text for change in diff.waits] == [
        "budget daily counts turns from all to billed"
    ]


def test_a_removed_or_renamed_budget_stays_until_a_person_agrees() -> None:
    """A new name brings a new budget; the old one is not gone with its name."""
    diff = policy_diff((BASE,), (replace(BASE, name="other", limit_nusd=10**12),))
    assert [budget.name for budget in diff.adopt] == ["daily", "other"]
    assert [(change.budget, change.text) for change in diff.waits] == [
        ("daily", "budget daily is removed")
    ]


@pytest.mark.parametrize("old", [None, (), (BASE,)])
def test_two_budgets_of_one_name_are_refused(old: Policy | None) -> None:
    """They would share one account, and the larger limit would be the one that holds."""
    with pytest.raises(AgentspendError, match="two budgets are called 'daily'"):
        policy_diff(old, (BASE, replace(BASE, limit_nusd=500 * 10**9)))


@given(BUDGETS)
def test_a_budget_reads_back_from_its_entry(budget: Budget) -> None:
    """The policy in the ledger is the policy that was adopted."""
    assert budget_from_dict(budget_to_dict(budget)) == budget


RULES = st.lists(st.sampled_from([{"deny": ["a"]}, {"deny": ["b"]}, {"rpm": 1}]), max_size=3)
GUARDS = st.sampled_from([{}, {"repeats": 0}, {"repeats": 5}, {"repeats": 5, "within": "9m"}])
SETTINGS = st.fixed_dictionaries(
    {},
    optional={"models": RULES, "rate_limits": RULES, "loop_guard": GUARDS,
              "prices": st.sampled_from([{}, {"*": {"multiplier": "0.5"}}])},
)  # fmt: skip


@given(SETTINGS, SETTINGS)
def test_rules_that_are_only_added_take_nothing_away(old: dict, new: dict) -> None:  # type: ignore[type-arg]
    """Every old rule stands, and nothing else changed."""
    if only_adds_rules(old, new):
        for name in ("models", "rate_limits"):
            assert all(rule in new.get(name, []) for rule in old.get(name, []))
        assert new.get("prices") == old.get("prices")
        if old.get("loop_guard", {}).get("repeats"):
            assert new["loop_guard"] == old["loop_guard"]


def test_added_rules_by_example() -> None:
    """One more is added; one less, another, or another guard is not."""
    one, two = {"models": [{"deny": ["a"]}]}, {"models": [{"deny": ["b"]}, {"deny": ["a"]}]}
    assert only_adds_rules({}, one)
    assert only_adds_rules(one, two)
    assert only_adds_rules(one, {**one, "loop_guard": {"repeats": 5}})
    assert not only_adds_rules(two, one)
    assert not only_adds_rules(one, {"models": [{"deny": ["c"]}]})
    assert not only_adds_rules({"loop_guard": {"repeats": 5}}, {"loop_guard": {"repeats": 9}})
    assert not only_adds_rules(one, {**one, "providers": {}})
    assert has_rules(one)
    assert not has_rules({"models": [], "prices": {"*": {}}})


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ({"providers": {"openai": {"base_url": "https://a"}}},
         {"providers": {"openai": {"base_url": "https://b", "auth": "key"}}},
         ['providers.openai.auth is set to "key"',
          'providers.openai.base_url changes from "https://a" to "https://b"']),
        ({"prices": {"anthropic/*": {"multiplier": "0.8"}}}, {},
         ['prices."anthropic/*".multiplier is removed']),
        ({}, {"providers": {"deepseek": {}}}, ["providers.deepseek is added"]),
        ({"providers": {"x": {}}}, {"providers": {"x": {"free": True}}},
         ["providers.x.free is set to true"]),
        ({"zone": "Etc/UTC"}, {"zone": "Asia/Tokyo"},
         ['daemon.zone changes from "Etc/UTC" to "Asia/Tokyo"']),
        ({"models": [{"deny": ["opus"]}]}, {"models": []},
         ['models changes from [{"deny": ["opus"]}] to []']),
        ({"network": {"proxy": "http://me:secret@p"}}, {"network": {"proxy": "http://p"}},
         ["network.proxy changes"]),
        ({"aliases": {"\x1b[2J": "a"}}, {}, ['aliases."\\u001b[2J" is removed']),
        ({"a": {"b": {"c": 1}}}, {"a": {"b.c": 1}}, ["a.b.c is removed", 'a."b.c" is set to 1']),
    ],
)  # fmt: skip
def test_each_setting_that_changes_is_named(
    old: dict[str, object], new: dict[str, object], texts: list[str]
) -> None:
    """A person who is asked for a yes reads what changes, as TOML names it."""
    assert [change.text for change in settings_diff(old, new)] == texts


NESTED = st.recursive(
    st.integers(0, 2) | st.text("a.@", max_size=2),
    lambda inner: st.dictionaries(st.text("ab.", min_size=1, max_size=2), inner, max_size=2),
    max_leaves=6,
)
SECTIONS = st.dictionaries(st.sampled_from(["prices", "zone"]), NESTED, max_size=2)


@given(SECTIONS, SECTIONS)
def test_no_setting_changes_unsaid(old: dict[str, object], new: dict[str, object]) -> None:
    """Whatever differs, something waits: else it would be adopted without a yes."""
    if old != new:
        assert settings_diff(old, new)
