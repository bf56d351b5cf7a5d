"""Anthropic's Messages for the fuzz tests."""

from hypothesis import strategies as st

from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.anthropic.envelope import KNOWN
from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.behaviour import Iteration
from tests.dialects.anthropic.requests import MARK, MARK_1H, MINIMAL, REQUESTS, asking, saying
from tests.dialects.cases import RECORDED
from tests.dialects.fuzzing import JSON_VALUES, TEXTS, dumped, shapes
from tests.dialects.spoken import COUNTS, Spoken, as_events, minus

WORDS = ["ephemeral", "1h", "image", "url", "web_search_1"]
KEYS = ["type", "cache_control", "ttl", "source", "content", "role", "max_uses", "edits", "model",
        "name", "budget_tokens", "tool_name", "format", "text"]  # fmt: skip
WILD = st.dictionaries(st.sampled_from(sorted(KNOWN)), shapes(WORDS, KEYS), max_size=6)
USAGE = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_read_input_tokens": COUNTS,
        "cache_creation_input_tokens": COUNTS,
        "cache_creation": st.none()
        | st.dictionaries(
            st.sampled_from(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "x"]), COUNTS
        ),
        "server_tool_use": st.none()
        | st.dictionaries(st.sampled_from(["web_search_requests", "x_requests"]), COUNTS),
        "iterations": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["message", "compaction", "advisor_message", 7])},
                optional={"input_tokens": COUNTS, "output_tokens": COUNTS, "model": TEXTS},
            ),
            max_size=3,
        ),
        "service_tier": TEXTS | st.sampled_from(["standard", "batch"]),
        "inference_geo": TEXTS | st.sampled_from(["us", "global"]),
        "speed": st.sampled_from(["standard", "fast", "x"]),
        "new_tokens": COUNTS,
    },
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXTS,
        "type": st.just("message"),
        "model": TEXTS | st.integers(),
        "content": st.none() | JSON_VALUES,
        "stop_reason": st.sampled_from([None, "end_turn", "max_tokens", "refusal"]),
        "usage": st.none() | USAGE,
    },
)
MIDDLE = st.fixed_dictionaries(
    {"type": st.sampled_from(["content_block_start", "content_block_delta", "ping", "error", "x"])},
    optional={"delta": JSON_VALUES, "content_block": JSON_VALUES, "index": st.integers(0, 3)},
)
START = st.fixed_dictionaries({"type": st.just("message_start")}, optional={"message": MESSAGE})
DELTA = st.fixed_dictionaries(
    {"type": st.just("message_delta")},
    optional={"delta": MESSAGE | JSON_VALUES, "usage": st.none() | USAGE},
)
STOP = {"type": "message_stop"}
EVENTS = START | DELTA | MIDDLE | st.just(STOP)

LONG = {
    **MINIMAL,
    "system": [{"type": "text", "text": "be brief", "cache_control": MARK_1H}],
    "messages": [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "I see"},
            {"type": "tool_use", "id": "t", "name": "read", "input": {"path": "x"}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t",
             "content": [{"type": "text", "text": "it"}]},
            {"type": "text", "text": "go on", "cache_control": MARK},
        ]},
    ],
    "tools": [{"name": "read", "description": "reads", "input_schema": {"type": "object"}}],
    "thinking": {"type": "adaptive"},
    "metadata": {"user_id": "u"},
}  # fmt: skip

MATERIAL = Spoken(
    dialect=Anthropic(),
    provider=MESSAGES,
    requests=REQUESTS,
    wild=WILD.map(lambda it: [dumped(it, ascii_only=True), asking(**minus(it, MINIMAL))]),
    recorded=RECORDED,
    turns="messages",
    nests=[
        saying({"type": "text", "text": "@"}), asking(system="@"), asking(tools=["@"]),
        b'{"a" : "@"}',
    ],
    openings=["[", '{"a":', '[{"type":"tool_result","content":'],
    broken=st.lists(EVENTS.map(dumped) | st.sampled_from([b"{", b"7", b""]), max_size=6).map(
        as_events
    ),
    ending=st.tuples(START, st.lists(MIDDLE, max_size=3), DELTA).map(
        lambda it: as_events([dumped(each) for each in (it[0], *it[1], it[2], STOP)])
    ),
    answers=MESSAGE.map(dumped) | st.binary(max_size=200),
    weight=lambda text: 0,
    seeds=[asking(), dumped(LONG)],
    behaviours=st.fixed_dictionaries(
        {},
        optional={
            "web_search_requests": st.integers(0, 9),
            "speed": st.sampled_from(["", "standard"]),
            "iterations": st.lists(
                st.builds(
                    Iteration,
                    st.just("compaction"),
                    input_tokens=st.integers(0, 9_999),
                    cache_read_input_tokens=st.integers(0, 9_999),
                    output_tokens=st.integers(0, 999),
                ),
                max_size=2,
            ).map(tuple),
        },
    ),
)  # fmt: skip
