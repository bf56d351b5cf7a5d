"""What OpenAI refuses before any work."""

from typing import Any

import pytest

from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.model import answer
from agentspend.sandbox.openai.checks import declared, tier_of
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from tests.sandbox.conftest import chat, response


@pytest.mark.parametrize(
    ("changes", "status", "code", "words"),
    [
        ({"model": None}, 400, "missing_required_parameter", "'model'"),
        ({"model": "gpt-99"}, 404, "model_not_found", "`gpt-99` does not exist"),
        ({"messages": None}, 400, "missing_required_parameter", "'messages'"),
        ({"messages": []}, 400, None, "too short"),
        ({"messages": [{}]}, 400, "missing_required_parameter", "role"),
        ({"n": 0}, 400, None, "'n'"),
        ({"max_tokens": 40_000}, 400, None, "too large: 40000"),
        ({"max_tokens": "9"}, 400, "invalid_type", "max_tokens"),
        ({"max_completion_tokens": 0}, 400, "integer_below_min_value", "max_completion_tokens"),
        ({"model": "gpt-5", "max_tokens": 9}, 400, "unsupported_parameter", "max_completion"),
        ({"stream_options": {"include_usage": True}}, 400, None, "only allowed when 'stream'"),
        ({"service_tier": "warp"}, 400, "invalid_value", "warp"),
        ({"service_tier": "flex"}, 400, None, "flex is not available for gpt-4.1"),
        ({"tools": "all"}, 400, None, "tools"),
    ],
)
def test_what_chat_completions_refuses(
    changes: dict[str, Any], status: int, code: str | None, words: str
) -> None:
    """A request the real API refuses is an error, with its code and message."""
    found = answer(chat(**changes), dialect=CHAT)
    assert isinstance(found, ApiError)
    assert (found.status, found.code) == (status, code)
    assert words in found.message


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"input": None}, "missing_required_parameter"),
        ({"input": ["hi"]}, None),
        ({"max_output_tokens": 15}, "integer_below_min_value"),
        ({"previous_response_id": "resp_1"}, "previous_response_not_found"),
        ({"background": True}, None),
    ],
)
def test_what_responses_refuses(changes: dict[str, Any], code: str | None) -> None:
    """Nothing is kept between calls, so no earlier response is found."""
    found = answer(response(**changes), dialect=RESPONSES)
    assert isinstance(found, ApiError)
    assert (found.status, found.code) == (400, code)


def test_an_earlier_response_may_be_named_where_usage_is_dictated() -> None:
    """Then no one needs to know what it said."""
    how = Behaviour(usage=PromptUsage(input_tokens=9_000))
    found = answer(response(previous_response_id="resp_1"), how, dialect=RESPONSES)
    assert not isinstance(found, ApiError)


def test_a_prompt_longer_than_the_window_is_refused() -> None:
    """The context window is the last bound on any prompt."""
    long = [{"role": "user", "content": "x" * 2_000_000}]
    found = answer(chat(model="gpt-5", messages=long), dialect=CHAT)
    assert isinstance(found, ApiError)
    assert found.code == "context_length_exceeded"


def test_tiers_have_other_names() -> None:
    """`auto` is the default tier, `fast` the one that was called priority."""
    names = ("auto", "default", "fast", "priority", "flex")
    tiers = ("default", "default", "priority", "priority", "flex")
    assert tuple(tier_of({"service_tier": name}) for name in names) == tiers
    assert tier_of({}) == "default"


def test_tools_are_declared_in_many_places() -> None:
    """In `tools`, in namespaces, and in the first item of Codex' input."""
    exec_ = {"type": "custom", "name": "exec"}
    wait = {"type": "function", "name": "wait"}
    space = {"type": "namespace", "name": "functions", "tools": [exec_, wait]}
    plain = {"type": "function", "function": {"name": "read"}}
    body = {"tools": [plain], "input": [{"type": "additional_tools", "tools": [space]}]}
    wanted = {"read": (False, ""), "exec": (True, "functions"), "wait": (False, "functions")}
    assert declared(body) == wanted
