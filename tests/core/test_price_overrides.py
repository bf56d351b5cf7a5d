"""The user's word on prices: read strictly, applied by precedence."""

from typing import Any

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.core.facts import RequestFacts
from agentspend.core.price_overrides import read_overrides
from agentspend.core.pricebook import PriceBook
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_table

TABLE = load_table()
NOW_US = 1_795_435_200_000_000
ONE_EACH = Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)


def book(**tables: Any) -> PriceBook:
    """A book over the vendored table."""
    return PriceBook(TABLE, read_overrides(**tables))


def usd(
    prices: PriceBook, model: str, usage: Usage, provider: str = "anthropic", **words: str
) -> str:
    """What this usage costs, in dollars, with a mark unless it is exact."""
    part = UsagePart(model, usage, **words)
    charge = prices.charge(provider, Metered((part,), Billing.EXACT), NOW_US)
    mark = "" if charge.billing is Billing.EXACT else f" {charge.billing.value}"
    return f"{charge.nusd / 10**9:g}{mark}"


def test_a_discount_multiplies_every_rate() -> None:
    """20 % off Opus 5: 5 + 0.5 + 6.25 + 10 + 25 dollars become 37.4; searches too."""
    prices = book(prices={"anthropic/*": {"multiplier": "0.8"}})
    assert usd(prices, "claude-opus-5", ONE_EACH) == "37.4"
    assert usd(prices, "claude-opus-5", Usage(web_search_requests=1_000)) == "8"
    assert usd(prices, "claude-opus-5", ONE_EACH, speed="fast") == "74.8"


def test_a_discount_holds_for_bounds_as_well() -> None:
    """A hold at list price would refuse people who have money."""
    prices = book(prices={"anthropic/*": {"multiplier": "0.5"}})
    bound = prices.bound("anthropic", RequestFacts("claude-opus-5", 1, 1_000_000), NOW_US)
    assert bound.nusd(0) == 2_500_000_000


def test_a_full_price_makes_a_new_model_known() -> None:
    """A fine-tuned model has the price its owner gives it."""
    own = {"input": "3", "cache_read": "0.3", "cache_write_5m": "3.75", "cache_write_1h": "6"}
    own["output"] = "15"
    limits = {"context_window": 200_000, "max_output": 64_000}
    prices = book(prices={"anthropic/my-ft": {**own, **limits}})
    assert usd(prices, "my-ft", ONE_EACH) == "28.05"
    found = prices.find("anthropic", "my-ft")
    assert found is not None
    assert (found.context_window, found.max_output) == (200_000, 64_000)
    assert "my-ft" in prices.models("anthropic")


def test_a_full_price_replaces_the_listed_one_whatever_its_spelling() -> None:
    """A rule for a dated id is a rule for the model; dates and prompt tiers fall away."""
    prices = book(prices={"anthropic/claude-haiku-5-5-20261001": {"input": "1", "output": "2"}})
    assert usd(prices, "claude-haiku-5-5", Usage(1_000_000, output_tokens=1_000_000)) == "3"
    assert usd(prices, "claude-haiku-5-5", Usage(1_000_000), inference_geo="us") == "1.1"
    found = prices.find("anthropic", "claude-haiku-5-5")
    assert found is not None
    assert found.context_window == 1_000_000


def test_caches_left_out_of_a_full_price_cost_the_usual_multiples() -> None:
    """Read as input, writes 1.25 and 2 times: dear enough, and not exact."""
    prices = book(prices={"anthropic/my-ft": {"input": "4", "output": "0"}})
    assert usd(prices, "my-ft", ONE_EACH) == "21 ceiling"


def test_the_most_exact_rule_wins_alone() -> None:
    """Exact before pattern, longer pattern before shorter; they do not add up."""
    rules = {
        "anthropic/*": {"multiplier": "0.5"},
        "anthropic/claude-opus-*": {"multiplier": "0.25"},
        "anthropic/claude-opus-5": {"multiplier": "2"},
    }
    prices = book(prices=rules)
    million = Usage(1_000_000)
    assert usd(prices, "claude-sonnet-5", million) == "1"
    assert usd(prices, "claude-opus-4-8", million) == "1.25"
    assert usd(prices, "claude-opus-5", million) == "10"


def test_a_self_hosted_model_is_free() -> None:
    """A pattern with a price makes every model under it known; zero is free, not unknown."""
    prices = book(prices={"local/*": {"input": "0", "output": "0"}})
    assert usd(prices, "qwen3-coder-local", ONE_EACH, "local") == "0 free"
    assert prices.find("openai", "qwen3-coder-local") is None


def test_a_pattern_prices_what_the_table_does_not_know() -> None:
    """A longer pattern that only multiplies does not hide the one with a price."""
    rules = {
        "local/*": {"input": "1", "output": "1"},
        "local/qwen*": {"multiplier": "0.5"},
    }
    assert usd(book(prices=rules), "qwen3", Usage(1_000_000), "local") == "1"


def test_an_alias_leads_to_another_model_even_of_another_provider() -> None:
    """A gateway's own name gets the price of what is behind it, also with a suffix."""
    prices = book(aliases={"prod-sonnet": "anthropic/claude-sonnet-5"})
    for provider, name in [("anthropic", "prod-sonnet"), ("openai", "prod-sonnet[1m]")]:
        found = prices.find(provider, name)
        assert found is not None
        assert found.model == "claude-sonnet-5"


def test_the_version_covers_table_and_overrides() -> None:
    """Two ledger rows with one version were priced by the same rules."""
    plain = book()
    cheap = book(prices={"anthropic/*": {"multiplier": "0.8"}})
    assert plain.version == book(prices={}, aliases={}).version
    assert len({plain.version, cheap.version, book(unknown_model={"mode": "ceiling"}).version}) == 3


@pytest.mark.parametrize(
    ("tables", "word"),
    [
        ({"prices": {"anthropic/*": {"multiplier": 0.8}}}, "quotes"),
        ({"prices": {"anthropic/x": {"input": 3, "output": "1"}}}, "quotes"),
        ({"prices": {"anthropic/x": {"input": "3"}}}, "lacks"),
        ({"prices": {"anthropic/x": {"input": "-3", "output": "1"}}}, "not a price"),
        ({"prices": {"anthropic/x": {"input": "nan", "output": "1"}}}, "not a price"),
        ({"prices": {"anthropic/x": {"input": "1e9", "output": "1"}}}, "not a price"),
        ({"prices": {"anthropic/x": {"input": "0.0000001", "output": "1"}}}, "finer"),
        ({"prices": {"anthropic/x": {"inptu": "3", "output": "1"}}}, "not a price"),
        ({"prices": {"anthropic/x": {"max_output": 3}}}, "changes no price"),
        ({"prices": {"anthropic/claude-opus-5": {"multiplier": "1", "max_output": 0}}}, "number"),
        ({"prices": {"anthropic/x": {}}}, "empty"),
        ({"prices": {"claude-opus-5": {"multiplier": "1"}}}, "no provider"),
        ({"prices": {"anthropic/*": {"multiplier": "0"}}}, "zero"),
        ({"prices": {"anthropic/claude-opus-77": {"multiplier": "0.8"}}}, "nobody has"),
        ({"aliases": {"x": "claude-opus-5"}}, "no provider"),
        ({"aliases": {"x": "anthropic/claude-opus-77"}}, "no price"),
        ({"unknown_model": {"mode": "open"}}, "open"),
        ({"unknown_model": {"ceiling": "3"}}, "not a setting"),
        ({"unknown_model": {"input": 30}}, "quotes"),
    ],
)
def test_what_cannot_be_meant_is_refused(tables: dict[str, Any], word: str) -> None:
    """Every mistake is named with its key and a way out; a price is never guessed."""
    with pytest.raises(AgentspendError, match=word) as raised:
        book(**tables)
    assert raised.value.hint
