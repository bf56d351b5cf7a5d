"""Responses, whole and in events."""

import json
from typing import Any

import pytest

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import NORMAL, Behaviour, behaviour_from
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import answer
from agentspend.sandbox.openai.dialect import RESPONSES
from tests.sandbox.conftest import events, response
from tests.sandbox.openai.golden import CASES, answered, recorded


def made(request: dict[str, Any], how: Behaviour = NORMAL) -> Answer:
    found = answer(request, how, dialect=RESPONSES)
    assert isinstance(found, Answer), found
    return found


def whole(found: Answer) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(RESPONSES.whole(found))
    return decoded


def streamed(found: Answer) -> list[dict[str, Any]]:
    return events(b"".join(step.data for step in RESPONSES.stream(found)))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["api"] == "responses"], ids=lambda c: c["id"]
)
def test_answers_have_the_shape_of_recorded_ones(case: dict[str, Any]) -> None:
    """The same usage, status, model, tier and searches, whole and at a stream's end."""
    wanted, found = recorded(case), answered(case)
    last = streamed(found)[-1]
    assert last["type"] == f"response.{wanted['status']}"
    for shown in (whole(found), last["response"]):
        for name in ("usage", "model", "service_tier", "status", "object"):
            assert shown[name] == wanted[name]
        assert shown["incomplete_details"] == wanted.get("incomplete_details")
        assert set(wanted) <= set(shown)
        searches = [item for item in shown["output"] if item["type"] == "web_search_call"]
        assert [item["action"]["type"] for item in searches] == [
            item["action"]["type"] for item in wanted["output"]
        ]


def test_events_come_in_the_order_of_the_real_api() -> None:
    """Created, in progress, the item and its part opened, said and closed, completed."""
    found = made(response(), Behaviour(output_tokens=60, deltas=2))
    seen = streamed(found)
    assert [event["type"].removeprefix("response.") for event in seen] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in seen] == list(range(10))
    assert seen[0]["response"]["usage"] is None
    assert seen[-1]["response"] == whole(found)
    words = "".join(event["delta"] for event in seen if event["type"].endswith("text.delta"))
    assert words == seen[-1]["response"]["output"][0]["content"][0]["text"]


def test_names_stand_before_their_events() -> None:
    """Each event is named twice, as clients read either."""
    raw = b"".join(step.data for step in RESPONSES.stream(made(response())))
    for block in raw.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        assert name.removeprefix("event: ") == json.loads(data.removeprefix("data: "))["type"]


def test_an_answer_cut_by_the_limit_is_incomplete() -> None:
    """With its usage, which is billed."""
    found = made(response(max_output_tokens=20), Behaviour(output_tokens=900))
    last = streamed(found)[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["usage"]["output_tokens"] == 20


def test_a_failure_has_its_code_and_no_usage() -> None:
    """In the middle of a stream, and as a whole answer."""
    how = Behaviour(error_after_events=3, error_type="invalid_prompt", error_message="no")
    found = made(response(), how)
    (event,) = events(RESPONSES.broken(found, ApiError(503, "invalid_prompt", "no")))
    assert event["type"] == "response.failed"
    for shown in (event["response"], whole(found)):
        assert shown["status"] == "failed"
        assert shown["error"] == {"code": "invalid_prompt", "message": "no"}
        assert shown["usage"] is None


@pytest.mark.parametrize("silent", ["final", "all"])
def test_silence_on_usage(silent: str) -> None:
    """Usage is null at the end, and the bill is the same."""
    found = made(response(), behaviour_from({"silent_on_usage": silent}))
    assert streamed(found)[-1]["response"]["usage"] is None
    assert found.usd() == made(response()).usd()


def test_the_request_is_repeated() -> None:
    """Settings come back as they were asked for."""
    shown = whole(made(response(store=False, prompt_cache_key="k", temperature=0.5)))
    assert (shown["store"], shown["prompt_cache_key"], shown["temperature"]) == (False, "k", 0.5)
    assert shown["parallel_tool_calls"] is True
