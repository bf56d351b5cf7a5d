"""Output items and their events."""

import json
from typing import Any

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import Behaviour, text, tool
from agentspend.sandbox.model import answer
from agentspend.sandbox.openai.dialect import RESPONSES
from agentspend.sandbox.openai.items import items_of
from tests.sandbox.conftest import events, response

FUNCTIONS = {
    "type": "namespace",
    "name": "functions",
    "tools": [{"type": "custom", "name": "exec"}, {"type": "function", "name": "wait"}],
}
CODEX = [
    {"type": "additional_tools", "role": "developer", "tools": [FUNCTIONS]},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
]


def made(how: Behaviour, **changes: Any) -> Answer:
    found = answer(response(**changes), how, dialect=RESPONSES)
    assert isinstance(found, Answer), found
    return found


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in RESPONSES.stream(found)))


def test_a_custom_tool_is_called_with_plain_text_in_its_namespace() -> None:
    """What Codex declares is what it gets called, streamed in pieces that join."""
    found = made(Behaviour(answer=(tool("exec", input="ls('é')"),), deltas=3), input=CODEX)
    (item,) = (item.shown for item in items_of(found))
    assert item["type"] == "custom_tool_call"
    assert (item["name"], item["namespace"], item["input"]) == ("exec", "functions", "ls('é')")
    deltas = [event for event in streamed(found) if event["type"].endswith("input.delta")]
    assert "".join(event["delta"] for event in deltas) == item["input"]
    assert item["call_id"].startswith("call_")


def test_a_function_is_called_with_json() -> None:
    """Added empty, filled by deltas, done whole."""
    found = made(Behaviour(answer=(tool("wait", cell_id="1"),), deltas=3), input=CODEX)
    seen = streamed(found)
    added = next(event for event in seen if event["type"].endswith("item.added"))
    done = next(event for event in seen if event["type"].endswith("item.done"))
    assert added["item"]["arguments"] == ""
    assert json.loads(done["item"]["arguments"]) == {"cell_id": "1"}
    assert done["item"]["status"] == "completed"


def test_reasoning_is_sealed_where_asked_for() -> None:
    """An item without words; its seal comes only when included."""
    how = Behaviour(output_tokens=80, thinking_tokens=50)
    sealed = made(how, include=["reasoning.encrypted_content"])
    first = items_of(sealed)[0].shown
    assert first["type"] == "reasoning"
    assert first["encrypted_content"].startswith("sandboxX50X")
    assert "encrypted_content" not in items_of(made(how))[0].shown
    usage = json.loads(RESPONSES.whole(sealed))["usage"]
    assert usage["output_tokens_details"] == {"reasoning_tokens": 50}


def test_every_item_is_opened_and_closed_in_turn() -> None:
    """A search, words and two calls, by their output index, with ids of their own."""
    calls = (text("I look."), tool("wait", cell_id="1"), tool("wait", cell_id="2"))
    found = made(Behaviour(answer=calls, web_search_requests=1), input=CODEX)
    seen = [event for event in streamed(found) if "output_item" in event["type"]]
    assert [event["output_index"] for event in seen] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({event["item"]["id"] for event in seen}) == 4
    states = [event["type"] for event in streamed(found) if "web_search" in event["type"]]
    assert [state.rpartition(".")[2] for state in states] == [
        "in_progress",
        "searching",
        "completed",
    ]


def test_a_call_cut_by_the_limit_is_incomplete() -> None:
    """Half its arguments, and a status that says so."""
    call = tool("wait", words="x = 1\n" * 300)
    found = made(Behaviour(answer=(call,)), input=CODEX, max_output_tokens=40)
    (item,) = (item.shown for item in items_of(found))
    assert item["status"] == "incomplete"


def test_a_refusal_is_a_part_of_a_message() -> None:
    """Of its own type, with events of its own name."""
    found = made(Behaviour(refusal=True))
    (item,) = (item.shown for item in items_of(found))
    assert item["content"][0]["type"] == "refusal"
    assert any(event["type"] == "response.refusal.delta" for event in streamed(found))
