"""Chat completions, whole and in chunks."""

import json
from typing import Any

import pytest

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import NORMAL, Behaviour, behaviour_from, text, tool
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import answer
from agentspend.sandbox.openai.chat import DONE
from agentspend.sandbox.openai.dialect import CHAT
from tests.sandbox.conftest import chat, events
from tests.sandbox.openai.golden import CASES, answered

USAGE = {"stream": True, "stream_options": {"include_usage": True}}
WRITE = tool("Write", path="a.py", content="x = 1\n" * 200)


def made(request: dict[str, Any], how: Behaviour = NORMAL) -> Answer:
    found = answer(request, how, dialect=CHAT)
    assert isinstance(found, Answer), found
    return found


def whole(found: Answer) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(CHAT.whole(found))
    return decoded


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in CHAT.stream(found)))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["api"] == "chat.completions"], ids=lambda c: c["id"]
)
def test_answers_have_the_shape_of_recorded_ones(case: dict[str, Any]) -> None:
    """The same usage, model and tier, and every field a recorded answer has."""
    wanted, shown = json.loads(case["response"]), whole(answered(case))
    for name in ("usage", "model", "service_tier", "object"):
        assert shown[name] == wanted[name]
    assert set(wanted) <= set(shown)
    assert set(wanted["choices"][0]) <= set(shown["choices"][0])


def test_a_stream_without_the_option_says_nothing_of_usage() -> None:
    """As the real API: not even a null."""
    chunks = streamed(made(chat(stream=True), Behaviour(output_tokens=50, deltas=3)))
    assert not any("usage" in chunk for chunk in chunks)
    assert all(len(chunk["choices"]) == 1 for chunk in chunks)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 4 + ["stop"]


def test_a_stream_with_the_option_ends_with_usage_and_no_choices() -> None:
    """Nulls before it; it is the one a JSON answer has; `[DONE]` comes last."""
    found = made(chat(**USAGE), Behaviour(output_tokens=50))
    *before, last = streamed(found)
    assert all(chunk["usage"] is None for chunk in before)
    assert last["choices"] == []
    assert last["usage"] == whole(found)["usage"]
    assert [step.data for step in CHAT.stream(found)][-1] == DONE


def test_pieces_join_to_the_whole() -> None:
    """Words and two tool calls, each in many pieces by its own index."""
    calls = (tool("Read", path="é.py"), tool("Bash", command="ls"))
    found = made(chat(**USAGE), Behaviour(answer=(text("I look."), *calls), deltas=4))
    message = whole(found)["choices"][0]["message"]
    assert whole(found)["choices"][0]["finish_reason"] == "tool_calls"
    deltas = [chunk["choices"][0]["delta"] for chunk in streamed(found) if chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == message["content"]
    for index, call in enumerate(message["tool_calls"]):
        parts = [
            part
            for delta in deltas
            for part in delta.get("tool_calls", [])
            if part["index"] == index
        ]
        assert parts[0]["id"] == call["id"]
        joined = "".join(part["function"]["arguments"] for part in parts)
        assert json.loads(joined) == json.loads(call["function"]["arguments"])


def test_a_tool_declared_as_custom_is_called_with_plain_text() -> None:
    """Its `input` argument is the text."""
    declared = [{"type": "custom", "custom": {"name": "exec"}}]
    found = made(chat(tools=declared), Behaviour(answer=(tool("exec", input="1 + 1"),)))
    (call,) = whole(found)["choices"][0]["message"]["tool_calls"]
    assert call["type"] == "custom"
    assert call["custom"] == {"name": "exec", "input": "1 + 1"}
    assert b'"input":"1' in b"".join(step.data for step in CHAT.stream(found))


def test_a_tool_call_cut_by_the_limit_is_half_json() -> None:
    """And says that it was the length."""
    found = made(chat(max_tokens=40), Behaviour(answer=(WRITE,)))
    choice = whole(found)["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])


def test_thinking_is_counted_and_never_shown() -> None:
    """The first chunk comes when it is done."""
    how = Behaviour(output_tokens=500, thinking_tokens=450, deltas=2)
    found = made(chat(model="gpt-5", **USAGE), how)
    details = whole(found)["usage"]["completion_tokens_details"]
    assert details["reasoning_tokens"] == 450
    assert next(iter(CHAT.stream(found))).tokens == 450


@pytest.mark.parametrize("silent", ["final", "all"])
def test_silence_on_usage(silent: str) -> None:
    """No chunk of usage though asked for, none in JSON, and the bill is the same."""
    found = made(chat(**USAGE), behaviour_from({"silent_on_usage": silent}))
    assert all(chunk["choices"] for chunk in streamed(found))
    assert "usage" not in whole(found)
    assert found.usd() == made(chat(**USAGE)).usd()


def test_a_refusal_has_its_own_field() -> None:
    """No content, and the words in `refusal`."""
    found = made(chat(), Behaviour(refusal=True))
    message = whole(found)["choices"][0]["message"]
    assert message["content"] is None
    assert message["refusal"]
    assert any("refusal" in chunk["choices"][0]["delta"] for chunk in streamed(found))


def test_alternatives_have_an_index() -> None:
    """`n` choices, whole and streamed."""
    found = made(chat(n=2, **USAGE), Behaviour(output_tokens=20))
    assert [choice["index"] for choice in whole(found)["choices"]] == [0, 1]
    seen = {chunk["choices"][0]["index"] for chunk in streamed(found) if chunk["choices"]}
    assert seen == {0, 1}


def test_other_reasons_and_new_usage_fields_go_through() -> None:
    """A behaviour's words are shown as they are."""
    how = Behaviour(stop_reason="content_filter", unknown_usage={"quantum_tokens": 5})
    found = whole(made(chat(), how))
    assert found["choices"][0]["finish_reason"] == "content_filter"
    assert found["usage"]["quantum_tokens"] == 5


def test_an_error_in_the_stream_is_a_chunk_of_its_own() -> None:
    """With the error object all errors have."""
    (event,) = events(CHAT.broken(made(chat()), ApiError(503, "server_error", "no")))
    assert event == {
        "error": {"message": "no", "type": "server_error", "param": None, "code": None}
    }
