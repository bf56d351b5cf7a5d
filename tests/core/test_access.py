"""Model access: lists intersect, and no spelling gets past one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.access import SHORT_LIST, Forbidden, forbidden
from agentspend.core.model_patterns import names_model
from agentspend.core.price_overrides import read_overrides
from agentspend.core.rules import ModelRule
from agentspend.core.scopes import Payer, Scope
from agentspend.prices import load_book

BOOK = load_book(read_overrides(aliases={"prod-opus": "anthropic/claude-opus-5"}))
ANA = Payer(member="ana", agent="claude", project="acme/api", provider="anthropic")
MODELS = BOOK.models("anthropic")


def refused(*rules: ModelRule, model: str = "claude-opus-5", payer: Payer = ANA) -> bool:
    """Whether these rules forbid one model."""
    return forbidden(rules, payer, [model], BOOK) is not None


@pytest.mark.parametrize(
    ("allow", "deny", "model", "expected"),
    [
        ((), (), "claude-opus-5", False),
        (("claude-*",), (), "claude-opus-5", False),
        (("claude-sonnet-*",), (), "claude-opus-5", True),
        (("claude-*",), ("claude-opus-*",), "claude-opus-5", True),
        (("claude-opus-5",), ("claude-*",), "claude-opus-5", True),
        (("anthropic/claude-opus-?",), (), "claude-opus-5", False),
        (("openai/*",), (), "claude-opus-5", True),
        ((), ("anthropic/*",), "claude-opus-5", True),
        ((), ("CLAUDE-*",), "claude-opus-5", False),
    ],
)
def test_patterns(
    allow: tuple[str, ...], deny: tuple[str, ...], model: str, *, expected: bool
) -> None:
    """No list allows all, deny beats allow, a provider may be named, case counts."""
    assert refused(ModelRule(allow=allow, deny=deny), model=model) is expected


@pytest.mark.parametrize(
    "spelling", ["claude-opus-5", "claude-opus-5[1m]", "anthropic/claude-opus-5", "prod-opus",
                 "claude-opus-5@latest"],
)  # fmt: skip
def test_another_spelling_gets_past_nothing(spelling: str) -> None:
    """What is refused or allowed is the model, whatever it is called; the price book knows."""
    assert refused(ModelRule(deny=("claude-opus-*",)), model=spelling)
    assert refused(ModelRule(deny=("claude-opus-5",)), model=spelling)
    assert refused(ModelRule(deny=("prod-opus",)), model=spelling)
    assert refused(ModelRule(allow=("claude-haiku-*", "*latest", "*1m*")), model=spelling)
    assert not refused(ModelRule(allow=("prod-opus",)), model=spelling)


def test_a_name_that_only_looks_like_an_allowed_one_is_not() -> None:
    """A suffix that the provider drops does not make opus a sonnet."""
    assert refused(ModelRule(allow=("*sonnet*",)), model="claude-opus-5@sonnet")


def test_a_rule_holds_only_where_it_matches() -> None:
    """Scopes are those of budgets."""
    rule = ModelRule(Scope.of({"project": "acme/api"}), deny=("*",))
    assert refused(rule)
    assert not refused(rule, payer=Payer(project="other", provider="anthropic"))


def test_every_matching_rule_must_pass() -> None:
    """One rule's list is cut by the other's."""
    wide, narrow = ModelRule(allow=("claude-*",)), ModelRule(allow=("*-opus-*",), source="key ci")
    assert not refused(wide, narrow)
    found = forbidden((wide, narrow), ANA, ["claude-haiku-5-5"], BOOK)
    assert found is not None
    assert found.rule is narrow


def test_a_model_that_may_only_stand_in_must_be_allowed_too() -> None:
    """Fallbacks are models like others."""
    rule = ModelRule(deny=("claude-opus-*",))
    found = forbidden((rule,), ANA, ["claude-sonnet-5", "claude-opus-5[1m]"], BOOK)
    assert found is not None
    assert found.model == "claude-opus-5"


def test_what_is_allowed_is_named_one_by_one_where_that_is_short() -> None:
    """Else by the patterns of the rule that said no."""
    few = ModelRule(allow=("claude-haiku-5*",))
    found = forbidden((few,), ANA, ["claude-opus-5"], BOOK)
    assert isinstance(found, Forbidden)
    assert 0 < len(found.allowed) <= SHORT_LIST
    assert all(model.startswith("claude-haiku-5") for model in found.allowed)
    many = ModelRule(deny=("claude-opus-*",))
    found = forbidden((many,), ANA, ["claude-opus-5"], BOOK)
    assert found is not None
    assert found.allowed == ("all but claude-opus-*",)


PATTERNS = st.sampled_from([*MODELS[:6], "claude-*", "*", "*-5", "anthropic/*", "openai/*"])
RULES = st.lists(
    st.builds(
        ModelRule,
        allow=st.lists(PATTERNS, max_size=2).map(tuple),
        deny=st.lists(PATTERNS, max_size=2).map(tuple),
    ),
    max_size=3,
)


@given(RULES, RULES, st.sampled_from(MODELS))
def test_more_rules_never_allow_more(some: list[ModelRule], more: list[ModelRule], m: str) -> None:
    """Adding a rule takes models away or changes nothing."""
    if refused(*some, model=m):
        assert refused(*some, *more, model=m)


@given(RULES, st.sampled_from(MODELS))
def test_a_model_is_allowed_by_every_rule_or_refused(rules: list[ModelRule], m: str) -> None:
    """The answer is what the patterns say, each on its own."""

    def met(patterns: tuple[str, ...]) -> bool:
        return any(names_model(pattern, "anthropic", m, BOOK) for pattern in patterns)

    allowed = all((not r.allow or met(r.allow)) and not met(r.deny) for r in rules)
    assert refused(*rules, model=m) is not allowed
