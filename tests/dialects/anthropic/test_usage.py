"""The usage object as priced parts: what is billed on top, and what nobody here can price."""

from typing import Any

import pytest

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Usage, UsagePart
from agentspend.dialects.anthropic.usage import parts_of

FACTS = RequestFacts("asked", 100, 1_000)
FACTS_1H = RequestFacts("asked", 100, 1_000, cache_ttl="1h")
PLAIN = {"input_tokens": 10, "output_tokens": 5}


def first(usage: dict[str, Any], facts: RequestFacts = FACTS) -> Usage:
    """The counts of the top level."""
    return parts_of(usage, "answered", facts)[0][0].usage


@pytest.mark.parametrize(
    ("usage", "facts", "short", "long"),
    [
        ({"cache_creation_input_tokens": 7}, FACTS, 7, 0),
        ({"cache_creation_input_tokens": 7}, FACTS_1H, 0, 7),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 7}}, FACTS, 0, 7),
        (
            {
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 4},
            },
            FACTS_1H,
            4,
            5,
        ),
        (
            {
                "cache_creation_input_tokens": 3,
                "cache_creation": {"ephemeral_5m_input_tokens": 4},
            },
            FACTS,
            4,
            0,
        ),
        ({"cache_creation": {"ephemeral_1d_input_tokens": 6}}, FACTS, 0, 6),
        ({"cache_creation": None, "cache_creation_input_tokens": None}, FACTS, 0, 0),
    ],
)
def test_cache_writes_are_split_the_dearest_way(
    usage: dict[str, Any], facts: RequestFacts, short: int, long: int
) -> None:
    """A write without a lifetime is of the dearest that was asked for."""
    counts = first({**PLAIN, **usage}, facts)
    assert (counts.cache_write_5m_tokens, counts.cache_write_1h_tokens) == (short, long)


def test_what_is_billed_on_top_is_a_part_of_its_own() -> None:
    """Compaction is billed at the request's model, advice at its own, the rest is included."""
    counts = {"input_tokens": 1, "output_tokens": 2}
    items = [
        {"type": "message", **counts},
        {"type": "compaction", "model": "cheaper", **counts},
        {"type": "advisor_message", "model": "adviser", **counts},
        {"type": "fallback_message", "model": "answered", **counts},
    ]
    parts, unknown = parts_of({**PLAIN, "iterations": items}, "answered", FACTS)
    assert unknown == ()
    on_top = Usage(1, output_tokens=2)
    assert parts == (
        UsagePart("answered", Usage(10, output_tokens=5)),
        UsagePart("asked", on_top),
        UsagePart("adviser", on_top),
    )


@pytest.mark.parametrize(
    ("written", "top_output", "billed"),
    [
        (200, 500, [("answered", 500), ("asked", 200)]),
        (200, 700, [("answered", 500), ("asked", 200)]),
        (1, 500, [("answered", 500)]),
    ],
)
def test_who_declined_in_the_middle_is_billed_too(
    written: int, top_output: int, billed: list[tuple[str, int]]
) -> None:
    """At its own price, in the top level's counts or not; who declined before a word is not."""
    items = [
        {"type": "message", "model": "asked", "input_tokens": 90, "output_tokens": written},
        {"type": "fallback_message", "model": "answered", "input_tokens": 90,
         "output_tokens": 500},
    ]  # fmt: skip
    usage = {"input_tokens": 90, "output_tokens": top_output, "iterations": items}
    parts, unknown = parts_of(usage, "answered", FACTS)
    assert [(part.model, part.usage.output_tokens) for part in parts] == billed
    assert unknown == ()


def test_a_request_that_only_compacts_is_billed_for_that() -> None:
    """Its top level counts nothing; where nothing at all is counted, there is no usage."""
    compaction = {"type": "compaction", "input_tokens": 90, "output_tokens": 4}
    nothing = {"input_tokens": 0, "output_tokens": 0}
    parts, unknown = parts_of({**nothing, "iterations": [compaction]}, "answered", FACTS)
    assert [(part.model, part.usage.input_tokens) for part in parts] == [
        ("answered", 0),
        ("asked", 90),
    ]
    assert unknown == ()
    with pytest.raises(ValueError, match="no input"):
        parts_of({**nothing, "iterations": [{"type": "compaction"}]}, "answered", FACTS)


def test_a_word_left_unsaid_is_the_requests_own() -> None:
    """An answer silent about its speed is charged at the speed that was asked for."""
    facts = RequestFacts("m", 1, 1, speed="fast", service_tier="auto", inference_geo="us")
    (silent,) = parts_of(PLAIN, "m", facts)[0]
    assert (silent.speed, silent.service_tier, silent.inference_geo) == ("fast", "auto", "us")
    (said,) = parts_of({**PLAIN, "speed": "standard", "inference_geo": None}, "m", facts)[0]
    assert (said.speed, said.inference_geo) == ("standard", "us")


@pytest.mark.parametrize(
    ("usage", "unknown"),
    [
        ({"video_tokens": 3}, ("video_tokens",)),
        ({"container_seconds": 1.5}, ("container_seconds",)),
        ({"paint": {"pictures": 2}}, ("paint",)),
        ({"server_tool_use": {"dream_requests": 1}}, ("server_tool_use.dream_requests",)),
        ({"cache_creation": {"1d_tokens": 1}}, ("cache_creation.1d_tokens",)),
        ({"iterations": [{"type": "dream", "input_tokens": 1}]}, ("iterations.dream",)),
        ({"iterations": [{"type": "compaction", "x_tokens": 1}]}, ("iterations.x_tokens",)),
        ({"video_tokens": 0, "paint": {"pictures": 0}, "note": "9", "odd": True}, ()),
        ({"server_tool_use": {"web_fetch_requests": 4}, "fallback_credit": {"usd": 1}}, ()),
    ],
)  # fmt: skip
def test_a_count_without_a_price_is_named(usage: dict[str, Any], unknown: tuple[str, ...]) -> None:
    """What may be billed and has no rate makes the row less sure, and says why."""
    assert parts_of({**PLAIN, **usage}, "m", FACTS)[1] == unknown


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1},
        {"input_tokens": 1.0},
        {"input_tokens": "1"},
        {"input_tokens": True},
        {"input_tokens": 0},
        {"output_tokens": 5},
        {"input_tokens": 1, "cache_creation": {"ephemeral_5m_input_tokens": -1}},
    ],
)
def test_what_is_no_count_is_no_usage(usage: dict[str, Any]) -> None:
    """Counts that cannot be true, and a prompt of nothing, are refused instead of charged low."""
    with pytest.raises(ValueError):
        parts_of(usage, "m", FACTS)
