"""From the decoded price table to model prices.

Owns the meaning of table.json's fields (`scripts/compile_prices.py` writes them). Does not read
the file: that is `agentspend.prices`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from agentspend.core.rates import (
    CEILING_WEB_SEARCH_PUSD,
    ModelPrice,
    RateRow,
    Rates,
    Ratio,
    Variant,
    Words,
)

Table: TypeAlias = Mapping[str, Any]
"""The decoded table.json: schema, source, sha256, providers."""

RATE_NAMES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_search")
DIMENSIONS = ("speed", "service_tier", "inference_geo")
BEGINNING_US = -(2**63)


def model_price(provider: str, model: str, entry: Table, siblings: Table) -> ModelPrice:
    """Read one model's line; `siblings` is its provider's block."""
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
        dearest_times=_dearest_times(siblings),
    )


def standard_words(provider: Table) -> Words:
    """Per dimension the provider's words for its standard rate."""
    return {name: frozenset(words) for name, words in provider.get("standard", {}).items()}


def full_rates(rates: Iterable[int | None]) -> Rates:
    """Fill the gaps of a price list, in the order of `RATE_NAMES`, with the dearest usual price.

    A missing cache read costs as input, a 5-minute write 1.25×, a 1-hour write 2× (Anthropic's
    multiples, the dearest published), a search the dearest there is; each is named a stand-in.
    """
    input_, read, write_5m, write_1h, output, web_search = rates
    if input_ is None or output is None:
        raise ValueError("a price needs input and output")
    five = -(-input_ * 5 // 4) if write_5m is None else write_5m
    filled = (read, write_5m, write_1h, web_search)
    names = ("cache_read", "cache_write_5m", "cache_write_1h", "web_search")
    return Rates(
        input=input_,
        cache_read=input_ if read is None else read,
        cache_write_5m=five,
        cache_write_1h=max(2 * input_, five) if write_1h is None else write_1h,
        output=output,
        web_search=CEILING_WEB_SEARCH_PUSD if web_search is None else web_search,
        stand_ins=frozenset(name for name, rate in zip(names, filled, strict=True) if rate is None),
    )


def start_us(day: str) -> int:
    """The first µs of an ISO day, UTC; "" is the beginning of time."""
    if not day:
        return BEGINNING_US
    start = date.fromisoformat(day)
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    return (midnight - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000_000


def _rows(raw: Iterable[list[Any]]) -> tuple[RateRow, ...]:
    return tuple(RateRow(start_us(row[0]), row[1], full_rates(row[2:])) for row in raw)


def _variant(raw: Table) -> Variant:
    times = tuple((start_us(day), (num, den)) for day, num, den in raw.get("times", ()))
    return Variant(times=times, rows=_rows(raw.get("rates", ())))


def _dearest_times(provider: Table) -> dict[str, Ratio]:
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
