"""Anthropic's `usage` object as parts that can be priced (pricing study §3.1).

The top level is billed at the model that answered. `iterations[]` of type compaction and
advisor_message are not included in it and are billed on top; message and fallback_message are
included.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Usage, UsagePart

INCLUDED = frozenset({"message", "fallback_message"})
BILLED_ON_TOP = frozenset({"compaction", "advisor_message"})
WORDS = ("speed", "service_tier", "inference_geo")
READ_HERE = frozenset(
    {
        "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
        "cache_creation", "output_tokens_details", "server_tool_use", "service_tier", "speed",
        "inference_geo", "iterations", "fallback_credit",
    }
)  # fmt: skip
PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
"""The counts that a prompt's tokens are."""
ITEM_WORDS = frozenset({"type", "model"})
CREATION = frozenset({"ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"})
SERVER_TOOLS = frozenset({"web_search_requests", "web_fetch_requests"})


def parts_of(
    usage: Mapping[str, Any], model: str, facts: RequestFacts
) -> tuple[tuple[UsagePart, ...], tuple[str, ...]]:
    """The priced parts of one usage object, and the billable fields we do not know.

    A word the answer leaves unsaid (speed, tier, region) is the request's own. Raises ValueError
    for counts that are not whole numbers, and for a prompt of no tokens, which nobody sends.
    """
    unknown = list(_unknown_counts(usage))
    words = {name: str(usage.get(name) or getattr(facts, name)) for name in WORDS}
    counts = _counts(usage, facts)
    split = _by_model(usage, counts, model, facts)
    parts = [UsagePart(model=name, usage=part, **words) for name, part in split]
    for item in usage.get("iterations") or ():
        kind = item.get("type", "")
        if kind in INCLUDED:
            continue
        billed_at = facts.model if kind == "compaction" else str(item.get("model") or facts.model)
        parts.append(UsagePart(model=billed_at, usage=_counts(item, facts), **words))
        unknown += [f"iterations.{name}" for name in _unknown_counts(item)]
        if kind not in BILLED_ON_TOP:
            unknown.append(f"iterations.{kind}")
    if not any(part.usage.prompt_tokens for part in parts):
        raise ValueError("the usage has no input")
    return tuple(parts), tuple(dict.fromkeys(unknown))


def _by_model(
    usage: Mapping[str, Any], top: Usage, model: str, facts: RequestFacts
) -> list[tuple[str, Usage]]:
    """The top level, apart from runs of a model that declined after it had written something.

    Those are billed at their own model. Nothing says whether the top level counts them: the sums
    do. What was declined unwritten counts one token and is not billed (study §3.1).
    """
    items = [item for item in usage.get("iterations") or () if item.get("type") in INCLUDED]
    runs = [(str(item.get("model") or model), _counts(item, facts)) for item in items]
    declined = [(name, run) for name, run in runs if name != model and run.output_tokens > 1]
    if sum(run.output_tokens for _, run in runs) <= top.output_tokens:
        for _, run in declined:
            top = _less(top, run)
    return [(model, top), *declined]


def _less(usage: Usage, other: Usage) -> Usage:
    """The counts without the other's, none below zero."""
    taken = other.counts()
    return Usage(**{name: max(0, n - taken.get(name, 0)) for name, n in usage.counts().items()})


def _counts(usage: Mapping[str, Any], facts: RequestFacts) -> Usage:
    written = _whole(usage, "cache_creation_input_tokens")
    detail = usage.get("cache_creation") or {}
    short = _whole(detail, "ephemeral_5m_input_tokens")
    long = sum(_whole(detail, name) for name in detail if name != "ephemeral_5m_input_tokens")
    unsplit = max(0, written - short - long)
    if facts.cache_ttl == "1h":
        long += unsplit
    else:
        short += unsplit
    return Usage(
        input_tokens=_whole(usage, "input_tokens"),
        cache_read_tokens=_whole(usage, "cache_read_input_tokens"),
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        output_tokens=_whole(usage, "output_tokens"),
        reasoning_tokens=_whole(usage.get("output_tokens_details") or {}, "thinking_tokens"),
        web_search_requests=_whole(usage.get("server_tool_use") or {}, "web_search_requests"),
    )


def _whole(usage: Mapping[str, Any], name: str) -> int:
    count = usage.get(name)
    if count is None:
        return 0
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError(f"{name} is not a count: {count!r}")
    return count


def _unknown_counts(usage: Mapping[str, Any]) -> list[str]:
    """Fields with a number above zero that nobody here prices."""
    found = [
        name
        for name, value in usage.items()
        if name not in READ_HERE and name not in ITEM_WORDS and _counts_something(value)
    ]
    for group, known in (("cache_creation", CREATION), ("server_tool_use", SERVER_TOOLS)):
        inner = usage.get(group) or {}
        found += [
            f"{group}.{name}"
            for name, value in inner.items()
            if name not in known and _counts_something(value)
        ]
    return found


def _counts_something(value: object) -> bool:
    if isinstance(value, dict):
        return any(_counts_something(inner) for inner in value.values())
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value > 0


def billed_on_top(usage: Mapping[str, Any]) -> bool:
    """Whether the answer lists work that is billed beside its own tokens."""
    items = usage.get("iterations") or ()
    return any(item.get("type", "") not in INCLUDED for item in items)
