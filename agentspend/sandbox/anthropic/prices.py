"""Anthropic's own price list: what every model costs, in exact fractions of a dollar.

Owns the rates, context windows and output limits the sandbox bills by, written by hand from the
vendor's public price page (cross-read with genai-prices 0.2.3 and litellm 1.109.1) and never
generated from the project's vendored table: the two lists must be able to disagree.
"""

from dataclasses import dataclass
from fractions import Fraction

from agentspend.sandbox.rates import OptionError, Usage, day, per_token

WEB_SEARCH_USD = Fraction(10, 1000)
"""One web search, whatever the model; web fetches are free."""
_US_ONLY = Fraction("1.1")
_FAST = 2


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token, exact."""

    input: Fraction
    output: Fraction
    cache_read: Fraction
    cache_write_5m: Fraction
    cache_write_1h: Fraction


@dataclass(frozen=True, slots=True)
class LongContext:
    """Rates for the whole request once its prompt is longer than `above_tokens`."""

    above_tokens: int
    rates: Rates
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model: its price, its limits, and which paid options it takes."""

    name: str
    rates: Rates
    context_window: int
    max_output: int
    fast: bool = False
    us_only: bool = False
    old_tokenizer: bool = False
    long_context: LongContext | None = None


def _rates(text: str) -> Rates:
    """Read `input output cache_read write_5m write_1h`, decimal USD per million tokens."""
    return Rates(*per_token(text))


_K, _M = 1_000, 1_000_000
_FLAT_SINCE = day(2026, 3, 13)
"""Since this day Opus 4.6 and Sonnet 4.6 cost the same at every prompt length."""
_BETA_ENDED = day(2026, 4, 30)
"""On this day the one-million-token beta of Sonnet 4.5 ended."""

_SONNET_LONG = _rates("6 22.5 0.6 7.5 12")

_CARDS = (
    ModelCard("claude-opus-5-5", _rates("4 20 0.2 5 8"), _M, 128 * _K, fast=True, us_only=True),
    ModelCard("claude-opus-5", _rates("5 25 0.5 6.25 10"), _M, 128 * _K, fast=True, us_only=True),
    ModelCard("claude-opus-4-8", _rates("5 25 0.5 6.25 10"), _M, 128 * _K, fast=True, us_only=True),
    ModelCard("claude-opus-4-7", _rates("5 25 0.5 6.25 10"), _M, 128 * _K, us_only=True),
    ModelCard(
        "claude-opus-4-6",
        _rates("5 25 0.5 6.25 10"),
        _M,
        128 * _K,
        us_only=True,
        old_tokenizer=True,
        long_context=LongContext(200 * _K, _rates("10 37.5 1 12.5 20"), _FLAT_SINCE),
    ),
    ModelCard(
        "claude-opus-4-5-20251101",
        _rates("5 25 0.5 6.25 10"),
        200 * _K,
        64 * _K,
        old_tokenizer=True,
    ),
    ModelCard(
        "claude-opus-4-1-20250805",
        _rates("15 75 1.5 18.75 30"),
        200 * _K,
        32 * _K,
        old_tokenizer=True,
    ),
    ModelCard(
        "claude-opus-4-20250514",
        _rates("15 75 1.5 18.75 30"),
        200 * _K,
        32 * _K,
        old_tokenizer=True,
    ),
    ModelCard("claude-sonnet-5-5", _rates("2 10 0.1 2.5 4"), _M, 128 * _K, us_only=True),
    ModelCard("claude-sonnet-5", _rates("2 10 0.2 2.5 4"), _M, 128 * _K, us_only=True),
    ModelCard(
        "claude-sonnet-4-6",
        _rates("3 15 0.3 3.75 6"),
        _M,
        128 * _K,
        us_only=True,
        old_tokenizer=True,
        long_context=LongContext(200 * _K, _SONNET_LONG, _FLAT_SINCE),
    ),
    ModelCard(
        "claude-sonnet-4-5-20250929",
        _rates("3 15 0.3 3.75 6"),
        200 * _K,
        64 * _K,
        old_tokenizer=True,
        long_context=LongContext(200 * _K, _SONNET_LONG, _BETA_ENDED),
    ),
    ModelCard(
        "claude-sonnet-4-20250514",
        _rates("3 15 0.3 3.75 6"),
        200 * _K,
        64 * _K,
        old_tokenizer=True,
    ),
    ModelCard(
        "claude-haiku-5-5",
        _rates("0.1 0.5 0.01 0.125 0.2"),
        _M,
        128 * _K,
        us_only=True,
        long_context=LongContext(100 * _K, _rates("0.5 2.5 0.05 0.625 1")),
    ),
    ModelCard(
        "claude-haiku-4-5-20251001",
        _rates("1 5 0.1 1.25 2"),
        200 * _K,
        64 * _K,
        old_tokenizer=True,
    ),
    ModelCard("claude-fable-5", _rates("10 50 1 12.5 20"), _M, 128 * _K, us_only=True),
    ModelCard("claude-fable-5-1", _rates("10 50 0.25 12.5 20"), _M, 128 * _K, us_only=True),
    ModelCard("claude-fable-5-2", _rates("8 40 0.2 10 16"), _M, 128 * _K, fast=True, us_only=True),
)

_ALIASES = {
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}

CARDS: dict[str, ModelCard] = {card.name: card for card in _CARDS}


def find(model: str) -> ModelCard | None:
    """The card of `model` by exact id or alias; None when the provider has no such model."""
    return CARDS.get(_ALIASES.get(model, model))


def price(
    model: str, usage: Usage, *, at_s: float, speed: str = "", inference_geo: str = ""
) -> Fraction:
    """What `usage` of `model` costs in USD at `at_s` (Unix seconds), exactly.

    Raises KeyError for a model the list does not have and OptionError for a paid option it
    does not sell.
    """
    card = CARDS[_ALIASES.get(model, model)]
    rates = _rates_for(card, usage.prompt_tokens, at_s)
    total = Fraction(0)
    for tokens, rate in (
        (usage.input_tokens, rates.input),
        (usage.cache_read_input_tokens, rates.cache_read),
        (usage.ephemeral_5m_input_tokens, rates.cache_write_5m),
        (usage.ephemeral_1h_input_tokens, rates.cache_write_1h),
        (usage.output_tokens, rates.output),
    ):
        if tokens:
            total += tokens * rate
    total *= _factor(card, speed, inference_geo)
    if usage.web_search_requests:
        total += usage.web_search_requests * WEB_SEARCH_USD
    return total


def _rates_for(card: ModelCard, prompt_tokens: int, at_s: float) -> Rates:
    tier = card.long_context
    if tier is None or prompt_tokens <= tier.above_tokens:
        return card.rates
    if tier.until_s is not None and at_s >= tier.until_s:
        return card.rates
    return tier.rates


def _factor(card: ModelCard, speed: str, inference_geo: str) -> Fraction | int:
    """Paid options multiply; web searches stay at their own price."""
    factor: Fraction | int = 1
    if speed == "fast":
        if not card.fast:
            raise OptionError(f"speed: fast mode is not available for {card.name}")
        factor *= _FAST
    if inference_geo == "us":
        if not card.us_only:
            raise OptionError(f"inference_geo: us is not available for {card.name}")
        factor *= _US_ONLY
    return factor
