"""Is a foreign price table fit to be used, and what would it change?

Owns the checks and the diff behind `agentspend prices update`. Pure: tables arrive decoded
(`agentspend.prices.read_table` has already checked schema and content hash).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.price_table import DIMENSIONS, MAIN_RATES, RATE_NAMES, Table, named_rates
from agentspend.core.rates import FEES

MAX_RATE_PUSD = 10**12
"""A dollar a token (or a search): nothing sold comes near it, so a rate above it is a mistake."""
PUSD_PER_USD_PER_MTOK = 10**6
PUSD_PER_USD_PER_THOUSAND = 10**9
_MODEL_KEYS = {"aliases", "context_window", "max_output", "rates", "peak", *DIMENSIONS}
_PEAK_KEYS = {"hours", "weekdays", "since", "rates"}
_ROW_LENGTHS = range(2 + len(MAIN_RATES), 2 + len(RATE_NAMES) + 1)
_HOURS = 24
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One difference between two tables. `old` and `new` are "" where there is nothing.

    Rates are USD per million tokens (per thousand for web searches).
    """

    model: str
    what: str
    old: str
    new: str


def check_table(table: Table) -> list[str]:
    """What is wrong with a table, in words; empty when it can be used."""
    providers = table.get("providers")
    if not isinstance(providers, Mapping) or not providers:
        return ["the table has no providers"]
    wrong = []
    for provider, block in providers.items():
        if not isinstance(block, Mapping) or not isinstance(block.get("models"), Mapping):
            wrong.append(f"{provider} has no models")
            continue
        if not _are_words(block.get("standard", {})):
            wrong.append(f"{provider}: standard words are not lists of words")
        for model, entry in block["models"].items():
            wrong += [f"{provider}/{model}: {what}" for what in _wrong_entry(entry)]
    return wrong


def check_update(old: Table, new: Table, *, allow_zero: bool = False) -> list[PriceChange]:
    """The differences, sorted. Raises AgentspendError when `new` cannot be used.

    A rate that falls to zero is taken for a mistake unless `allow_zero`.
    """
    if wrong := check_table(new):
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise AgentspendError(
            f"the new price table cannot be used: {'; '.join(wrong[:3])}{more}",
            "get a table made by scripts/compile_prices.py of this version",
        )
    zeroed = sorted((_zeroes(new) - _zeroes(old)) & _priced(old))
    if zeroed and not allow_zero:
        raise AgentspendError(
            f"{zeroed[0]} costs something now and nothing in the new table",
            "if that is right, say so with --allow-zero",
        )
    return diff(old, new)


def diff(old: Table, new: Table) -> list[PriceChange]:
    """What changes from `old` to `new`: models that come and go, and every changed fact."""
    before, after = dict(_facts(old)), dict(_facts(new))
    changes = []
    for model in sorted(before.keys() | after.keys()):
        was, now = before.get(model, {}), after.get(model, {})
        if not was or not now:
            changes.append(PriceChange(model, "model", "listed" * bool(was), "listed" * bool(now)))
        changes += [
            PriceChange(model, what, was.get(what, ""), now.get(what, ""))
            for what in sorted(was.keys() | now.keys())
            if was.get(what, "") != now.get(what, "")
        ]
    return changes


def _zeroes(table: Table) -> set[str]:
    """The rates, as "provider/model rate", that are nothing on some day or at some size."""
    return {name for name, rate in _every_rate(table) if rate == 0}


def _priced(table: Table) -> set[str]:
    """The rates that are more than nothing on some day or at some size."""
    return {name for name, rate in _every_rate(table) if rate > 0}


def _every_rate(table: Table) -> Iterator[tuple[str, int]]:
    for provider, block in table["providers"].items():
        for model, entry in block["models"].items():
            lists = [("", entry["rates"])]
            for dimension in DIMENSIONS:
                for word, variant in entry.get(dimension, {}).items():
                    lists.append((f" {dimension}={word}", variant.get("rates", ())))
            lists.append((" peak", entry.get("peak", {}).get("rates", ())))
            for prefix, rows in lists:
                for row in rows:
                    for name, rate in named_rates(row[2:]).items():
                        if rate is not None:
                            yield f"{provider}/{model}{prefix} {name}", rate


def _facts(table: Table) -> Iterator[tuple[str, dict[str, str]]]:
    """Each model with everything the table says of it, as words."""
    for provider, block in table["providers"].items():
        words = {f"standard {name}": ", ".join(each) for name, each in block["standard"].items()}
        if words:
            yield f"{provider}/*", words
        for model, entry in block["models"].items():
            yield f"{provider}/{model}", dict(_entry_facts(entry))


def _entry_facts(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for limit in ("context_window", "max_output"):
        if limit in entry:
            yield limit, str(entry[limit])
    if "aliases" in entry:
        yield "aliases", ", ".join(entry["aliases"])
    yield from _rate_facts("", entry["rates"])
    if peak := entry.get("peak"):
        hours = ", ".join(f"{start:02}-{end:02}" for start, end in peak["hours"])
        days = ", ".join(_WEEKDAYS[day] for day in peak.get("weekdays", range(7)))
        yield f"peak hours{_since(peak.get('since', ''))}", f"{hours} UTC {days}"
        yield from _rate_facts("peak ", peak["rates"])
    for dimension in DIMENSIONS:
        for word, variant in entry.get(dimension, {}).items():
            name = f"{dimension}={word}"
            yield from _rate_facts(f"{name} ", variant.get("rates", ()))
            for day, num, den in variant.get("times", ()):
                yield f"{name}{_since(day)}", f"×{_plain(Decimal(num) / den)}"


def _rate_facts(prefix: str, rows: Any) -> Iterator[tuple[str, str]]:
    for day, from_tokens, *rates in rows:
        size = f" from {from_tokens} tokens" if from_tokens else ""
        for name, rate in named_rates(rates).items():
            if rate is not None:
                yield f"{prefix}{name}{size}{_since(day)}", _usd(name, rate)


def _since(day: str) -> str:
    return f" since {day}" if day else ""


def _usd(name: str, rate_pusd: int) -> str:
    unit = PUSD_PER_USD_PER_THOUSAND if name in FEES else PUSD_PER_USD_PER_MTOK
    return _plain(Decimal(rate_pusd) / unit)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _wrong_entry(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "is not a table"
        return
    if unknown := sorted(set(entry) - _MODEL_KEYS):
        yield f"has unknown fields {', '.join(unknown)}"
    for limit in ("context_window", "max_output"):
        if limit in entry and not _is_count(entry[limit], least=1):
            yield f"{limit} is not a number of tokens"
    if not _is_list_of_words(entry.get("aliases", [])):
        yield "aliases are not words"
    yield from _wrong_rows(entry.get("rates"))
    for dimension in DIMENSIONS:
        variants = entry.get(dimension, {})
        if not isinstance(variants, Mapping):
            yield f"{dimension} is not a table"
            continue
        for word, variant in variants.items():
            yield from (f"{dimension}={word} {what}" for what in _wrong_variant(variant))
    if "peak" in entry:
        yield from (f"peak {what}" for what in _wrong_peak(entry["peak"]))


def _wrong_peak(peak: Any) -> Iterator[str]:
    """Hours within a day, weekdays within a week, and whole rates."""
    if not isinstance(peak, Mapping) or set(peak) - _PEAK_KEYS:
        yield "is not a table of hours, weekdays, since and rates"
        return
    if not _is_day(peak.get("since", "")):
        yield "has no day"
    hours = peak.get("hours")
    if not isinstance(hours, list) or not hours or not all(map(_is_window, hours)):
        yield "has damaged hours"
    weekdays = peak.get("weekdays", [0])
    if not isinstance(weekdays, list) or not all(_is_count(day) and day < 7 for day in weekdays):
        yield "has damaged weekdays"
    yield from _wrong_rows(peak.get("rates"))


def _is_window(window: Any) -> bool:
    if not isinstance(window, list) or len(window) != 2 or not all(map(_is_count, window)):
        return False
    return bool(window[0] < window[1] <= _HOURS)


def _wrong_variant(variant: Any) -> Iterator[str]:
    if not isinstance(variant, Mapping) or len(variant) != 1:
        yield "is neither a multiplier nor a price list"
    elif "rates" in variant:
        yield from _wrong_rows(variant["rates"])
    else:
        steps = variant.get("times")
        if not isinstance(steps, list) or not steps or not all(map(_is_step, steps)):
            yield "has a damaged multiplier"
        elif [step[0] for step in steps] != sorted({step[0] for step in steps}):
            yield "has multipliers out of order"


def _is_step(step: Any) -> bool:
    if not isinstance(step, list) or len(step) != 3 or not _is_day(step[0]):
        return False
    return _is_count(step[1], least=1) and _is_count(step[2], least=1)


def _wrong_rows(rows: Any) -> Iterator[str]:
    """Every row whole, in order, each day starting at the shortest prompt."""
    if not isinstance(rows, list) or not rows:
        yield "has no rates"
        return
    if not all(isinstance(row, list) and len(row) in _ROW_LENGTHS for row in rows):
        yield "has damaged rates"
        return
    if not all(_is_day(row[0]) and _is_count(row[1]) for row in rows):
        yield "has rates without a day or a prompt size"
        return
    keys = [(row[0], row[1]) for row in rows]
    if keys != sorted(set(keys)) or any((day, 0) not in keys for day, _ in keys):
        yield "has rates out of order"
    for _, _, *rates in rows:
        for name, rate in named_rates(rates).items():
            if rate is None and name in ("input", "output"):
                yield f"has no {name} rate"
            elif rate is not None and not (_is_count(rate) and rate <= MAX_RATE_PUSD):
                yield f"has a {name} rate of {rate!r}"


def _is_count(value: Any, *, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_day(value: Any) -> bool:
    if value == "":
        return True
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _are_words(standard: Any) -> bool:
    if not isinstance(standard, Mapping):
        return False
    return all(name in DIMENSIONS and _is_list_of_words(words) for name, words in standard.items())


def _is_list_of_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
