"""What the fuzz tests of all dialects share: hostile values, damaged bytes, and what must hold.

`AGENTSPEND_FUZZ_EXAMPLES=100000` makes the long run.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.base import BadRequest, Dialect, Meter

FUZZ_EXAMPLES = int(os.environ.get("AGENTSPEND_FUZZ_EXAMPLES", "150"))
RECORDED: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parent / "recorded" / "other-clients.jsonl")
    .read_text("utf-8")
    .splitlines()
]
SPLICES = [b"\xff", b"\\u", b"\\ud800", b"\x00", b'"', b"[", b"}", b"NaN", b"1e9", b"-1", b"null"]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["~ZZ" * 50, "\U0001d160" * 9, "e\u0301" * 20, "\ufb2c" * 9, "cache_control", '"1h"', "a\nb\nc"]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def dumped(body: Any, *, ascii_only: bool = False) -> bytes:
    """A body in the compact style of most clients."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=ascii_only).encode()


def shapes(words: Sequence[str], keys: Sequence[str]) -> st.SearchStrategy[Any]:
    """Values of any shape that use an API's own words in the wrong places."""
    return st.recursive(
        JSON_VALUES | st.sampled_from([*words, 10**30, 0.5, -1]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4)
        ),
        max_leaves=10,
    )


def damaged(body: bytes, splice: bytes, where: float, lost: int) -> bytes:
    """A body with a few bytes lost or put in."""
    at = int(where * len(body))
    return body[:at] + splice + body[at + lost :]


def texts(value: Any) -> Iterator[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


SPOKEN = (
    "text",
    "content",
    "input",
    "system",
    "instructions",
    "description",
    "arguments",
    "output",
)


def swollen(value: Any, times: int) -> Any:
    """A request whose texts are so many times as long: little else stands beside them."""
    if isinstance(value, list):
        return [swollen(inner, times) for inner in value]
    if isinstance(value, dict):
        return {
            name: inner * times
            if isinstance(inner, str) and name in SPOKEN
            else swollen(inner, times)
            for name, inner in value.items()
        }
    return value


def read(dialect: Dialect, body: bytes, path_model: str = "") -> RequestFacts | None:
    """The facts of a body, as the proxy reads it, and what must hold of them; None if refused."""
    in_nfc = not dialect.needs_normalising(body)
    try:
        facts = dialect.read_request(body, in_nfc=in_nfc, path_model=path_model)
    except BadRequest:
        return None
    assert facts.model
    assert facts.max_output_tokens >= 0
    assert facts.candidates >= 1
    assert facts.iterations >= 1
    assert facts.input_bound_tokens > 0
    assert all(mark.added_tokens_bound >= 0 for mark in facts.prefixes)
    taken = facts.thinking_tokens + facts.uncapped_output_tokens
    for limit in (taken + 1, taken + 10**6):
        clamped = dialect.with_max_output(body, limit)
        again = dialect.read_request(clamped, in_nfc=in_nfc, path_model=path_model)
        assert 1 <= again.max_output_tokens <= limit
    if b"\\u" not in body:  # names are written again without escapes, which shortens them
        assert again.input_bound_tokens >= facts.input_bound_tokens - 100
    prepared = dialect.prepare(body, facts)
    assert not dialect.read_request(prepared, path_model=path_model).adds_usage
    assert facts.adds_usage or prepared == body
    with suppress(RecursionError):  # Python 3.14's own parser stops before ours
        json.loads(dialect.count_body(body, path_model))
    return facts


def assert_never_less_sure_than_it_says(
    make: Callable[[], Meter], body: bytes, cuts: Sequence[float]
) -> Metered:
    """Feed a body whole and in pieces: the same usage, and no early end claims to be exact.

    Returns what the whole body proves.
    """
    whole = make()
    whole.feed(body)
    said = whole.end(complete=True)
    assert whole.end(complete=True) == said
    meter = make()
    ends = sorted({int(cut * len(body)) for cut in cuts} | {len(body)})
    begin = 0
    for end in ends:
        meter.feed(body[begin:end])
        begin = end
        meter.so_far()
        early = meter.end(complete=False)
        if early.billing is Billing.EXACT:
            assert early.parts == said.parts
            assert early.stated_pusd == said.stated_pusd
    assert meter.end(complete=True) == said
    assert meter.output_seen_tokens == whole.output_seen_tokens
    return said
