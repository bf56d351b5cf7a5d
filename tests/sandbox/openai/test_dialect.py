"""Both OpenAI shapes as the server offers them."""

import json

from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import count
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from tests.sandbox.conftest import chat, response


def test_models_are_listed_and_shown() -> None:
    """As the SDK lists them."""
    listed = CHAT.models()
    assert listed["object"] == "list"
    assert {"id", "object", "created", "owned_by"} == set(listed["data"][0])
    assert CHAT.model("gpt-4.1") is not None
    assert CHAT.model("claude-opus-5-5") is None


def test_errors_have_the_four_fields() -> None:
    """Message, type, param and code, nothing else."""
    error = ApiError(400, "invalid_request_error", "no", code="c", param="p")
    shown = {"message": "no", "type": "invalid_request_error", "param": "p", "code": "c"}
    assert json.loads(CHAT.error_body(error, "req")) == {"error": shown}


def test_counting_checks_the_request() -> None:
    """And errs as told."""
    assert isinstance(count(chat(model="gpt-99"), dialect=CHAT), ApiError)
    assert isinstance(count(response(input=None), dialect=RESPONSES), ApiError)
    off = Behaviour(count_off_tokens=7)
    exact = count(response(), dialect=RESPONSES)
    assert isinstance(exact, int)
    assert count(response(), off, dialect=RESPONSES) == exact + 7
