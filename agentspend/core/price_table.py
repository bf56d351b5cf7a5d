"""From the decoded price table to model prices.

Owns the meaning of table.json's fields (`scripts/compile_prices.py` writes them). Does not read
the file: that is `agentspend.prices`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from agentspend.core.rates import (
    CEILING_FILE_SEARCH_PUSD,
    CEILING_PREVIEW_SEARCH_PUSD,
    CEILING_WEB_SEARCH_PUSD,
    ModelPrice,
    Peak,
    RateRow,
    Rates,
    Ratio,
    Variant,
    Words,
)

Table: TypeAlias = Mapping[str, Any]
"""The decoded table.json: schema, source, sha256, providers."""

MAIN_RATES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search")
RARE_RATES = (
    "cache_write_12h", "input_audio", "cache_read_audio", "web_search_preview", "file_search"
)  # fmt: skip
RATE_NAMES = (*MAIN_RATES, *RARE_RATES)
"""The columns of a row after its day and prompt size; gaps at its end are not written."""
EVERY_DAY = frozenset(range(7))
DIMENSIONS = ("speed", "service_tier", "inference_geo")
BEGINNING_US = -(2**63)
DEAREST_AUDIO = 17
"""Audio input over text input, at most: gpt-audio-mini $10 to $0.60, in the price data."""


def model_price(
    provider: str, model: str, entry: Table, siblings: Table, dearest: Mapping[str, Ratio]
) -> ModelPrice:
    """Read one model's line; `siblings` is its provider's block, `dearest` its `dearest_times`."""
    variants = {
        (dimension, word): _variant(raw)
        for dimension in DIMENSIONS
        for word, raw in entry.get(dimension, {}).items()
    }
    return ModelPrice(
        provider=provider,
        model=model,
        context_window=entry.get("context_window", 0),
        max_output=entry.get("max_output", 0),
        rows=_rows(entry["rates"]),
        variants=variants,
        standard=standard_words(siblings),
        dearest_times=dearest,
        peak=_peak(entry["peak"]) if "peak" in entry else None,
    )


def dearest_times(provider: Table) -> dict[str, Ratio]:
    """Per dimension the largest multiplier any of the provider's models has."""
    best: dict[str, Ratio] = {}
    for entry in provider["models"].values():
        for dimension in DIMENSIONS:
            for raw in entry.get(dimension, {}).values():
                for _, num, den in raw.get("times", ()):
                    known = best.get(dimension, (1, 1))
                    if num * known[1] > known[0] * den:
                        best[dimension] = (num, den)
    return best


def standard_words(provider: Table) -> Words:
    """Per dimension the provider's words for its standard rate."""
    return {name: frozenset(words) for name, words in provider.get("standard", {}).items()}


def named_rates(row: Iterable[int | None]) -> dict[str, int | None]:
    """A row's rates by name; None for what it does not say. Raises ValueError for too many."""
    given = tuple(row)
    if len(given) > len(RATE_NAMES):
        raise ValueError("a row with more rates than there are")
    return {**dict.fromkeys(RATE_NAMES), **dict(zip(RATE_NAMES, given, strict=False))}


def full_rates(row: Iterable[int | None]) -> Rates:
    """Fill the gaps of a price list, in the order of `RATE_NAMES`, with the dearest usual price.

    A missing cache read costs as input, a 5-minute write 1.25×, a 1-hour write 2× (Anthropic's
    multiples), a 12-hour write twice the short one (OpenAI's; together the dearest published),
    audio the multiple of the dearest audio model, a search the dearest there is; each is named a
    stand-in.
    """
    given = named_rates(row)
    input_, output = given["input"], given["output"]
    if input_ is None or output is None:
        raise ValueError("a price needs input and output")
    five = _or(given["cache_write_5m"], -(-input_ * 5 // 4))
    audio = _or(given["input_audio"], input_ * DEAREST_AUDIO)
    search = _or(given["web_search"], CEILING_WEB_SEARCH_PUSD)
    preview = max(search, CEILING_PREVIEW_SEARCH_PUSD)
    return Rates(
        input=input_,
        cache_read=_or(given["cache_read"], input_),
        cache_write_5m=five,
        cache_write_1h=_or(given["cache_write_1h"], max(2 * input_, five)),
        output=output,
        web_search=search,
        stand_ins=frozenset(name for name, rate in given.items() if rate is None),
        cache_write_12h=_or(given["cache_write_12h"], 2 * five),
        input_audio=audio,
        cache_read_audio=_or(given["cache_read_audio"], audio),
        web_search_preview=_or(given["web_search_preview"], preview),
        file_search=_or(given["file_search"], CEILING_FILE_SEARCH_PUSD),
    )


def _or(rate: int | None, stand_in: int) -> int:
    return stand_in if rate is None else rate


def start_us(day: str) -> int:
    """The first µs of an ISO day, UTC; "" is the beginning of time."""
    if not day:
        return BEGINNING_US
    start = date.fromisoformat(day)
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    return (midnight - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000_000


def _rows(raw: Iterable[list[Any]]) -> tuple[RateRow, ...]:
    return tuple(RateRow(start_us(row[0]), row[1], full_rates(row[2:])) for row in raw)


def _peak(raw: Table) -> Peak:
    return Peak(
        from_us=start_us(raw.get("since", "")),
        weekdays=frozenset(raw.get("weekdays", EVERY_DAY)),
        hours=tuple((start, end) for start, end in raw["hours"]),
        rows=_rows(raw["rates"]),
    )


def _variant(raw: Table) -> Variant:
    times = tuple((start_us(day), (num, den)) for day, num, den in raw.get("times", ()))
    return Variant(times=times, rows=_rows(raw.get("rates", ())))
