"""Which price a model has: the user's exact word, then a pattern, then the table."""

from collections.abc import Mapping

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.core.price_lookup import PriceLookup
from agentspend.core.price_overrides import read_overrides
from agentspend.core.rates import ModelPrice
from agentspend.prices import load_table

TABLE = load_table()
OPUS = "claude-opus-5-5"
OWN = {"input": "1", "output": "2"}


def lookup(prices: Mapping[str, object] | None = None, **more: object) -> PriceLookup:
    """A lookup in the vendored table under some overrides."""
    return PriceLookup(TABLE, read_overrides(prices, **more))  # type: ignore[arg-type]


def price(found: PriceLookup, model: str, provider: str = "anthropic") -> ModelPrice:
    """A price that must be there."""
    known = found.known(provider, model)
    assert known is not None
    return known


def input_pusd(known: ModelPrice) -> int:
    """What an input token costs now, multipliers included."""
    return known.rates(10**15, 1).effective()[0]


@pytest.mark.parametrize(
    "name", [OPUS, "claude-opus-5.5", "claude-opus-5-5[1m]", "anthropic/claude-opus-5-5"]
)
def test_a_model_is_found_by_its_names(name: str) -> None:
    """Id, alias, and the spellings that cannot change its price."""
    assert price(lookup(), name).model == OPUS


@pytest.mark.parametrize(
    "name", ["", "claude-opus", "claude-opus-5-5-fake", "CLAUDE-OPUS-5-5", "gpt-6-sol", "*"]
)
def test_a_name_that_is_only_similar_is_unknown(name: str) -> None:
    """No prefix, no other provider's model, no pattern."""
    assert lookup().known("anthropic", name) is None
    assert lookup().known("nobody", OPUS) is None


def test_the_most_exact_word_of_the_user_wins() -> None:
    """Exact rule, then the longest pattern, then the table."""
    prices = {
        "anthropic/*": {"multiplier": "0.5"},
        "anthropic/claude-opus-*": {"multiplier": "0.8"},
        f"anthropic/{OPUS}": OWN,
    }
    found = lookup(prices)
    assert input_pusd(price(found, OPUS)) == 1_000_000
    assert input_pusd(price(found, "claude-opus-5")) == 4_000_000
    assert input_pusd(price(found, "claude-sonnet-5")) == 1_000_000
    assert input_pusd(price(lookup(), "claude-sonnet-5")) == 2_000_000


@pytest.mark.parametrize("spelling", [OPUS, "claude-opus-5.5"])
def test_an_exact_rule_holds_for_every_name_of_the_model(spelling: str) -> None:
    """Whatever name the rule uses and whatever name the request does."""
    found = lookup({f"anthropic/{spelling}": OWN})
    for name in (OPUS, "claude-opus-5.5", "claude-opus-5-5[1m]"):
        assert input_pusd(price(found, name)) == 1_000_000


def test_a_price_of_ones_own_keeps_the_multipliers_and_drops_dates_and_tiers() -> None:
    """Fast still doubles; the long-context list of the table is gone."""
    found = price(lookup({"anthropic/claude-haiku-5-5": OWN}), "claude-haiku-5-5")
    assert len(found.rows) == 1
    assert found.rates(10**15, 900_000, inference_geo="us").effective()[0] == 1_100_000


def test_a_model_only_the_user_knows_has_the_users_price() -> None:
    """Exactly named or by pattern, with the limits they give."""
    found = lookup(
        {"local/*": {"input": "0", "output": "0"}, "anthropic/mine": {**OWN, "max_output": 9}}
    )
    assert input_pusd(price(found, "llama", "local")) == 0
    assert price(found, "mine").max_output == 9
    assert "mine" in found.models("anthropic")


def test_a_multiplier_alone_prices_nobody() -> None:
    """A discount on an unknown model is no price; on an unknown exact name it is an error."""
    assert lookup({"anthropic/*": {"multiplier": "0.5"}}).known("anthropic", "claude-9") is None
    with pytest.raises(AgentspendError, match="multiplies a price that nobody has"):
        lookup({"anthropic/claude-9": {"multiplier": "0.5"}})


def test_an_alias_leads_to_a_price_or_is_refused_at_once() -> None:
    """Also to another provider's list; never to nothing."""
    aliases = {"prod": f"anthropic/{OPUS}"}
    assert price(lookup(aliases=aliases), "prod", "openai").model == OPUS
    with pytest.raises(AgentspendError, match="leads to anthropic/claude-9"):
        lookup(aliases={"prod": "anthropic/claude-9"})


def test_nearest_names_help_whoever_mistyped() -> None:
    """Best first, and nothing for a provider nobody knows."""
    assert lookup().nearest("anthropic", "claude-opus-5-6", 3)[0].startswith("claude-opus-5")
    assert lookup().nearest("nobody", "x", 3) == []


def test_the_ceiling_is_marked_as_one() -> None:
    """A row priced by it is never exact."""
    ceiling = lookup().ceiling("anthropic", "claude-9")
    assert (ceiling.ceiling, ceiling.context_window, input_pusd(ceiling)) == (True, 0, 30_000_000)


def test_the_version_names_table_and_overrides_together() -> None:
    """Same words, same version, in whatever order they are written."""
    one = {"anthropic/a": OWN, "anthropic/b": OWN}
    assert lookup(one).version == lookup(dict(reversed(one.items()))).version
    assert len({lookup().version, lookup(one).version, lookup({"anthropic/a": OWN}).version}) == 3
