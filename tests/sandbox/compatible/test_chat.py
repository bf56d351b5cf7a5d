"""How each compatible server writes a chat completion: where its usage stands, in which words."""

import json
from typing import Any

import pytest

from agentspend.sandbox.answer import Answer, Ask
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.compatible.chat import stream, whole
from agentspend.sandbox.compatible.model import answering
from agentspend.sandbox.compatible.prices import CARDS
from agentspend.sandbox.compatible.servers import SERVERS

ASKING = {"stream_options": {"include_usage": True}}


def answered(name: str, **more: Any) -> Answer:
    """An answer of 100 tokens, 40 of them thought."""
    body = {"model": next(iter(CARDS[name])), "messages": [{"role": "user", "content": "hi"}]}
    behaviour = Behaviour(output_tokens=100, thinking_tokens=40, deltas=3)
    found = answering(SERVERS[name], "chatcmpl-", "messages")(Ask({**body, **more}, behaviour))
    assert isinstance(found, Answer), found
    return found


def chunks(name: str, **more: Any) -> list[dict[str, Any]]:
    """A stream's chunks, the last word apart."""
    steps = list(stream(SERVERS[name])(answered(name, stream=True, **more)))
    assert steps[-1].data == b"data: [DONE]\n\n"
    return [json.loads(step.data[6:]) for step in steps[:-1]]


def usage(name: str) -> dict[str, Any]:
    """The usage of a plain answer."""
    found: dict[str, Any] = json.loads(whole(SERVERS[name])(answered(name)))["usage"]
    return found


def test_reasoning_outside_the_completion_is_in_the_total() -> None:
    """xAI's completion leaves out what was thought; everybody else's has it."""
    theirs, usual = usage("xai"), usage("groq")
    assert (theirs["completion_tokens"], usual["completion_tokens"]) == (60, 100)
    for found in (theirs, usual):
        assert found["total_tokens"] == found["prompt_tokens"] + 100
        assert found["completion_tokens_details"] == {"reasoning_tokens": 40}


def test_cached_tokens_by_their_own_names() -> None:
    """DeepSeek and Moonshot say it in words of their own; Ollama does not say it at all."""
    assert usage("deepseek")["prompt_cache_miss_tokens"] == usage("deepseek")["prompt_tokens"]
    assert usage("moonshot")["cached_tokens"] == 0
    assert "prompt_tokens_details" not in usage("moonshot")
    assert set(usage("ollama")) >= {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert "prompt_tokens_details" not in usage("ollama")


def test_a_stated_cost_is_the_exact_amount() -> None:
    """OpenRouter's cost is a decimal that loses no digit."""
    answer = answered("openrouter")
    text = whole(SERVERS["openrouter"])(answer).decode()
    stated = text.partition('"cost":')[2].partition(",")[0]
    assert float(stated) == pytest.approx(float(answer.usd()))
    assert len(stated) > 8


def test_ticks_are_ten_billion_a_dollar() -> None:
    """xAI's statement, rounded up."""
    ticks, exact = usage("xai")["cost_in_usd_ticks"], answered("xai").usd() * 10**10
    assert 0 <= ticks - exact < 1


@pytest.mark.parametrize("name", SERVERS)
def test_a_stream_tells_its_usage_when_asked(name: str) -> None:
    """In a last chunk without choices, beside the last word, or in every chunk."""
    more = {} if SERVERS[name].refuses_options else ASKING
    found = chunks(name, **more)
    told = [chunk for chunk in found if chunk.get("usage")]
    assert told[-1]["usage"] == usage(name)
    assert told[-1] is found[-1]
    assert (found[-1]["choices"] == []) == SERVERS[name].asked
    assert (len(told) > 1) == SERVERS[name].every


@pytest.mark.parametrize("name", SERVERS)
def test_a_stream_that_is_not_asked(name: str) -> None:
    """Some tell it all the same; the others say nothing of it outside their own fields."""
    found = chunks(name)
    assert bool(found[-1].get("usage")) == (not SERVERS[name].asked)


def test_what_only_one_server_does() -> None:
    """Azure opens with an empty chunk, Moonshot and Groq tell their usage twice."""
    assert chunks("azure")[0]["choices"] == []
    assert chunks("moonshot")[-1]["choices"][0]["usage"] == usage("moonshot")
    assert chunks("groq")[-1]["x_groq"]["usage"] == usage("groq")
