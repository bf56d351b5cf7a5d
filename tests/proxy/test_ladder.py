"""What bounds a prompt, before anything is priced."""

from typing import Any

import pytest

from agentspend.core.conversation import Known, Turn
from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.base import Dialect
from agentspend.dialects.images import image_tokens
from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_responses import OpenAIResponses
from agentspend.proxy.ladder import input_tokens_bound
from tests.dialects.fuzzing import dumped

LINK = "https://x.test/latest.png"
CLAUDE, GPT = "claude-opus-5", "gpt-4.1"


def turn(part: dict[str, Any]) -> dict[str, Any]:
    """One turn with this image, and words enough for an earlier turn to say less."""
    kind = "input_text" if part["type"] == "input_image" else "text"
    return {"role": "user", "content": [part, {"type": kind, "text": "word " * 9_000}]}


@pytest.mark.parametrize(
    ("dialect", "model", "fields"),
    [
        (Anthropic(), CLAUDE, {"max_tokens": 9, "messages": [
            turn({"type": "image", "source": {"type": "url", "url": LINK}})]}),
        (OpenAIChat(), GPT, {"messages": [
            turn({"type": "image_url", "image_url": {"url": LINK}})]}),
        (OpenAIResponses(), GPT, {"input": [turn({"type": "input_image", "image_url": LINK})]}),
    ],
    ids=["messages", "chat", "responses"],
)  # fmt: skip
def test_a_link_may_lead_to_a_larger_image_in_the_next_turn(
    dialect: Dialect, model: str, fields: dict[str, Any]
) -> None:
    """The earlier turn proves how large it was, and no more."""
    facts = dialect.read_request(dumped({"model": model, **fields}))
    known = Known(Turn(prompt_tokens=9_100), 0)
    assert input_tokens_bound(facts, known, None) == 9_100 + image_tokens(model)
