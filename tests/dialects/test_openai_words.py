"""Words of OpenAI's APIs that decide a price, read the dearest way."""

import json
from typing import Any

import pytest

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_STORED_TOKENS, PRO_RUNS
from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_responses import OpenAIResponses

SOL = "gpt-5.6-sol"


def both(model: str = SOL, **fields: Any) -> tuple[RequestFacts, RequestFacts]:
    """A request with these fields, in either API."""
    chat = {"model": model, "messages": [{"role": "user", "content": "?"}], **fields}
    responses = {"model": model, "input": "?", **fields}
    return (
        OpenAIChat().read_request(json.dumps(chat).encode()),
        OpenAIResponses().read_request(json.dumps(responses).encode()),
    )


@pytest.mark.parametrize(
    ("options", "lifetime", "named"),
    [
        ({"mode": "explicit"}, "auto", ()),
        ({"mode": "implicit", "ttl": "30m"}, "auto", ()),
        ({"ttl": "12h"}, "auto-12h", ()),
        ({"ttl": "1y"}, "auto-12h", ()),
        ({"ttl": 7}, "auto", ("prompt_cache_options",)),
        ("30m", "auto", ("prompt_cache_options",)),
    ],
)
def test_cache_options_say_how_long_is_paid_for(
    options: object, lifetime: str, named: tuple[str, ...]
) -> None:
    """And nothing else: they bring no prompt of their own."""
    for facts in both(prompt_cache_options=options):
        assert (facts.cache_ttl, facts.unpriceable) == (lifetime, named)
        assert not facts.remote_input


@pytest.mark.parametrize(
    ("fields", "runs"),
    [
        ({}, 1),
        ({"reasoning": {"effort": "high"}}, 1),
        ({"reasoning": {"mode": "standard"}}, 1),
        ({"reasoning": {"mode": None}}, 1),
        ({"reasoning": "pro"}, 1),
        ({"reasoning": {"mode": "pro", "effort": "low"}}, PRO_RUNS),
        ({"reasoning": {"mode": "ultra"}}, PRO_RUNS),
        ({"reasoning": {"mode": 7}}, PRO_RUNS),
        ({"model": "openai/gpt-5.6-sol-pro"}, PRO_RUNS),
        ({"model": "openai/gpt-5.5-pro"}, 1),
        ({"model": "gpt-6-sol-prompt"}, 1),
    ],
)
def test_pro_mode_runs_a_prompt_many_times(fields: dict[str, Any], runs: int) -> None:
    """Each run reads the prompt and writes: both are billed at the plain model's rates."""
    for facts in both(**fields):
        assert (facts.iterations, facts.candidates) == (runs, runs)


def test_each_answer_of_pro_mode_is_as_dear() -> None:
    """A compaction and several answers come on top."""
    pro = {"mode": "pro"}
    assert both(reasoning=pro, n=3)[0].candidates == 3 * PRO_RUNS
    compacted = both(reasoning=pro, context_management=[{"type": "compaction"}])[1]
    assert (compacted.iterations, compacted.candidates) == (2 * PRO_RUNS, 2 * PRO_RUNS)


@pytest.mark.parametrize(
    ("item", "stored"),
    [
        ({"type": "reasoning", "id": "rs_1", "summary": []}, True),
        ({"type": "reasoning", "id": "rs_1", "encrypted_content": None}, True),
        ({"type": "reasoning", "id": "rs_1", "encrypted_content": ""}, True),
        ({"type": "compaction", "id": "cmp_1"}, True),
        ({"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA"}, False),
        ({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "?"}]}, False),
        ({"type": "compaction", "encrypted_content": "gAAAA"}, False),
    ],
)
def test_thoughts_that_the_server_keeps_are_as_long_as_any(
    item: dict[str, Any], *, stored: bool
) -> None:
    """An id of ten bytes brings them all into the prompt again; what is sealed in it is there."""
    body = {"model": SOL, "input": [item, {"role": "user", "content": "go on"}]}
    facts = OpenAIResponses().read_request(json.dumps(body).encode())
    assert (facts.input_bound_tokens >= MAX_STORED_TOKENS) is stored
    assert not facts.remote_input
