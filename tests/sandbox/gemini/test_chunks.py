"""generateContent responses, whole and in chunks."""

import json
from typing import Any

import pytest

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import NORMAL, Behaviour, behaviour_from, text, tool
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.model import answer
from tests.sandbox.conftest import content, events
from tests.sandbox.gemini.golden import CASES, IDS, answered, recorded

SHOWN = {"thinkingConfig": {"includeThoughts": True}}


def made(how: Behaviour = NORMAL, **changes: Any) -> Answer:
    found = answer(content(alt="sse", **changes), how, dialect=GEMINI)
    assert isinstance(found, Answer), found
    return found


def whole(found: Answer) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(GEMINI.whole(found))
    return decoded


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in GEMINI.stream(found)))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_answers_have_the_shape_of_recorded_ones(case: dict[str, Any]) -> None:
    """Every count of a recorded answer, whole and in the last chunk."""
    wanted, found = recorded(case), answered(case)
    for shown in (whole(found), streamed(found)[-1]):
        assert wanted["usageMetadata"].items() <= shown["usageMetadata"].items()
        assert shown["modelVersion"] == wanted["modelVersion"]
        assert set(wanted) <= set(shown)


def test_usage_is_cumulative_and_adds_up_in_every_chunk() -> None:
    """Thoughts come first, candidates grow, the total is their sum; the last is the whole's."""
    how = Behaviour(output_tokens=100, thinking_tokens=40, deltas=3)
    found = made(how, generationConfig=SHOWN)
    seen = [chunk["usageMetadata"] for chunk in streamed(found)]
    said = [usage.get("candidatesTokenCount", 0) for usage in seen]
    assert said == sorted(said)
    assert said[-1] == 60
    for usage in seen:
        assert usage["thoughtsTokenCount"] == 40
        counted = usage["promptTokenCount"] + usage.get("candidatesTokenCount", 0) + 40
        assert usage["totalTokenCount"] == counted
    assert seen[-1] == whole(found)["usageMetadata"]


def test_only_the_last_chunk_has_a_reason() -> None:
    """STOP at the end, MAX_TOKENS at the limit; words join to the whole."""
    found = made(Behaviour(output_tokens=60, deltas=4))
    candidates = [chunk["candidates"][0] for chunk in streamed(found)]
    assert [one.get("finishReason") for one in candidates] == [None] * 3 + ["STOP"]
    words = "".join(part["text"] for one in candidates for part in one["content"]["parts"])
    assert words == whole(found)["candidates"][0]["content"]["parts"][0]["text"]
    cut = made(Behaviour(output_tokens=60), generationConfig={"maxOutputTokens": 30})
    assert whole(cut)["candidates"][0]["finishReason"] == "MAX_TOKENS"


def test_a_function_call_is_one_part_with_the_thoughts_signature() -> None:
    """Hidden thoughts are signed on the first part after them."""
    calls = (tool("read_file", path="é.py"), tool("ls"))
    found = made(Behaviour(answer=calls, thinking_tokens=30))
    parts = whole(found)["candidates"][0]["content"]["parts"]
    assert [part["functionCall"] for part in parts] == [
        {"name": "read_file", "args": {"path": "é.py"}},
        {"name": "ls", "args": {}},
    ]
    assert parts[0]["thoughtSignature"].startswith("sandboxX30X")
    assert "thoughtSignature" not in parts[1]
    assert whole(found)["candidates"][0]["finishReason"] == "STOP"
    assert len(streamed(found)) == 2


def test_a_call_cut_by_the_limit_is_not_shown() -> None:
    """The stream still ends with a reason and the usage."""
    call = tool("write_file", content="x = 1\n" * 300)
    limit = {"maxOutputTokens": 40}
    (chunk,) = streamed(made(Behaviour(answer=(call,)), generationConfig=limit))
    assert chunk["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert chunk["usageMetadata"]["candidatesTokenCount"] == 40


def test_thoughts_are_shown_where_asked_for() -> None:
    """As parts marked `thought`."""
    how = Behaviour(output_tokens=80, thinking_tokens=50)
    shown = whole(made(how, generationConfig=SHOWN))["candidates"][0]["content"]["parts"]
    hidden = whole(made(how))["candidates"][0]["content"]["parts"]
    assert [part.get("thought", False) for part in shown] == [True, False]
    assert len(hidden) == 1


def test_a_router_gets_its_json() -> None:
    """Gemini CLI's classifier asks by schema, with types in capitals."""
    schema = {
        "type": "OBJECT",
        "properties": {
            "complexity_reasoning": {"type": "STRING"},
            "complexity_score": {"type": "INTEGER"},
        },
    }
    found = made(
        generationConfig={"responseMimeType": "application/json", "responseJsonSchema": schema}
    )
    words = whole(found)["candidates"][0]["content"]["parts"][0]["text"]
    value = {"complexity_reasoning": "Sandbox session", "complexity_score": 1}
    assert json.loads(words) == value


@pytest.mark.parametrize("silent", ["final", "all"])
def test_silence_on_usage(silent: str) -> None:
    """The last chunk says nothing of it, or none does; the bill is the same."""
    found = made(behaviour_from({"silent_on_usage": silent, "output_tokens": 60, "deltas": 3}))
    seen = ["usageMetadata" in chunk for chunk in streamed(found)]
    assert seen == ([True, True, False] if silent == "final" else [False] * 3)
    assert "usageMetadata" not in whole(found)


def test_what_tools_add_is_counted_apart() -> None:
    """`toolUsePromptTokenCount` appears at the end, and searches as queries."""
    how = Behaviour(late_input_tokens=500, web_search_requests=2, output_tokens=60, deltas=2)
    first, last = streamed(made(how))
    assert "toolUsePromptTokenCount" not in first["usageMetadata"]
    assert last["usageMetadata"]["toolUsePromptTokenCount"] == 500
    usage = last["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + 500 + 60
    assert len(last["candidates"][0]["groundingMetadata"]["webSearchQueries"]) == 2


def test_without_sse_a_stream_is_one_array() -> None:
    """As the API answers when `alt` is not asked for; an error closes it, too."""
    found = answer(content(), Behaviour(output_tokens=60, deltas=3), dialect=GEMINI)
    assert isinstance(found, Answer)
    steps = [step.data for step in GEMINI.stream(found)]
    assert len(json.loads(b"".join(steps))) == 3
    broken = steps[0] + GEMINI.broken(found, ApiError(503, "UNAVAILABLE", "no"))
    assert json.loads(broken)[-1]["error"]["status"] == "UNAVAILABLE"


def test_a_refusal_has_no_words() -> None:
    """`SAFETY`, and what was sent is counted."""
    (chunk,) = streamed(made(Behaviour(refusal=True)))
    assert chunk["candidates"][0]["finishReason"] == "SAFETY"
    assert chunk["usageMetadata"]["promptTokenCount"] > 0
    assert whole(made(Behaviour(answer=(text("a"),))))["responseId"]
