"""Google's price list, written by hand."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import genai_prices
import pytest
from genai_prices.types import Usage as OracleUsage

from agentspend.sandbox.gemini.prices import CARDS, find, price
from agentspend.sandbox.rates import OptionError, Usage
from tests.sandbox.gemini.golden import CASES, IDS, answered

NOW = datetime.fromisoformat("2026-11-23T12:00:00Z")
LATER = datetime.fromisoformat("2027-01-01T00:00:00Z")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_golden_cases_cost_the_same(case: dict[str, Any]) -> None:
    """A hand-computed case billed by the sandbox comes to the same dollars, exactly."""
    assert answered(case).usd() == Fraction(Decimal(case["expected"]["usd"])), case["derivation"]


@pytest.mark.parametrize("name", CARDS)
@pytest.mark.parametrize("prompt", [90_000, 200_000, 200_001])
@pytest.mark.parametrize("stamp", [NOW, LATER], ids=["now", "2027"])
def test_the_list_agrees_with_a_public_one(name: str, prompt: int, stamp: datetime) -> None:
    """Every rate, long-context tier and dated price is the one genai-prices knows."""
    oracle = OracleUsage(input_tokens=prompt, cache_read_tokens=10_000, output_tokens=777)
    theirs = genai_prices.calc_price(
        oracle, name, provider_id="google", genai_request_timestamp=stamp
    )
    usage = Usage(prompt - 10_000, 10_000, output_tokens=777)
    assert price(name, usage, at_s=stamp.timestamp()) == Fraction(theirs.total_price)
    known = theirs.model.context_window
    assert known in (None, CARDS[name].context_window)


def test_searches_are_billed_by_prompt_or_by_query() -> None:
    """$35 for a thousand prompts of Gemini 2.5, $14 for a thousand queries of Gemini 3."""
    asked = Usage(web_search_requests=3)
    at_s = NOW.timestamp()
    assert price("gemini-2.5-pro", asked, at_s=at_s) == Fraction(35, 1000)
    assert price("gemini-3.8-flash", asked, at_s=at_s) == 3 * Fraction(14, 1000)
    assert price("gemini-2.5-pro", Usage(), at_s=at_s) == 0


def test_tiers_multiply_where_they_are_sold() -> None:
    """Flex is half, priority 1.8 times, and nothing is invented."""
    usage, at_s = Usage(1_000, output_tokens=100), NOW.timestamp()
    plain = price("gemini-3.8-flash", usage, at_s=at_s)
    assert price("gemini-3.8-flash", usage, at_s=at_s, tier="flex") == plain / 2
    assert price("gemini-3.8-flash", usage, at_s=at_s, tier="priority") == plain * Fraction(9, 5)
    with pytest.raises(OptionError):
        price("gemini-2.5-pro", usage, at_s=at_s, tier="flex")


def test_models_are_found_by_exact_name_only() -> None:
    """With or without `models/` before it."""
    assert find("models/gemini-2.5-pro") is CARDS["gemini-2.5-pro"]
    assert find("gemini-2.5-pro-latest") is None
