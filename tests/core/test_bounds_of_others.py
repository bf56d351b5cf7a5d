"""Bounds of what other providers can bill: writes of their own, candidates, audio, tools, tiers."""

from datetime import UTC, datetime

import pytest

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import DEFAULT_COMFORT_TOKENS
from agentspend.core.price_overrides import read_overrides
from agentspend.core.pricebook import PriceBook
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_table

BOOK = PriceBook(load_table())
NOW_US = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * 1_000_000


def facts(model: str, **more: object) -> RequestFacts:
    """A request of 1,000 tokens at most."""
    return RequestFacts(model, 1_000, 1_000, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "ttl", "pusd"),
    [
        ("gpt-4.1", "", 2_000_000),
        ("gpt-4.1", "auto", 2_000_000),
        ("gpt-4.1", "auto-12h", 2_000_000),
        ("gpt-6.1-terra", "", 1_000_000),
        ("gpt-6.1-terra", "auto", 1_250_000),
        ("gpt-6.1-terra", "auto-12h", 2_500_000),
    ],
)
def test_writes_nobody_asked_for_count_where_they_have_a_price(
    model: str, ttl: str, pusd: int
) -> None:
    """OpenAI writes by itself: GPT-5.6 and later bill it, the older ones do not."""
    bound = BOOK.bound("openai", facts(model, cache_ttl=ttl), NOW_US)
    assert bound.input_pusd_per_token == pusd
    assert bound.unpriceable == ()


def test_every_candidate_costs_its_output() -> None:
    """The limit is per candidate, the price is not."""
    one = BOOK.bound("openai", facts("gpt-4.1"), NOW_US)
    three = BOOK.bound("openai", facts("gpt-4.1", candidates=3), NOW_US)
    assert three.output_pusd_per_token == 3 * one.output_pusd_per_token
    assert three.input_pusd == one.input_pusd


def test_advice_is_bounded_whatever_the_answer_is_clamped_to() -> None:
    """At the dearest of the models that may be asked."""
    asked = facts("claude-haiku-4-5", other_models=("claude-opus-5",), advice_tokens=1_000)
    bound = BOOK.bound("anthropic", asked, NOW_US)
    assert bound.fixed_pusd == 1_000 * 25_000_000


def test_sound_has_its_own_rate() -> None:
    """A prompt that may hold audio is bounded at the audio price."""
    assert BOOK.bound("google", facts("gemini-2.5-flash"), NOW_US).input_pusd_per_token == 300_000
    heard = BOOK.bound("google", facts("gemini-2.5-flash", audio=True), NOW_US)
    assert (heard.input_pusd_per_token, heard.read_pusd_per_token) == (1_000_000, 100_000)


def test_tools_the_provider_runs_are_fees() -> None:
    """Searches of both kinds and of files, each at its price."""
    asked = facts(
        "gpt-4.1",
        web_search_requests=1,
        web_search_preview_requests=2,
        file_search_requests=4,
    )
    assert BOOK.bound("openai", asked, NOW_US).fixed_pusd == 10 * 10**9 + 50 * 10**9 + 10**10


@pytest.mark.parametrize(
    ("tier", "times"), [("", 1), ("default", 1), ("flex", 0.5), ("priority", 2), ("auto", 2)]
)
def test_a_tier_the_provider_chooses_is_the_dearest(tier: str, times: float) -> None:
    """`auto` may become priority: the bound knows that, and does not call it unknown."""
    bound = BOOK.bound("openai", facts("gpt-5", service_tier=tier), NOW_US)
    assert bound.input_pusd_per_token == 1_250_000 * times
    assert bound.unpriceable == ()


def test_an_answer_that_only_says_auto_is_not_exact() -> None:
    """It was one tier or the other, and nobody said which."""
    part = UsagePart("gpt-5", Usage(1_000), service_tier="auto")
    charge = BOOK.charge("openai", Metered((part,), Billing.EXACT), NOW_US)
    assert (charge.billing, charge.pusd) == (Billing.CEILING, 2_500_000_000)


def test_what_the_provider_states_is_the_charge() -> None:
    """To the pico-dollar, whatever the price list says."""
    part = UsagePart("anthropic/claude-sonnet-4", Usage(100))
    stated = Metered((part,), Billing.EXACT, stated_pusd=451_230_001)
    charge = BOOK.charge("openrouter", stated, NOW_US)
    assert (charge.pusd, charge.nusd, charge.billing) == (451_230_001, 451_231, Billing.EXACT)
    assert charge.models == ("anthropic/claude-sonnet-4",)
    assert sum(line.picousd for line in charge.lines) == charge.pusd


@pytest.mark.parametrize(
    ("provider", "model", "limit", "assumed"),
    [
        ("openai", "gpt-5", 128_000, False),
        ("openai", "gpt-4.1", 32_768, False),
        ("google", "gemini-2.5-pro", 65_536, False),
        ("x-ai", "grok-4.7", 500_000, False),
        ("zai", "GLM-4.6", DEFAULT_COMFORT_TOKENS, True),
    ],
)
def test_a_request_without_a_limit_gets_its_model_s(
    provider: str, model: str, limit: int, *, assumed: bool
) -> None:
    """The model's own, else its window, else one that must be written into the request."""
    filled = BOOK.with_limits(provider, RequestFacts(model, 0, 10))
    assert (filled.max_output_tokens, filled.assumed_limit) == (limit, assumed)


def test_a_limit_that_is_named_stays() -> None:
    """And the limit of several models is the largest."""
    named = RequestFacts("gpt-5", 7, 10)
    assert BOOK.with_limits("openai", named) is named
    several = RequestFacts("gpt-4.1", 0, 10, other_models=("gpt-5",))
    assert BOOK.with_limits("openai", several).max_output_tokens == 128_000


def test_a_price_of_one_s_own_has_no_peak() -> None:
    """What the user agreed on holds at every hour."""
    own = read_overrides({"deepseek/deepseek-flash": {"input": "1", "output": "1"}})
    monday_2_us = int(datetime(2026, 11, 23, 2, tzinfo=UTC).timestamp()) * 1_000_000
    part = UsagePart("deepseek-flash", Usage(1_000_000))
    metered = Metered((part,), Billing.EXACT)
    assert BOOK.charge("deepseek", metered, monday_2_us).nusd == 300_000_000
    assert PriceBook(load_table(), own).charge("deepseek", metered, monday_2_us).nusd == 10**9
    half = read_overrides({"deepseek/*": {"multiplier": "0.5"}})
    assert PriceBook(load_table(), half).charge("deepseek", metered, monday_2_us).nusd == 15 * 10**7


def test_a_bound_looks_an_hour_ahead_of_a_peak() -> None:
    """A request sent just before the peak may end in it."""
    before_us = int(datetime(2026, 11, 23, 0, 30, tzinfo=UTC).timestamp()) * 1_000_000
    saturday_us = int(datetime(2026, 11, 21, 2, 30, tzinfo=UTC).timestamp()) * 1_000_000
    asked = facts("deepseek-flash")
    assert BOOK.bound("deepseek", asked, before_us).input_pusd_per_token == 300_000
    assert BOOK.bound("deepseek", asked, saturday_us).input_pusd_per_token == 150_000
