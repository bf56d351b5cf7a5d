"""Counts in a provider's usage object: whole numbers, or an error; and those nobody knows."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

# Numbers in a usage object that measure time or state a price, and count nothing billed.
_MEASURES = ("_time", "_ms", "_latency", "_ticks")
_DIGITS = 15
_STATEMENTS = ("cost", "estimated_cost", "time", "latency", "is_")


def whole(usage: Mapping[str, Any], name: str) -> int:
    """The count of this name, 0 where it is absent. Raises ValueError for what is no count."""
    count = usage.get(name)
    if count is None:
        return 0
    if isinstance(count, Decimal) and count.adjusted() < _DIGITS and count % 1 == 0:
        count = int(count)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < 10**_DIGITS:
        raise ValueError(f"{name} is not a count: {count!r}")
    return count


def group(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of this name; an empty one where it is absent or null. Raises ValueError."""
    found = usage.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{name} is not an object")
    return found


def unknown_counts(
    usage: Mapping[str, Any], known: Collection[str], groups: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """The names of counts above zero that nobody here prices. `groups`: known names inside."""
    for name, value in usage.items():
        if name in groups:
            inside = value if isinstance(value, dict) else {}
            for inner, count in inside.items():
                if inner not in groups[name] and not says_nothing(inner) and _counts(count):
                    yield f"{name}.{inner}"
        elif name not in known and not says_nothing(name) and _counts(value):
            yield name


def says_nothing(name: str) -> bool:
    """Whether a number of this name measures time or states a price."""
    return name.endswith(_MEASURES) or name.startswith(_STATEMENTS)


def _counts(value: object) -> bool:
    if isinstance(value, dict):
        return any(_counts(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_counts(inner) for inner in value)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value > 0
