"""Compile the vendored price table from genai-prices (MIT) and the reviewed overlay.

    python scripts/compile_prices.py            write agentspend/prices/table.json and left-out.txt
    python scripts/compile_prices.py --check    exit 1 when either file is not what this would write

Owns the shape of table.json. Every date, tier and variant is resolved by genai-prices itself, so
the table cannot read its rules differently; what our shape cannot say exactly is left out and
listed. Needs the development dependencies; nothing at run time imports it.
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types as genai
from genai_prices.data import providers as genai_providers

from agentspend.core.money import PUSD_PER_USD
from agentspend.core.price_table import DIMENSIONS, MAIN_RATES, RATE_NAMES
from agentspend.core.rates import FEES
from agentspend.prices import SCHEMA

PRICES = Path(__file__).resolve().parent.parent / "agentspend" / "prices"

# The columns of `core.price_table.RATE_NAMES`; "" for those only the overlay knows.
RATE_KEYS = (
    "input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok",
    "web_searches_kcount", "", "input_audio_mtok", "cache_audio_read_mtok", "",
    "storage_searches_kcount",
)  # fmt: skip
assert len(RATE_KEYS) == len(RATE_NAMES)
COLUMN = {name: 2 + at for at, name in enumerate(RATE_NAMES)}
TOKEN_COLUMNS = tuple(COLUMN[name] for name in RATE_NAMES if name not in FEES)
FEE_COLUMNS = tuple(COLUMN[name] for name in FEES)
ALWAYS_WRITTEN = 2 + len(MAIN_RATES)
PER = {"web_searches_kcount": 1_000, "storage_searches_kcount": 1_000}
TOKENS_PER_PRICE = 1_000_000
# Its pages quote one input price for text, images, video and audio where they name no other.
ONE_PRICE_FOR_AUDIO = "google"

# Prices of things our usage does not count (images, video, audio that is generated): a dialect
# that meets one names it as unpriceable, so the text price of the model stays exact.
OTHER_UNITS = frozenset(
    {
        "output_audio_mtok", "input_image_mtok", "cache_image_read_mtok", "output_image_mtok",
        "input_video_mtok", "output_video_mtok",
    }
)  # fmt: skip
# Sold by subscription or credits, or not language models: nothing to bill per token here.
SKIPPED_PROVIDERS = frozenset({"cursor", "github-copilot", "elevenlabs", "voyageai"})
DIMENSION_OF = {"processing": "service_tier", "service_tier": "service_tier", "speed": "speed"}
# Words that no provider uses for anything but its list price.
PLAIN_TIERS = ("default", "standard")
MODEL_KEYS = {"provider", "models", "source", "reason", "context_window", "max_output", "like"}
MODEL_KEYS |= {"aliases", "becomes", "since", "peak_weekdays", *DIMENSIONS}
MODEL_KEYS |= {"web_search", "web_search_preview", "cache_write_12h_times", "rates_times"}

Row = list[Any]
"""[from date, from prompt tokens, then one rate per RATE_KEYS in pUSD (null: no price)]

Nulls at the end are not written (`trimmed`).
"""


class CannotExpressError(Exception):
    """A price our shape cannot say exactly."""


@dataclass
class Compiled:
    """The table's body and what did not make it in."""

    providers: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def main() -> int:
    """Write both files, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    files = {PRICES / name: content for name, content in render().items()}
    if not arguments.check:
        for target, content in files.items():
            target.write_bytes(content)
        return 0
    stale = [each for each in files if not each.exists() or each.read_bytes() != files[each]]
    for target in stale:
        print(f"{target.name} is stale: run make prices", file=sys.stderr)
    return 1 if stale else 0


def render() -> dict[str, bytes]:
    """Both files as bytes: the same input always gives the same bytes."""
    overlay = tomllib.loads((PRICES / "overlay.toml").read_text("utf-8"))
    compiled = compile_genai()
    apply_overlay(compiled, overlay)
    lines = [f"{len(compiled.left_out)} models of genai-prices are not in table.json:", ""]
    left_out = "\n".join([*lines, *sorted(compiled.left_out)]) + "\n"
    return {"table.json": table_bytes(compiled.providers), "left-out.txt": left_out.encode()}


def table_bytes(providers: Mapping[str, Any]) -> bytes:
    """One model a line, so that a change reads well; line 1 holds the hash of all that follows."""
    blocks = []
    for name, provider in sorted(providers.items()):
        models = sorted(provider["models"].items())
        lines = ",\n".join(f"{_dump(model)}:{_dump(entry)}" for model, entry in models)
        words = _dump(provider["standard"])
        blocks.append(f'{_dump(name)}:{{"standard":{words},"models":{{\n{lines}\n}}}}')
    body = '"providers":{\n' + ",\n".join(blocks) + "\n}}\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    source = f"genai-prices {version('genai-prices')} + overlay"
    head = f'{{"schema":{SCHEMA},"source":{_dump(source)},"sha256":"{digest}",\n'
    return (head + body).encode()


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def compile_genai() -> Compiled:
    """Every model whose text price our shape can say exactly."""
    compiled = Compiled()
    for provider in genai_providers:
        if provider.id in SKIPPED_PROVIDERS:
            compiled.left_out.append(f"{provider.id}/*: not billed per token")
            continue
        models = {}
        for model in provider.models:
            try:
                models[model.id] = compile_model(provider, model)
            except CannotExpressError as reason:
                compiled.left_out.append(f"{provider.id}/{model.id}: {reason}")
        if models:
            compiled.providers[provider.id] = {"standard": {}, "models": models}
    return compiled


def compile_model(provider: genai.Provider, model: genai.ModelInfo) -> dict[str, Any]:
    """One model's line: aliases, window, dated and tiered rates, variants."""
    for key in sorted(_price_keys(model)):
        if key not in RATE_KEYS and key not in OTHER_UNITS:
            raise CannotExpressError(f"priced by {key}")
    starts = _start_dates(model)
    rates = _rows(model, starts, {})
    if any(row[2] is None or row[6] is None for row in rates):
        raise CannotExpressError("no text input or output price")
    if provider.id == ONE_PRICE_FOR_AUDIO:
        for row in rates:
            if row[COLUMN["input_audio"]] is None:
                row[COLUMN["input_audio"]] = row[COLUMN["input"]]
                row[COLUMN["cache_read_audio"]] = row[COLUMN["cache_read"]]
    entry: dict[str, Any] = {"rates": rates}
    if model.context_window:
        entry["context_window"] = model.context_window
    if aliases := sorted(set(_aliases(provider, model)) - {model.id}):
        entry["aliases"] = aliases
    entry.update(_variants(model, starts))
    if windows := _windows(model):
        entry["peak"] = _peak(model, starts, windows)
    return entry


def _price_keys(model: genai.ModelInfo) -> set[str]:
    prices = model.prices if isinstance(model.prices, list) else [model.prices]
    sets = [getattr(price, "prices", price) for price in prices]
    sets += [variant.prices for variant in model.price_variants or ()]
    return {key for each in sets for key, value in each.__dict__.items() if value is not None}


def _start_dates(model: genai.ModelInfo) -> list[date | None]:
    """The days on which any of the model's prices changes, the beginning of time (None) first."""
    constraints = [variant.constraint for variant in model.price_variants or ()]
    if isinstance(model.prices, list):
        constraints += [price.constraint for price in model.prices]
    days = set()
    for constraint in constraints:
        if isinstance(constraint, genai.StartDateConstraint):
            days.add(constraint.start_date)
    return [None, *sorted(days)]


def _windows(model: genai.ModelInfo) -> list[tuple[int, int]]:
    """The hours (UTC) at which the model has another price; whole ones only."""
    prices = model.prices if isinstance(model.prices, list) else []
    windows = []
    for constraint in (price.constraint for price in prices):
        if isinstance(constraint, genai.TimeOfDateConstraint):
            start, end = constraint.start_time, constraint.end_time
            if (start.minute, start.second, end.minute, end.second) != (0, 0, 0, 0) or end <= start:
                raise CannotExpressError("price depends on the minute of the day")
            windows.append((start.hour, end.hour))
    if any(start == 0 for start, _ in windows):
        raise CannotExpressError("price depends on the time of day, midnight included")
    return sorted(windows)


def _peak(
    model: genai.ModelInfo, starts: list[date | None], windows: list[tuple[int, int]]
) -> dict[str, Any]:
    """The price list of those hours, from the last day on which the other prices changed."""
    since = starts[-1]
    moments = [_moment(since, hour) for hour, _ in windows]
    lists = [_row_of_each_size(model.get_prices(each, {}).__dict__) for each in moments]
    if any(rows != lists[0] for rows in lists):
        raise CannotExpressError("price differs between its hours")
    rates = [["", *row] for row in lists[0]]
    found: dict[str, Any] = {"hours": [list(window) for window in windows], "rates": rates}
    return {**found, "since": since.isoformat()} if since else found


def _moment(day: date | None, hour: int = 0) -> datetime:
    return datetime.combine(day or date.min, time(hour), UTC)


def _rows(model: genai.ModelInfo, starts: list[date | None], context: dict[str, str]) -> list[Row]:
    """The rates from each start day on, and within a day from each prompt size on."""
    rows: list[Row] = []
    before: list[Row] = []
    for start in starts:
        now = _row_of_each_size(model.get_prices(_moment(start), context).__dict__)
        if now != before:
            rows += [[start.isoformat() if start else "", *row] for row in now]
        before = now
    return rows


def _row_of_each_size(prices: Mapping[str, Any]) -> list[Row]:
    tiers = [price.tiers for price in prices.values() if isinstance(price, genai.TieredPrices)]
    sizes = sorted({0} | {tier.start + 1 for each in tiers for tier in each})
    return [[size, *(_rate(key, prices.get(key), size) for key in RATE_KEYS)] for size in sizes]


def _rate(key: str, price: Decimal | genai.TieredPrices | None, prompt_tokens: int) -> int | None:
    """One rate in pUSD per token (or per search), rounded up where a gateway's price needs it."""
    if price is None:
        return None
    if isinstance(price, genai.TieredPrices):
        reached = [tier.price for tier in price.tiers if prompt_tokens > tier.start]
        price = reached[-1] if reached else price.base
    pusd = price * PUSD_PER_USD / PER.get(key, TOKENS_PER_PRICE)
    return int(pusd.to_integral_value(ROUND_CEILING))


def _variants(model: genai.ModelInfo, starts: list[date | None]) -> dict[str, Any]:
    """Speed, batch, flex, priority: a dated multiplier where it is one exactly, else full rows."""
    found: dict[str, Any] = {}
    for variant in model.price_variants or ():
        if len(variant.when) != 1:
            raise CannotExpressError(f"variant by {sorted(variant.when)}")
        ((key, word),) = variant.when.items()
        dimension = DIMENSION_OF.get(key)
        if dimension is None:
            raise CannotExpressError(f"variant by {key}")
        if not variant.prices.__dict__:
            continue
        since = variant.constraint
        start = since.start_date if isinstance(since, genai.StartDateConstraint) else None
        if times := _multiplier(model, starts, start, {key: word}):
            entry = {"times": [[start.isoformat() if start else "", *times]]}
        elif dimension == "service_tier":
            days = [day for day in starts if start is None or (day and day >= start)]
            entry = {"rates": _rows(model, days, {key: word})}
        else:
            raise CannotExpressError(f"{dimension} {word} is not a multiplier")
        found.setdefault(dimension, {})[word] = entry
    return found


def _multiplier(
    model: genai.ModelInfo, starts: list[date | None], since: date | None, context: dict[str, str]
) -> tuple[int, int] | None:
    """The one ratio of all the variant's token rates to the standard ones, if there is one."""
    ratios: set[Fraction | None] = set()
    for start in starts:
        if since and (start is None or start < since):
            continue
        standard = _rows(model, [start], {})
        varied = _rows(model, [start], context)
        if [row[1] for row in standard] != [row[1] for row in varied]:
            return None
        for plain, other in zip(standard, varied, strict=True):
            same_fees = all(plain[at] == other[at] for at in FEE_COLUMNS)
            if not same_fees or [r is None for r in plain] != [r is None for r in other]:
                return None
            pairs = [(other[at], plain[at]) for at in TOKEN_COLUMNS]
            ratios |= {Fraction(a, b) if b else None for a, b in pairs if a is not None}
    ratio = ratios.pop() if len(ratios) == 1 else None
    return ratio.as_integer_ratio() if ratio else None


def _aliases(provider: genai.Provider, model: genai.ModelInfo) -> Iterator[str]:
    """The literal names in a model's rules that genai-prices itself resolves to this model."""
    for text in _literals(model.match):
        name = text.rstrip("@")
        half_a_date = re.search(r"-20\d\d$", name)
        if name and not half_a_date and provider.find_model(name) is model:
            yield name


def _literals(clause: Any) -> Iterator[str]:
    for kind in ("equals", "starts_with", "ends_with", "contains"):
        if text := getattr(clause, kind, None):
            yield text
    for inner in getattr(clause, "or_", None) or ():
        yield from _literals(inner)


def apply_overlay(compiled: Compiled, overlay: Mapping[str, Any]) -> None:
    """Lay the reviewed facts over the data; a fact about nothing is an error."""
    unknown = set(overlay) - {"words", "models"}
    assert not unknown, f"overlay.toml: unknown tables {sorted(unknown)}"
    for entry in overlay["words"]:
        _has_source(entry)
        words = {name: sorted(entry[name]) for name in DIMENSIONS if entry[name]}
        compiled.providers[entry["provider"]]["standard"] = words
    for provider in compiled.providers.values():
        provider["standard"] = provider["standard"] or {"service_tier": list(PLAIN_TIERS)}
    for entry in sorted(overlay["models"], key=lambda entry: "like" not in entry):
        _has_source(entry)
        unknown = set(entry) - MODEL_KEYS
        assert not unknown, f"overlay.toml: unknown keys {sorted(unknown)}"
        models = compiled.providers[entry["provider"]]["models"]
        for name in entry["models"]:
            assert "like" in entry or "rates_times" not in entry, "overlay.toml: times of what?"
            if like := entry.get("like"):
                assert name not in models, f"overlay.toml: {name} is in the data now"
                models[name] = json.loads(_dump(models[like]))
                models[name].pop("aliases", None)
            assert name in models, f"overlay.toml: no such model: {entry['provider']}/{name}"
            if successor := entry.get("becomes"):
                since = date.fromisoformat(entry["since"]).isoformat()
                models[name]["rates"] += [[since, *row[1:]] for row in models[successor]["rates"]]
            _apply(models[name], entry)
    for provider in compiled.providers.values():
        for model in provider["models"].values():
            assert "weekdays" in model.get("peak", {"weekdays": []}), "overlay.toml: peak_weekdays"
            for rows in _price_lists(model):
                rows[:] = [trimmed(row) for row in rows]


def trimmed(row: Row) -> Row:
    """The row without the nulls at its end, down to the main rates."""
    said = [at + 1 for at, rate in enumerate(row) if rate is not None]
    return row[: max(ALWAYS_WRITTEN, *said)]


def _price_lists(model: Mapping[str, Any]) -> Iterator[list[Row]]:
    """Every list of rows a model has: its own, its tiers', its peak's."""
    yield model["rates"]
    for variant in model.get("service_tier", {}).values():
        if "rates" in variant:
            yield variant["rates"]
    if "peak" in model:
        yield model["peak"]["rates"]


def _has_source(entry: Mapping[str, Any]) -> None:
    for key in ("source", "reason"):
        assert entry.get(key), f"overlay.toml: no {key}: {entry}"


def _apply(model: dict[str, Any], entry: Mapping[str, Any]) -> None:
    for key in ("context_window", "max_output"):
        if key in entry:
            model[key] = entry[key]
    if "aliases" in entry:
        model["aliases"] = sorted({*model.get("aliases", ()), *entry["aliases"]})
    if "peak_weekdays" in entry:
        model["peak"]["weekdays"] = sorted(entry["peak_weekdays"])
    for rows in _price_lists(model):
        for row in rows:
            for name, times in entry.get("rates_times", {}).items():
                row[COLUMN[name]] = int(row[COLUMN[name]] * Decimal(times))
            for name in ("web_search", "web_search_preview"):
                if name in entry:
                    assert row[COLUMN[name]] is None, f"overlay.toml: {name} is in the data now"
                    row[COLUMN[name]] = int(Decimal(entry[name]) * PUSD_PER_USD / 1_000)
            if times := entry.get("cache_write_12h_times"):
                short = row[COLUMN["cache_write_5m"]]
                row[COLUMN["cache_write_12h"]] = int(short * Decimal(times))
    for dimension in DIMENSIONS:
        for word, times in entry.get(dimension, {}).items():
            variants = model.setdefault(dimension, {})
            assert word not in variants, f"overlay.toml: {dimension} {word} is in the data now"
            dated = times if isinstance(times, dict) else {"": times}
            steps = [[day, *Decimal(each).as_integer_ratio()] for day, each in dated.items()]
            variants[word] = {"times": steps}


if __name__ == "__main__":
    raise SystemExit(main())
