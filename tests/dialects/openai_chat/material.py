"""Chat Completions for the fuzz tests."""

import json

from hypothesis import strategies as st

from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_chat.request import KNOWN
from agentspend.sandbox.openai.dialect import CHAT
from tests.dialects.fuzzing import JSON_VALUES, RECORDED, TEXTS, dumped, shapes
from tests.dialects.openai_chat.requests import MINIMAL, REQUESTS, asking, saying
from tests.dialects.spoken import COUNTS, Spoken, as_events, minus

WORDS = ["text", "image_url", "input_audio", "web_search", "function", "1h", "data:image/png,"]
KEYS = ["type", "text", "image_url", "url", "content", "role", "tools", "audio", "function", "name",
        "cache_control", "include_usage", "environment"]  # fmt: skip
WILD = st.dictionaries(
    st.sampled_from([*sorted(KNOWN), "plugins", "x_tokens"]), shapes(WORDS, KEYS), max_size=6
)
USAGES = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": COUNTS,
        "completion_tokens": COUNTS,
        "total_tokens": COUNTS,
        "cached_tokens": COUNTS,
        "prompt_tokens_details": st.none()
        | st.dictionaries(st.sampled_from(["cached_tokens", "audio_tokens", "new_tokens"]), COUNTS),
        "completion_tokens_details": st.dictionaries(
            st.sampled_from(["reasoning_tokens", "audio_tokens"]), COUNTS
        ),
        "cost": st.none() | st.floats(allow_nan=False) | COUNTS,
    },
)
CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXTS,
        "model": TEXTS | st.integers(),
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "delta": st.fixed_dictionaries(
                        {}, optional={"content": TEXTS, "tool_calls": JSON_VALUES}
                    ),
                    "finish_reason": st.sampled_from([None, "stop", "length", "tool_calls"]),
                },
            ),
            max_size=2,
        ),
        "usage": st.none() | USAGES,
        "error": st.just({"message": "x"}),
        "service_tier": TEXTS,
    },
)
STREAMS = st.lists(CHUNKS.map(dumped) | st.sampled_from([b"[DONE]", b"{", b""]), max_size=6)


LONG = {
    "model": "gpt-4.1",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "look"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "t", "type": "function", "function": {"name": "read", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "t", "content": "it"},
    ],
    "tools": [{"type": "function", "function": {
        "name": "read", "description": "reads", "parameters": {"type": "object"},
    }}],
    "max_completion_tokens": 900,
    "n": 2,
    "metadata": {"a": "b"},
}  # fmt: skip


def material(provider: str = "openai") -> Spoken:
    """Chat Completions as one provider speaks it."""
    return Spoken(
        dialect=OpenAIChat(provider),
        provider=CHAT,
        requests=REQUESTS,
        wild=WILD.map(lambda it: [dumped(it, ascii_only=True), asking(**minus(it, MINIMAL))]),
        recorded=[dumped(each["body"]) for each in RECORDED if "completions" in each["path"]],
        turns="messages",
        nests=[
            saying({"type": "text", "text": "@"}), asking(tools=["@"]), asking(tools="@"),
            asking(prediction="@"),
        ],
        openings=["[", '{"a":', '[{"type":"namespace","tools":'],
        broken=STREAMS.map(as_events),
        ending=STREAMS.map(as_events),
        answers=CHUNKS.map(dumped) | st.binary(max_size=200),
        weight=lambda text: len(text.encode()),
        seeds=[asking(), dumped(LONG)],
    )  # fmt: skip


MATERIAL = material()


def told(body: bytes) -> tuple[int, int] | None:
    """Prompt and output of an answer's usage, read without us; None where there is none."""
    try:
        usage = json.loads(body)["usage"]
        return int(usage["prompt_tokens"]), int(usage.get("completion_tokens") or 0)
    except (KeyError, TypeError, ValueError):
        return None
