"""Chat Completions requests for tests: made by hand, and generated."""

from typing import Any

from hypothesis import strategies as st

from agentspend.dialects.openai_chat import OpenAIChat
from tests.dialects.fuzzing import JSON_VALUES, TEXTS, dumped

OPENAI = OpenAIChat()
PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 400
MINIMAL: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}


def asking(**fields: Any) -> bytes:
    """The smallest request with these fields over it."""
    return dumped({**MINIMAL, **fields})


def saying(*parts: Any) -> bytes:
    """The smallest request with these content parts in its one message."""
    return asking(messages=[{"role": "user", "content": list(parts)}])


TEXT_PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
IMAGES = st.just({"type": "image_url", "image_url": {"url": PIXEL}})
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant", "tool"]),
            "content": TEXTS | st.lists(TEXT_PARTS | IMAGES, max_size=3),
        },
        optional={
            "tool_calls": st.lists(
                st.fixed_dictionaries(
                    {"function": st.fixed_dictionaries({"name": TEXTS, "arguments": TEXTS})}
                ),
                max_size=2,
            )
        },
    ),
    min_size=1,
    max_size=5,
)
TOOLS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.just("function"),
            "function": st.fixed_dictionaries(
                {"name": TEXTS, "description": TEXTS, "parameters": JSON_VALUES}
            ),
        }
    ),
    max_size=3,
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.sampled_from(["gpt-4.1", "gpt-6-sol"]), "messages": MESSAGES},
    optional={
        "tools": TOOLS,
        "stream": st.booleans(),
        "max_tokens": st.integers(1, 128_000),
        "max_completion_tokens": st.integers(1, 128_000),
        "n": st.integers(1, 4),
        "stream_options": st.sampled_from([{}, {"include_usage": True}, {"include_usage": False}]),
        "temperature": st.just(0),
    },
)
"""Requests a client could send."""
