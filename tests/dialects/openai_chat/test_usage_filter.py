"""The usage that only we asked for is taken out; everything else passes byte for byte."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.core import limits
from agentspend.dialects.openai_chat import usage_filter
from agentspend.dialects.openai_chat.usage_filter import UsageFilter
from agentspend.dialects.sse import Splitter
from tests.dialects.fuzzing import FUZZ_EXAMPLES, TEXTS


def event(message: Any, ending: str = "\n\n") -> bytes:
    """One event as OpenAI writes it."""
    return f"data: {json.dumps(message, separators=(',', ':'), ensure_ascii=False)}".encode() + (
        ending.encode()
    )


def content(text: str, **more: Any) -> dict[str, Any]:
    """A chunk of text."""
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text}}], **more}


USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
LAST = {"id": "c", "choices": [], "usage": USAGE}
DONE = b"data: [DONE]\n\n"


def filtered(stream: bytes, size: int) -> bytes:
    """A stream through the filter, in chunks of this size."""
    usage = UsageFilter()
    passed = b"".join(
        usage.feed(stream[at : at + size]) for at in range(0, len(stream), max(1, size))
    )
    return passed + usage.flush()


@pytest.mark.parametrize("ending", ["\n\n", "\r\n\r\n", "\r\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10**6])
def test_a_client_sees_the_stream_it_asked_for(ending: str, size: int) -> None:
    """The last chunk is gone, and so is every null; the rest is as it was."""
    said = [content("Hi"), content(' "usage":null is text'), content("", finish_reason="stop")]
    with_usage = b"".join(event({**each, "usage": None}, ending) for each in said)
    without = b"".join(event(each, ending) for each in said)
    done = f"data: [DONE]{ending}".encode()
    assert filtered(with_usage + event(LAST, ending) + done, size) == without + done


@pytest.mark.parametrize(
    "passing",
    [
        event(content("x")),
        event({"choices": [], "prompt_filter_results": []}),
        event({"choices": [], "usage": None}).replace(b',"usage":null', b""),
        event({**content("x"), "usage": USAGE}),
        event({"error": {"message": "usage"}}),
        event({"choices": [{"delta": {"content": '"usage":null'}}]}),
        b': comment "usage"\n\n',
        b'data: {"usage": broken\n\n',
        b'event: x\ndata: {"a":\ndata: "usage"}\n\n',
        b"\n\n\n\n",
        b"",
    ],
)
def test_everything_else_passes(passing: bytes) -> None:
    """Usage that comes with content was the server's own idea."""
    for size in range(1, len(passing) + 2):
        assert filtered(passing + DONE, size) == passing + DONE


def test_a_null_inside_something_else_stays() -> None:
    """Only the one null of the chunk itself is ours."""
    chunk = content("x", usage=None, inner={"a": 1, "usage": None})
    assert filtered(event(chunk), 10) == event(chunk)


def test_no_event_waits_for_the_next_one() -> None:
    """It leaves with its own last byte."""
    usage = UsageFilter()
    for text in ("a", "b"):
        whole = event(content(text))
        assert usage.feed(whole[:-1]) == b""
        assert usage.feed(whole[-1:]) == whole
    assert usage.feed(event(LAST)) == b""
    assert usage.feed(b"data: unended") == b""
    assert usage.flush() == b"data: unended"
    assert usage.flush() == b""


def test_an_event_without_end_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken server costs no memory, and its client hears everything."""
    assert limits.MAX_SSE_EVENT_BYTES > 10**6
    monkeypatch.setattr(usage_filter, "MAX_SSE_EVENT_BYTES", 100)
    stream = b"data: " + b"x" * 500 + event(LAST)
    assert filtered(stream, 7) == stream


MESSAGES = st.lists(
    st.builds(lambda text: {**content(text), "usage": None}, TEXTS)
    | st.just(LAST)
    | st.builds(lambda text: {"choices": [], "note": text}, TEXTS),
    max_size=5,
)


@given(MESSAGES, st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n\r\n"]), st.integers(1, 40))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_no_content_is_lost(messages: list[dict[str, Any]], ending: str, size: int) -> None:
    """Every event but the usage's own arrives, with all it said beside usage."""
    passed = filtered(b"".join(event(each, ending) for each in messages), size)
    splitter = Splitter()
    seen = [json.loads(each.data) for each in splitter.feed(passed) + splitter.pending()]
    expected = [
        {k: v for k, v in each.items() if k != "usage"} for each in messages if each != LAST
    ]
    assert seen == expected


@given(st.binary(max_size=300), st.integers(1, 40))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_foreign_bytes_pass(stream: bytes, size: int) -> None:
    """What is no usage of ours is not touched."""
    if b"usage" not in stream:
        assert filtered(stream, size) == stream
