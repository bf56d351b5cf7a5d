"""OpenAI's price list, written by hand."""

import itertools
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import genai_prices
import pytest
from genai_prices.types import Usage as OracleUsage

from agentspend.core.usage import Billing, Metered, UsagePart
from agentspend.core.usage import Usage as CoreUsage
from agentspend.prices import load_book
from agentspend.sandbox.openai.prices import CARDS, find, price
from agentspend.sandbox.rates import OptionError, Usage
from tests.sandbox.openai.golden import CASES, IDS, answered

STAMP = datetime.fromisoformat("2026-11-23T12:00:00Z")
TOO_NEW = "gpt-6.2-sol"
"""Sold since 2026-11-17, and not in the public list's last version."""
PAIRS = [
    (card.name, tier) for card in CARDS.values() if card.name != TOO_NEW for tier in card.tiers
]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_golden_cases_cost_the_same(case: dict[str, Any]) -> None:
    """A hand-computed case billed by the sandbox comes to the same dollars, exactly."""
    assert answered(case).usd() == Fraction(Decimal(case["expected"]["usd"])), case["derivation"]


@pytest.mark.parametrize(("name", "tier"), PAIRS)
@pytest.mark.parametrize("prompt", [90_000, 272_000, 272_001])
def test_the_list_agrees_with_a_public_one(name: str, tier: str, prompt: int) -> None:
    """Every rate, service tier and long-context tier is the one genai-prices knows."""
    if tier == "ultrafast":
        pytest.skip("only litellm's table has it")
    card = CARDS[name]
    written = 20_000 if card.bills_writes else 0
    oracle = OracleUsage(
        input_tokens=prompt,
        cache_read_tokens=10_000,
        cache_write_tokens=written,
        output_tokens=777,
    )
    theirs = genai_prices.calc_price(
        oracle,
        name,
        provider_id="openai",
        genai_request_timestamp=STAMP,
        price_context={"service_tier": tier},
    )
    usage = Usage(
        prompt - 10_000 - written, 10_000, output_tokens=777, cache_write_30m_tokens=written
    )
    assert price(name, usage, tier=tier) == Fraction(theirs.total_price)
    assert card.context_window == theirs.model.context_window


def test_what_the_public_list_lacks_is_what_our_table_has() -> None:
    """Two lists written apart from one page."""
    book, at_us = load_book(), int(STAMP.timestamp()) * 1_000_000
    for prompt in (90_000, 272_000, 272_001):
        usage = Usage(prompt - 30_000, 10_000, output_tokens=777, cache_write_30m_tokens=20_000)
        ours = CoreUsage(
            input_tokens=prompt - 30_000,
            cache_read_tokens=10_000,
            cache_write_5m_tokens=20_000,
            output_tokens=777,
        )
        for tier in ("default", "priority"):
            part = UsagePart(TOO_NEW, ours, service_tier=tier)
            charge = book.charge("openai", Metered((part,), Billing.EXACT), at_us, TOO_NEW)
            assert Fraction(charge.pusd, 10**12) == price(TOO_NEW, usage, tier=tier)


def test_ultrafast_is_what_litellm_has() -> None:
    """$12 in, $60 out, $0.60 read."""
    usage = Usage(1_000_000 // 4, 10_000, output_tokens=1_000)
    dollars = Fraction(250_000 * 12 + 1_000 * 60, 10**6) + Fraction(10_000 * 6, 10**7)
    assert price("gpt-6.1-sol", usage, tier="ultrafast") == dollars


def test_a_twelve_hour_write_costs_twice_a_short_one() -> None:
    """On the page of gpt-6.1-terra: $2.50 to $1.25."""
    long = price("gpt-6.1-terra", Usage(cache_write_12h_tokens=1_000_000 // 10))
    assert long == Fraction(25, 100)
    assert long == 2 * price("gpt-6.1-terra", Usage(cache_write_30m_tokens=100_000))


def test_writing_is_free_before_gpt_5_6() -> None:
    """What is written is then plain input."""
    for written, plain in itertools.pairwise((Usage(cache_write_30m_tokens=900), Usage(900))):
        assert price("gpt-5", written) == price("gpt-5", plain)


def test_what_a_model_does_not_sell_has_no_price() -> None:
    """No tier and no region is invented."""
    with pytest.raises(OptionError):
        price("gpt-4.1", Usage(1), tier="flex")
    with pytest.raises(OptionError):
        price("gpt-5", Usage(1), inference_geo="eu")


def test_models_are_found_by_exact_name_only() -> None:
    """A dated name is found; one that merely begins like a model is not."""
    assert find("gpt-4.1-2025-04-14") is CARDS["gpt-4.1"]
    assert find("gpt-6-sol-2026-12-01") is None
