"""What the dialects share: fields, counts, marks, image caps, streamed arrays."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.dialects import json_array
from agentspend.dialects.counts import group, unknown_counts, whole
from agentspend.dialects.fields import could_bring_input, could_cost
from agentspend.dialects.images import image_tokens, payload_weight
from agentspend.dialects.json_array import ArraySplitter
from agentspend.dialects.marks import prefix_marks


@pytest.mark.parametrize(
    ("count", "expected"),
    [(None, 0), (0, 0), (7, 7), (Decimal("7.0"), 7), (10**15 - 1, 10**15 - 1)],
)
def test_a_count_is_a_whole_number(count: object, expected: int) -> None:
    """Also one that a server writes with a point."""
    assert whole({"a": count}, "a") == expected


@pytest.mark.parametrize(
    "count", [-1, True, "7", 10**15, Decimal("0.5"), Decimal("1e999999999"), [], {}]
)
def test_what_is_no_count_is_an_error(count: object) -> None:
    """However large: nothing is computed with it."""
    with pytest.raises(ValueError, match="a is not a count"):
        whole({"a": count}, "a")


def test_a_group_is_an_object() -> None:
    """Or absent."""
    assert group({}, "a") == group({"a": None}, "a") == {}
    with pytest.raises(ValueError, match="a is not an object"):
        group({"a": 7}, "a")


@pytest.mark.parametrize(
    ("usage", "named"),
    [
        ({"a": 1, "known": 5}, ["a"]),
        ({"a": 0, "b": "7", "c": None, "d": True, "total_time": 3, "cost": 1, "is_x": 1}, []),
        ({"a": {"b": [0, {"c": Decimal("0.1")}]}}, ["a"]),
        ({"g": {"in": 1, "out": 1}}, ["g.out"]),
        ({"g": 7}, []),
    ],
)
def test_counts_nobody_prices_are_named(usage: dict[str, Any], named: list[str]) -> None:
    """Wherever they hide; times and stated costs are none."""
    assert list(unknown_counts(usage, {"known"}, {"g": {"in"}})) == named


@pytest.mark.parametrize(
    ("name", "costs", "brings"),
    [
        ("max_x_tokens", True, False), ("best_of", True, False), ("web_search", True, False),
        ("plugins", True, False), ("image_config", True, False), ("file_id", False, True),
        ("context_window_fallbacks", True, False), ("num_retries", True, False),
        ("preset", True, False),
        ("mcp_servers", False, True), ("something", False, False), ("logprob", False, False),
    ],
)  # fmt: skip
def test_an_unknown_name_is_judged_by_its_words(name: str, *, costs: bool, brings: bool) -> None:
    """What could cost fails closed; what could bring input is bounded by the window."""
    assert (could_cost(name), could_bring_input(name)) == (costs, brings)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-4o-mini", 48_169), ("gpt-4.1", 4_096), ("gpt-5", 4_096), ("gpt-5.4-mini", 12_288),
        ("gpt-5.3-codex", 12_288), ("openai/gpt-5.5", 12_288),
        ("gpt-6-sol", 65_536), ("claude-opus-5", 4_800), ("gemini-2.5-pro", 16_512),
        ("gemini-3.8-flash", 2_240), ("GPT-4o", 4_096), ("surprise", 65_536),
    ],
)  # fmt: skip
def test_an_image_has_a_cap(model: str, tokens: int) -> None:
    """By model; the dearest for one nobody measured."""
    assert image_tokens(model) == tokens


def test_only_a_plain_payload_is_replaced() -> None:
    """One with escapes in it was counted for more than it decodes to: its bytes stay."""
    assert payload_weight(b"AAAA", 2) == 8
    assert payload_weight(b"AA\\u0041", 2) == payload_weight("é".encode(), 2) == 0


def test_marks_cover_what_matters_and_nothing_else() -> None:
    """Neutral fields change no digest; every other field does; sizes add up."""
    turns, sizes = [b"{1}", b"{2}", b"{3}"], [10, 20, 30]
    marks = prefix_marks({"model": b"m", "seed": b"1"}, {"seed"}, turns, sizes)
    assert [mark.added_tokens_bound for mark in marks] == [0, 30, 50]
    assert prefix_marks({"model": b"m", "seed": b"2"}, {"seed"}, turns, sizes) == marks
    assert prefix_marks({"model": b"m"}, (), turns[:2], sizes[:2])[0].digest == marks[1].digest
    assert prefix_marks({"model": b"n"}, (), turns, sizes)[0].digest != marks[0].digest
    assert prefix_marks({}, (), [], []) == ()
    assert len(prefix_marks({}, (), [b"{}"] * 200, [1] * 200)) == 64


ITEMS = st.lists(
    st.recursive(
        st.none() | st.text() | st.sampled_from(['"', "\\", "}{", '\\"', "[]"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: {"v": value}),
    max_size=4,
)


@given(ITEMS, st.sampled_from([None, 2]), st.booleans(), st.integers(1, 9))
def test_an_array_is_split_wherever_it_is_cut(
    items: list[Any], indent: int | None, ascii_only: bool, size: int
) -> None:
    """Strings may hold brackets and quotes; an item is out with its own last byte."""
    body = json.dumps(items, indent=indent, ensure_ascii=ascii_only).encode()
    splitter = ArraySplitter()
    found = [
        json.loads(item)
        for at in range(0, len(body), size)
        for item in splitter.feed(body[at : at + size])
    ]
    assert found == items
    assert not splitter.overflowed


@given(st.binary(max_size=60), st.integers(1, 9))
def test_an_array_of_anything_breaks_nothing(body: bytes, size: int) -> None:
    """Whatever comes is an item or nothing."""
    splitter = ArraySplitter()
    cut = [item for at in range(0, len(body), size) for item in splitter.feed(body[at : at + size])]
    assert cut == ArraySplitter().feed(body)


def test_an_item_without_end_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, and said."""
    monkeypatch.setattr(json_array, "MAX_SSE_EVENT_BYTES", 100)
    splitter = ArraySplitter()
    assert splitter.feed(b'[{"a":1},{"b":"' + b"x" * 200) == [b'{"a":1}']
    assert splitter.overflowed
