"""A virtual key's value: its state at a moment, the rules it carries, what is refused of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from agentspend.core.rules import NO_RULES, ModelRule, RateLimit
from agentspend.core.scopes import Payer, Scope
from agentspend.core.virtual_keys import KeyState, VirtualKey, budget_name, is_token, key_of

KEY = VirtualKey("alice", expires_us=100)


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (replace(KEY, expires_us=None), KeyState.ACTIVE),
        (replace(KEY, expires_us=51), KeyState.ACTIVE),
        (replace(KEY, expires_us=50), KeyState.EXPIRED),
        (replace(KEY, expires_us=50, blocked_us=1), KeyState.BLOCKED),
        (replace(KEY, blocked_us=1), KeyState.BLOCKED),
        (replace(KEY, blocked_us=1, deleted_us=2), KeyState.DELETED),
    ],
)
def test_a_key_has_one_state(key: VirtualKey, state: KeyState) -> None:
    """At moment 50; what a person did is told before what time did."""
    assert key.state(50) is state


def test_its_rules_travel_with_it() -> None:
    """A model list, and limits with one counter a key; a key without either has no rules."""
    key = key_of("ci", {"models": ["gpt-*", "claude-x"], "rpm": 9, "tpm": 1_000, "parallel": 2})

    rules = key.rules()

    scope, source = Scope((("key", "ci"),)), "virtual key ci"
    assert rules.models == (ModelRule(scope, ("gpt-*", "claude-x"), source=source),)
    assert rules.rates == (RateLimit(scope, "key", 9, 1_000, 2, source=source),)
    assert scope.matches(Payer(key="ci"))
    assert key_of("ci", {}).rules() == NO_RULES


NAMES = st.text("abcXYZ09-_.", max_size=12)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "models": st.lists(NAMES, max_size=3), "tags": st.lists(NAMES, max_size=3),
            "tpm": st.integers(0, 10**9), "rpm": st.integers(0, 10**6),
            "parallel": st.integers(0, 99), "agent": st.sampled_from(["", "claude"]),
            "provider": st.sampled_from(["", "openrouter"]), "project": NAMES,
            "team": st.sampled_from(["", "web", "a.b-c_9"]),
        },
    )
)  # fmt: skip
def test_settings_come_back_as_they_were_kept(settings: dict[str, object]) -> None:
    """What is written to disk gives the same key again."""
    key = key_of("k", settings)
    assert key_of("k", key.settings()) == key


@pytest.mark.parametrize("alias", ["", "a b", "-x", "a/b", "x" * 61, "a\n", "ä", "a=b"])
def test_an_alias_can_be_typed_and_named_in_a_scope(alias: str) -> None:
    """Everything else is refused, with what may be used."""
    with pytest.raises(AgentspendError, match="is not a name for a key"):
        key_of(alias, {})


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"rpm": -1}, "rpm is below zero"), ({"agent": "a b"}, "is not the name of an agent"),
     ({"provider": "-"}, "is not the name of a provider"),
     ({"team": "No Team"}, "is not the name of a team")],
)  # fmt: skip
def test_bad_settings_are_refused(settings: dict[str, object], said: str) -> None:
    """Before anything is made of them."""
    with pytest.raises(AgentspendError, match=said):
        key_of("k", settings)


def test_the_names_that_go_with_a_key() -> None:
    """Its budget's, and what its token looks like."""
    assert budget_name("alice") == "key-alice"
    assert is_token("ask-abc")
    assert not is_token("sk-ant-abc")
