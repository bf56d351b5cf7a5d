"""Google's own price list for the Gemini API, in exact fractions of a dollar.

Written by hand from the vendor's page (https://ai.google.dev/gemini-api/docs/pricing, read through
genai-prices 0.2.3's notes of 2026-10-14 and litellm 1.109.1), and never generated from the
project's vendored table: the two lists must be able to disagree. Flex halves every rate and
priority takes 1.8 times as much, as that page says of Gemini 3.8 Flash. Storage of explicit caches
is per hour and not billed here.
"""

from dataclasses import dataclass
from fractions import Fraction

from agentspend.sandbox.rates import OptionError, Usage, day, per_token

LONG_ABOVE = 200_000
TIERS = {"standard": Fraction(1), "flex": Fraction(1, 2), "priority": Fraction("1.8")}
_PER_PROMPT_USD = Fraction(35, 1000)
_PER_QUERY_USD = Fraction(14, 1000)


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token, exact. Thoughts cost what output costs."""

    input: Fraction
    output: Fraction
    cache_read: Fraction


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model: its price, its limits, and how its web searches are billed.

    `long` are the rates of the whole request above `LONG_ABOVE` prompt tokens; `later` those
    from `later_s` on. `per_prompt`: a prompt with any search is billed once, not by query.
    """

    name: str
    rates: Rates
    context_window: int
    max_output: int = 65_536
    long: Rates | None = None
    later: Rates | None = None
    later_s: float = 0.0
    per_prompt: bool = False
    tiers: bool = False


def _rates(text: str) -> Rates:
    """Read `input output cache_read`, decimal USD per million tokens."""
    return Rates(*per_token(text))


_M = 1_000_000
_FULL = 1_048_576
_INTRODUCTORY_ENDS_S = day(2027, 1, 1)

_CARDS = (
    ModelCard(
        "gemini-3.8-flash",
        _rates("0.75 3.75 0.075"),
        _M,
        later=_rates("1.5 7.5 0.15"),
        later_s=_INTRODUCTORY_ENDS_S,
        tiers=True,
    ),
    ModelCard(
        "gemini-3.6-flash",
        _rates("0.75 3.75 0.075"),
        _M,
        later=_rates("1.5 7.5 0.15"),
        later_s=_INTRODUCTORY_ENDS_S,
    ),
    ModelCard("gemini-3.5-flash-lite", _rates("0.3 2.5 0.03"), _M),
    ModelCard("gemini-3.1-pro-preview", _rates("2 12 0.2"), _FULL, long=_rates("4 18 0.4")),
    ModelCard(
        "gemini-2.5-pro",
        _rates("1.25 10 0.125"),
        _FULL,
        long=_rates("2.5 15 0.25"),
        per_prompt=True,
    ),
    ModelCard("gemini-2.5-flash", _rates("0.3 2.5 0.03"), _FULL, per_prompt=True),
)

CARDS: dict[str, ModelCard] = {card.name: card for card in _CARDS}


def find(model: str) -> ModelCard | None:
    """The card of `model` by exact name; None when the provider has no such model."""
    return CARDS.get(model.removeprefix("models/"))


def price(model: str, usage: Usage, *, at_s: float, tier: str = "standard") -> Fraction:
    """What `usage` of `model` costs in USD at `at_s` (Unix seconds), exactly.

    Raises KeyError for a model the list does not have and OptionError for a tier it does not
    sell. Web searches count as queries.
    """
    card = CARDS[model.removeprefix("models/")]
    if tier not in TIERS or (tier != "standard" and not card.tiers):
        raise OptionError(f"service tier: {tier} is not available for {card.name}")
    rates = card.later if card.later and at_s >= card.later_s else card.rates
    if card.long and usage.prompt_tokens > LONG_ABOVE:
        rates = card.long
    total = (
        usage.input_tokens * rates.input
        + usage.cache_read_input_tokens * rates.cache_read
        + usage.output_tokens * rates.output
    ) * TIERS[tier]
    if card.per_prompt:
        return total + (_PER_PROMPT_USD if usage.web_search_requests else 0)
    return total + usage.web_search_requests * _PER_QUERY_USD
