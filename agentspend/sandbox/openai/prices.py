"""OpenAI's own price list: what every model costs, in exact fractions of a dollar.

Written by hand from the vendor's pricing and model pages (https://developers.openai.com/api/docs/
pricing, …/docs/models, …/docs/guides/prompt-caching, read through genai-prices 0.2.3's notes of
2026-10-12 and 2026-10-26 and litellm 1.109.1), and never generated from the project's vendored
table: the two lists must be able to disagree. GPT-6.2 Sol, of 2026-11-17, is from its own page
there, as far as it says. Taken from litellm alone: `ultrafast`. Inferred: that
it has the long-context surcharge of the other tiers, and that every model's 12-hour cache write
costs twice its 30-minute one, as the page says of gpt-6.1-terra ($2.50 to $1.25).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from agentspend.sandbox.rates import OptionError, Usage, per_token

WEB_SEARCH_USD = Fraction(10, 1000)
"""One call of `web_search`, or of `web_search_preview` by a model that reasons."""
WEB_SEARCH_PREVIEW_USD = Fraction(25, 1000)
"""One call of `web_search_preview` by a model that does not reason."""
LONG_ABOVE = 272_000
_REGIONAL = Fraction("1.1")
_WRITE_30M, _WRITE_12H = Fraction("1.25"), Fraction("2.5")


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token, exact. `cache_write_*` is what the model charges, if it does, to write."""

    input: Fraction
    output: Fraction
    cache_read: Fraction
    cache_write_30m: Fraction
    cache_write_12h: Fraction


@dataclass(frozen=True, slots=True)
class Tier:
    """A service tier's rates, and those of the whole request once its prompt is longer than
    `LONG_ABOVE`."""

    rates: Rates
    long: Rates | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model: its price by service tier, its limits, and what it is like.

    `snapshot` is the dated name that answers carry. `bills_writes`: cache writes cost extra, as
    they do since GPT-5.6. `regional`: sold on regional hosts at a surcharge.
    """

    name: str
    tiers: Mapping[str, Tier]
    context_window: int
    max_output: int
    snapshot: str
    bills_writes: bool
    regional: bool
    reasons: bool


def _rates(text: str, *, writes: bool) -> Rates:
    """Read `input output cache_read`, decimal USD per million tokens. A model that charges
    nothing to write bills what it writes as input."""
    given, output, read = per_token(text)
    short, long = (given * _WRITE_30M, given * _WRITE_12H) if writes else (given, given)
    return Rates(given, output, read, short, long)


def _card(
    name: str,
    tiers: dict[str, str],
    window: int,
    *,
    max_output: int = 128_000,
    dated: str = "",
    writes: bool = False,
    regional: bool = False,
    reasons: bool = True,
) -> ModelCard:
    """`tiers` by name: the rates, and behind a `|` those above `LONG_ABOVE` tokens."""
    read = {}
    for tier, text in tiers.items():
        short, _, long = text.partition("|")
        surcharged = _rates(long, writes=writes) if long else None
        read[tier] = Tier(_rates(short, writes=writes), surcharged)
    snapshot = f"{name}-{dated}" if dated else name
    return ModelCard(name, read, window, max_output, snapshot, writes, regional, reasons)


_K, _M = 1_000, 1_000_000

_CARDS = (
    _card(
        "gpt-6.2-sol",
        {
            "default": "2 10 0.1 | 4 15 0.2",
            "priority": "4 20 0.2 | 8 30 0.4",
        },
        1_050 * _K,
        writes=True,
    ),
    _card(
        "gpt-6.1-sol",
        {
            "default": "2 10 0.1 | 4 15 0.2",
            "flex": "1 5 0.05 | 2 7.5 0.1",
            "priority": "4 20 0.2 | 8 30 0.4",
            "ultrafast": "12 60 0.6 | 24 90 1.2",
        },
        1_050 * _K,
        writes=True,
    ),
    _card(
        "gpt-6.1-terra",
        {
            "default": "1 5 0.05 | 2 7.5 0.1",
            "flex": "0.5 2.5 0.025 | 1 3.75 0.05",
            "priority": "2 10 0.1 | 4 15 0.2",
        },
        1_050 * _K,
        writes=True,
    ),
    _card(
        "gpt-6-sol",
        {
            "default": "2 10 0.2 | 4 15 0.4",
            "flex": "1 5 0.1 | 2 7.5 0.2",
            "priority": "4 20 0.4 | 8 30 0.8",
        },
        1_050 * _K,
        writes=True,
        regional=True,
    ),
    _card(
        "gpt-5.6-sol",
        {
            "default": "4 20 0.4 | 8 30 0.8",
            "flex": "2 10 0.2 | 4 15 0.4",
            "priority": "8 40 0.8 | 16 60 1.6",
        },
        1_050 * _K,
        writes=True,
        regional=True,
    ),
    _card(
        "gpt-5.5",
        {
            "default": "5 30 0.5 | 10 45 1",
            "flex": "2.5 15 0.25 | 5 22.5 0.5",
            "priority": "12.5 75 1.25",
        },
        _M,
        dated="2026-04-23",
        regional=True,
    ),
    _card(
        "gpt-5.4-mini",
        {
            "default": "0.75 4.5 0.075",
            "flex": "0.375 2.25 0.0375",
            "priority": "1.5 9 0.15",
        },
        400 * _K,
        dated="2026-03-17",
        regional=True,
    ),
    _card(
        "gpt-5.4-nano",
        {"default": "0.2 1.25 0.02", "flex": "0.1 0.625 0.01"},
        400 * _K,
        dated="2026-03-17",
        regional=True,
    ),
    _card(
        "gpt-5.3-codex",
        {"default": "1.75 14 0.175", "priority": "3.5 28 0.35"},
        400 * _K,
    ),
    _card(
        "gpt-5",
        {
            "default": "1.25 10 0.125",
            "flex": "0.625 5 0.0625",
            "priority": "2.5 20 0.25",
        },
        400 * _K,
        dated="2025-08-07",
    ),
    _card("gpt-5-codex", {"default": "1.25 10 0.125"}, 400 * _K),
    _card(
        "gpt-5-mini",
        {
            "default": "0.25 2 0.025",
            "flex": "0.125 1 0.0125",
            "priority": "0.45 3.6 0.045",
        },
        400 * _K,
        dated="2025-08-07",
    ),
    _card(
        "gpt-4.1",
        {"default": "2 8 0.5", "priority": "3.5 14 0.875"},
        _M,
        max_output=32_768,
        dated="2025-04-14",
        reasons=False,
    ),
    _card(
        "gpt-4.1-mini",
        {"default": "0.4 1.6 0.1", "priority": "0.7 2.8 0.175"},
        _M,
        max_output=32_768,
        dated="2025-04-14",
        reasons=False,
    ),
)

CARDS: dict[str, ModelCard] = {card.name: card for card in _CARDS}
_BY_ANY_NAME = CARDS | {card.snapshot: card for card in _CARDS}


def find(model: str) -> ModelCard | None:
    """The card of `model` by its name or dated name; None when the provider has no such model."""
    return _BY_ANY_NAME.get(model)


def price(
    model: str,
    usage: Usage,
    *,
    tier: str = "default",
    inference_geo: str = "",
    preview_search: bool = False,
) -> Fraction:
    """What `usage` of `model` costs in USD, exactly.

    `preview_search`: the searches were made by the tool `web_search_preview`. Raises KeyError for
    a model the list does not have and OptionError for a tier or region it does not sell.
    """
    card = _BY_ANY_NAME[model]
    sold = card.tiers.get(tier)
    if sold is None:
        raise OptionError(f"service_tier: {tier} is not available for {card.name}")
    rates = sold.long if sold.long and usage.prompt_tokens > LONG_ABOVE else sold.rates
    total = (
        usage.input_tokens * rates.input
        + usage.cache_read_input_tokens * rates.cache_read
        + usage.cache_write_30m_tokens * rates.cache_write_30m
        + usage.cache_write_12h_tokens * rates.cache_write_12h
        + usage.output_tokens * rates.output
    )
    if inference_geo:
        if not card.regional:
            raise OptionError(f"region: {inference_geo} is not available for {card.name}")
        total *= _REGIONAL
    dear = preview_search and not card.reasons
    return total + usage.web_search_requests * (WEB_SEARCH_PREVIEW_USD if dear else WEB_SEARCH_USD)
