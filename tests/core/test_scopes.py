"""Scopes: which requests a budget is for."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import KEYS, Payer, Scope

WORDS = st.text(max_size=12)
PAYERS = st.builds(
    Payer,
    **{name: WORDS for name in Payer.__dataclass_fields__ if name != "tags"},
    tags=st.lists(st.text(min_size=1, max_size=8), max_size=4).map(tuple),
)
FULL = Payer(**{key: f"{key}-1" for key in KEYS if key != "tag"}, tags=("team=web", "spike"))


@given(PAYERS)
def test_a_payer_reads_back_as_it_was_written(payer: Payer) -> None:
    """What a hold keeps of who pays is enough to settle it after a crash."""
    assert Payer.from_known(payer.known()) == payer


@given(PAYERS)
def test_no_terms_means_everything(payer: Payer) -> None:
    """A budget for everything leaves nobody out, known or not."""
    assert Scope().matches(payer)
    assert Scope().text() == "everything"


@pytest.mark.parametrize("key", [key for key in KEYS if key != "tag"])
def test_each_key_matches_its_own_attribute_only(key: str) -> None:
    """The exact value counts; another value, a longer one and an unknown one do not."""
    scope = Scope.of({key: f"{key}-1"})
    assert scope.matches(FULL)
    for other in ("", f"{key}-11", f"{key}-1 ", f"{key.upper()}-1"):
        assert not scope.matches(Payer.from_known({key: other}))


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("tag", "model")])
def test_a_star_is_a_star_where_names_are_exact(key: str) -> None:
    """Only models and tags have patterns."""
    assert not Scope.of({key: "*"}).matches(FULL)


def test_a_part_of_a_project_counts_in_the_whole() -> None:
    """A tag files work under one more project; whose name is longer or other is another one."""
    part = Payer(project="payments", tags=("project=github.com/acme/mono",))

    assert Scope.of({"project": "payments"}).matches(part)
    assert Scope.of({"project": "github.com/acme/mono"}).matches(part)
    assert not Scope.of({"project": "github.com/acme/mon"}).matches(part)
    assert not Scope.of({"project": "*"}).matches(part)


@given(PAYERS)
def test_a_requests_payer_is_its_sessions_but_for_what_it_says_itself(payer: Payer) -> None:
    """No attribute is forgotten."""
    said: dict[str, Any] = {
        "subagent": "a", "provider": "p", "model": "m", "branch": "b", "tags": ("t",)
    }  # fmt: skip
    assert payer.asking(**said) == replace(payer, **said)


def test_models_that_may_answer_count_until_they_did_not() -> None:
    """They go by tags; the model that was asked stays what it is, and other tags do too."""
    asked = Payer(provider="anthropic", model="sonnet", tags=("team=web",))
    either = asked.or_models(["opus", "sonnet", "opus"])

    assert either.tags == ("model=opus", "team=web")
    assert [Scope.of({"model": name}).matches(either) for name in ("sonnet", "op*", "haiku")] == [
        True, True, False,
    ]  # fmt: skip
    assert either.but_models(["opus"]) == asked
    assert either.but_models(["haiku"]) == either


def test_a_scope_within_a_project() -> None:
    """A repository's budgets are for its own project, whatever they say."""
    assert Scope.of({"agent": "claude"}).and_project("api") == Scope.of(
        {"agent": "claude", "project": "api"}
    )
    assert Scope.of({"project": "api"}).and_project("api") == Scope.of({"project": "api"})
    with pytest.raises(AgentspendError, match="'shop'"):
        Scope.of({"project": "shop"}).and_project("api")


def test_any_of_several_tags_is_enough() -> None:
    """A request with many tags counts in the budget of each."""
    for pattern in ("team=web", "team=*", "spike", "s?ike"):
        assert Scope.of({"tag": pattern}).matches(FULL)
    assert not Scope.of({"tag": "team"}).matches(FULL)
    assert not Scope.of({"tag": "*"}).matches(Payer())


@pytest.mark.parametrize(
    ("pattern", "model", "expected"),
    [
        ("claude-opus-*", "claude-opus-5-5", True),
        ("claude-opus-*", "claude-sonnet-5", False),
        ("claude-?pus-5", "claude-opus-5", True),
        ("claude-opus-5[1m]", "claude-opus-5[1m]", True),
        ("claude-opus-5[1m]", "claude-opus-51", False),
        ("claude-opus-5[1m]", "claude-opus-5m", False),
        ("[!x]", "y", False),
        ("Claude-*", "claude-opus-5", False),
        ("*", "", True),
    ],
)
def test_only_star_and_question_mark_are_wild(pattern: str, model: str, expected: bool) -> None:
    """A bracket in a model's name is a bracket: `opus-5[1m]` names Claude Code's own spelling."""
    assert Scope.of({"model": pattern}).matches(Payer(model=model)) is expected


def test_all_terms_must_be_met() -> None:
    """One that is not met leaves the request out."""
    scope = Scope.of({"model": "claude-*", "agent": "claude"})
    assert scope.matches(Payer(agent="claude", model="claude-opus-5"))
    assert not scope.matches(Payer(agent="codex", model="claude-opus-5"))
    assert not scope.matches(Payer(agent="claude", model="gpt-6-sol"))


def test_terms_are_kept_in_one_order() -> None:
    """The same scope written in another order is the same scope, so its account stays."""
    one = Scope.of({"model": "m", "agent": "a"})
    assert one == Scope.of({"agent": "a", "model": "m"})
    assert one.text() == "agent=a model=m"


@pytest.mark.parametrize("terms", [{"colour": "red"}, {"agent": ""}])
def test_a_term_that_cannot_be_met_is_refused(terms: dict[str, str]) -> None:
    """A misspelt key would be a cap that never applies."""
    with pytest.raises(AgentspendError) as raised:
        Scope.of(terms)
    assert raised.value.hint
