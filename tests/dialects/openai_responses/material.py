"""The Responses API for the fuzz tests."""

from typing import Any

from hypothesis import strategies as st

from agentspend.dialects.openai_responses import OpenAIResponses
from agentspend.dialects.openai_responses.request import KNOWN
from agentspend.sandbox.openai.dialect import RESPONSES
from tests.dialects.fuzzing import JSON_VALUES, RECORDED, TEXTS, dumped, shapes
from tests.dialects.openai_chat.requests import PIXEL
from tests.dialects.openai_responses.test_request import MINIMAL, asking, saying
from tests.dialects.spoken import COUNTS, Spoken, as_events, minus

WORDS = ["input_text", "input_image", "input_audio", "web_search", "function", "message", PIXEL]
KEYS = ["type", "text", "image_url", "content", "role", "tools", "output", "name", "environment",
        "file_id", "format", "arguments"]  # fmt: skip
WILD = st.dictionaries(
    st.sampled_from([*sorted(KNOWN), "x_tokens", "x_id"]), shapes(WORDS, KEYS), max_size=6
)
PARTS = st.fixed_dictionaries({"type": st.just("input_text"), "text": TEXTS}) | st.just(
    {"type": "input_image", "image_url": PIXEL}
)
ITEMS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "developer"]), "content": TEXTS | st.lists(PARTS, max_size=3)}
) | st.fixed_dictionaries(
    {
        "type": st.sampled_from(["function_call_output", "custom_tool_call_output"]),
        "output": TEXTS | st.lists(PARTS, max_size=2),
    }
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.just("gpt-5"), "input": TEXTS | st.lists(ITEMS, min_size=1, max_size=5)},
    optional={
        "instructions": TEXTS,
        "tools": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("function"), "description": TEXTS, "parameters": JSON_VALUES}
            ),
            max_size=2,
        ),
        "max_output_tokens": st.integers(16, 128_000),
        "metadata": st.just({"a": "b"}),
    },
)
ITEM_OUT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["web_search_call", "file_search_call", "message", "x_call", 7]),
        "id": TEXTS,
        "action": st.none() | JSON_VALUES | st.just({"type": "search"}),
    },
)
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXTS,
        "model": TEXTS,
        "status": st.sampled_from(["completed", "in_progress", "failed"]),
        "output": st.none() | st.lists(ITEM_OUT, max_size=3) | JSON_VALUES,
        "usage": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "input_tokens": COUNTS,
                "output_tokens": COUNTS,
                "total_tokens": COUNTS,
                "input_tokens_details": st.none()
                | st.dictionaries(
                    st.sampled_from(["cached_tokens", "cache_write_tokens", "x_tokens"]), COUNTS
                ),
            },
        ),
    },
)
ENDINGS = ("response.completed", "response.failed", "response.incomplete")
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [*ENDINGS, "response.created", "response.output_item.done",
             "response.output_text.delta", "error", "x"]
        )
    },
    optional={"response": RESPONSE, "item": ITEM_OUT, "delta": JSON_VALUES},
)  # fmt: skip


def _once(found: tuple[list[dict[str, Any]], dict[str, Any]]) -> bytes:
    """As the API sends it: one ending, and nothing after."""
    middle = [each for each in found[0] if each["type"] not in ENDINGS]
    last = {"type": "response.completed", "response": found[1]}
    return as_events([dumped(each) for each in [*middle, last]])


LONG = {
    "model": "gpt-5",
    "instructions": "be brief",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "look"}]},
        {"type": "function_call", "call_id": "t", "name": "read", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "t", "output": "it"},
    ],
    "tools": [{"type": "function", "name": "read", "description": "reads",
               "parameters": {"type": "object"}}],
    "max_output_tokens": 900,
    "reasoning": {"effort": "low"},
    "store": False,
}  # fmt: skip

MATERIAL = Spoken(
    dialect=OpenAIResponses(),
    provider=RESPONSES,
    requests=REQUESTS,
    wild=WILD.map(lambda it: [dumped(it, ascii_only=True), asking(**minus(it, MINIMAL))]),
    recorded=[dumped(each["body"]) for each in RECORDED if "responses" in each["path"]],
    turns="input",
    nests=[
        saying({"type": "input_text", "text": "@"}), asking(tools="@"), asking(input="@"),
        asking(input=[{"output": "@"}]),
    ],
    openings=["[", '{"a":', '[{"type":"namespace","tools":'],
    broken=st.lists(EVENTS.map(dumped) | st.sampled_from([b"{", b"7", b""]), max_size=6).map(
        as_events
    ),
    ending=st.tuples(st.lists(EVENTS, max_size=4), RESPONSE).map(_once),
    answers=RESPONSE.map(dumped) | st.binary(max_size=200),
    weight=lambda text: len(text.encode()),
    seeds=[asking(), dumped(LONG)],
    behaviours=st.fixed_dictionaries({}, optional={"web_search_requests": st.integers(0, 3)}),
)  # fmt: skip
