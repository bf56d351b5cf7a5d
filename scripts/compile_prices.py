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
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types as genai
from genai_prices.data import providers as genai_providers

PRICES = Path(__file__).resolve().parent.parent / "agentspend" / "prices"
SCHEMA = 1

RATE_KEYS = (
    "input_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_mtok",
    "web_searches_kcount",
)
PUSD_PER_USD = 10**12
PER = {"web_searches_kcount": 1_000}
TOKENS_PER_PRICE = 1_000_000

# Prices of things our usage does not count (audio, images, file searches): a dialect that meets
# one names it as unpriceable, so the text price of the model stays exact.
OTHER_UNITS = frozenset(
    {
        "storage_searches_kcount",
        "input_audio_mtok",
        "cache_audio_read_mtok",
        "output_audio_mtok",
        "input_image_mtok",
        "cache_image_read_mtok",
        "output_image_mtok",
        "input_video_mtok",
        "output_video_mtok",
    }
)
# Sold by subscription or credits, or not language models: nothing to bill per token here.
SKIPPED_PROVIDERS = frozenset({"cursor", "github-copilot", "elevenlabs", "voyageai"})
DIMENSION_OF = {"processing": "service_tier", "service_tier": "service_tier", "speed": "speed"}
DIMENSIONS = ("speed", "service_tier", "inference_geo")
MODEL_KEYS = {"provider", "models", "source", "reason", "context_window", "max_output", "like"}
MODEL_KEYS |= {"aliases", "speed", "inference_geo", "becomes", "since"}

Row = list[Any]
"""[from date, from prompt tokens, then one rate per RATE_KEYS in pUSD (null: no price)]"""


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
    stale = []
    for name, content in render().items():
        target = PRICES / name
        if arguments.check:
            if not target.exists() or target.read_bytes() != content:
                stale.append(name)
        else:
            target.write_bytes(content)
    for name in stale:
        print(f"{name} is stale: run make prices", file=sys.stderr)
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
    entry: dict[str, Any] = {"rates": rates}
    if model.context_window:
        entry["context_window"] = model.context_window
    if aliases := sorted(set(_aliases(provider, model)) - {model.id}):
        entry["aliases"] = aliases
    entry.update(_variants(model, starts))
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
        elif constraint is not None:
            raise CannotExpressError("price depends on the time of day")
    return [None, *sorted(days)]


def _rows(model: genai.ModelInfo, starts: list[date | None], context: dict[str, str]) -> list[Row]:
    """The rates from each start day on, and within a day from each prompt size on."""
    rows: list[Row] = []
    before: list[Row] = []
    for start in starts:
        moment = datetime.combine(start or date.min, datetime.min.time(), UTC)
        prices = model.get_prices(moment, context).__dict__
        tiers = [price.tiers for price in prices.values() if isinstance(price, genai.TieredPrices)]
        sizes = sorted({0} | {tier.start + 1 for each in tiers for tier in each})
        now = [[size, *(_rate(key, prices.get(key), size) for key in RATE_KEYS)] for size in sizes]
        if now != before:
            rows += [[start.isoformat() if start else "", *row] for row in now]
        before = now
    return rows


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
            if plain[7] != other[7] or [r is None for r in plain] != [r is None for r in other]:
                return None
            pairs = zip(other[2:7], plain[2:7], strict=True)
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
    entries = sorted(overlay["models"], key=lambda entry: "like" not in entry)
    for entry in entries:
        _has_source(entry)
        unknown = set(entry) - MODEL_KEYS
        assert not unknown, f"overlay.toml: unknown keys {sorted(unknown)}"
        models = compiled.providers[entry["provider"]]["models"]
        for name in entry["models"]:
            if like := entry.get("like"):
                assert name not in models, f"overlay.toml: {name} is in the data now"
                models[name] = json.loads(_dump(models[like]))
                models[name].pop("aliases", None)
            assert name in models, f"overlay.toml: no such model: {entry['provider']}/{name}"
            if successor := entry.get("becomes"):
                since = date.fromisoformat(entry["since"]).isoformat()
                models[name]["rates"] += [[since, *row[1:]] for row in models[successor]["rates"]]
            _apply(models[name], entry)


def _has_source(entry: Mapping[str, Any]) -> None:
    for key in ("source", "reason"):
        assert entry.get(key), f"overlay.toml: no {key}: {entry}"


def _apply(model: dict[str, Any], entry: Mapping[str, Any]) -> None:
    for key in ("context_window", "max_output"):
        if key in entry:
            model[key] = entry[key]
    if "aliases" in entry:
        model["aliases"] = sorted({*model.get("aliases", ()), *entry["aliases"]})
    for dimension in ("speed", "inference_geo"):
        for word, times in entry.get(dimension, {}).items():
            variants = model.setdefault(dimension, {})
            assert word not in variants, f"overlay.toml: {dimension} {word} is in the data now"
            variants[word] = {"times": [["", *Decimal(times).as_integer_ratio()]]}


if __name__ == "__main__":
    raise SystemExit(main())
