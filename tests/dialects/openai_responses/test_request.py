"""What a Responses request says about money."""

import json
from typing import Any

import pytest

from agentspend.core.limits import DEFAULT_SERVER_TOOL_USES, MAX_SEALED_TOKENS, TOKENS_FOR_TOOLS
from agentspend.dialects.base import BadRequest
from agentspend.dialects.openai_responses import OpenAIResponses
from tests.dialects.fuzzing import RECORDED, dumped
from tests.dialects.openai_chat.requests import PIXEL

OPENAI = OpenAIResponses()
MINIMAL: dict[str, Any] = {"model": "gpt-5", "input": "hi"}
MINIMAL_TURN = {"role": "user", "content": "hi"}
CODEX = [each for each in RECORDED if each["path"].endswith("/responses")]


def asking(**fields: Any) -> bytes:
    """The smallest request with these fields over it."""
    return dumped({**MINIMAL, **fields})


def saying(*parts: Any) -> bytes:
    """A request with these content parts in its one message."""
    return asking(input=[{"type": "message", "role": "user", "content": list(parts)}])


@pytest.mark.parametrize("sent", CODEX, ids=lambda sent: sent["client"])
def test_codex_is_read(sent: dict[str, Any]) -> None:
    """No limit, tools inside an item, nothing that is not in the body."""
    body = dumped(sent["body"])
    facts = OPENAI.read_request(body)
    assert (facts.model, facts.max_output_tokens, facts.stream) == ("gpt-6.1-sol", 0, True)
    assert facts.unpriceable == ()
    assert not facts.may_add_input
    assert facts.cache_ttl == "auto"
    assert len(facts.prefixes) == len(sent["body"]["input"]) > 1
    assert len(body) < facts.input_bound_tokens < len(body) + 2_000
    assert OPENAI.prepare(body, facts) is body
    assert OPENAI.client_filter(facts) is None


def test_codex_s_turns_are_recognised_though_its_turn_ids_change() -> None:
    """What it writes about itself does not change the prompt."""
    first = CODEX[-1]["body"]
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text"}]}
    then = {**first, "input": [*first["input"], answer], "client_metadata": {"turn_id": "2"}}
    before = OPENAI.read_request(dumped(first)).prefixes[0].digest
    after = {mark.digest for mark in OPENAI.read_request(dumped(then)).prefixes}
    assert before in after
    other = {mark.digest for mark in OPENAI.read_request(dumped({**then, "tools": [{}]})).prefixes}
    assert before not in other


def test_an_opencode_request_is_read() -> None:
    """Its title call and its main one (wire study §4)."""
    fields = {"temperature": 0.5, "store": False, "include": ["reasoning.encrypted_content"],
              "reasoning": {"effort": "low", "summary": "auto"}, "stream": True,
              "prompt_cache_key": "ses_0", "tool_choice": "auto"}  # fmt: skip
    tools = [{"type": "function", "name": "bash", "parameters": {}, "strict": False}]
    facts = OPENAI.read_request(asking(**fields, tools=tools))
    assert facts.unpriceable == ()
    assert not facts.may_add_input


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"input":"hi"}', asking(model=7), asking(input=7), asking(input={}),
        asking(input=["hi"]), asking(max_output_tokens=0), asking(max_output_tokens="9"),
        asking(max_tool_calls=-1), b'{"model":"a","mod\\u0065l":"b","input":"x"}',
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes) -> None:
    """As the API would."""
    with pytest.raises(BadRequest):
        OPENAI.read_request(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"some_file_id": "f"},
        {"input": [{"type": "item_reference", "id": "rs_1"}]},
        {"input": [{"id": "rs_1"}]},
        {"input": [{"id": "rs_1", "content": None}]},
        {"input": [{"type": "surprise"}]},
        {"input": [{"type": 7}]},
        {"input": [{"type": "function_call_output", "output": {"file_id": "f"}}]},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
        {"input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"input": [{"role": "user", "content": 7}, {"role": "user", "content": [7]}]},
    ],
)
def test_what_the_server_keeps_is_bounded_by_the_window(fields: dict[str, Any]) -> None:
    """Earlier responses, stored prompts, files, addresses, and whatever nobody knows."""
    assert OPENAI.read_request(asking(**fields)).remote_input


def test_a_file_in_the_body_is_read_again_as_the_same_tokens() -> None:
    """The window bounds it, or an earlier turn; an address beside it may lead to another."""
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,A"}
    for body in (saying(file), asking(input=[{"type": "function_call_output", "output": [file]}])):
        facts = OPENAI.read_request(body)
        assert (facts.sealed_tokens, facts.remote_input) == (MAX_SEALED_TOKENS, False)
    assert OPENAI.read_request(saying({**file, "file_url": "https://h/a.pdf"})).remote_input


def test_a_stored_prompt_has_no_bound() -> None:
    """It may bring web searches, containers, images: it is named like OpenRouter's presets."""
    assert OPENAI.read_request(asking(prompt={"id": "pmpt_1"})).unpriceable == ("prompt",)
    assert OPENAI.read_request(asking(prompt=None)).unpriceable == ()


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "encrypted_content": "x" * 99, "summary": []},
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "done"},
        {"type": "custom_tool_call_output", "output": [{"type": "input_text", "text": "a"}]},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}},
        {"type": "context_compaction", "encrypted_content": "x" * 99},
    ],
)
def test_what_the_client_sends_back_is_all_there(item: dict[str, Any]) -> None:
    """Its bytes bound it."""
    facts = OPENAI.read_request(asking(input=[item]))
    assert not facts.remote_input
    assert facts.input_bound_tokens >= len(dumped(item))


@pytest.mark.parametrize("image", [{"file_id": "f"}, {"image_url": "https://x.test/a.png"}])
def test_an_image_that_lies_elsewhere_counts_by_its_cap(image: dict[str, str]) -> None:
    """At OpenAI; what another server fetches from there, nobody knows."""
    body = saying({"type": "input_image", **image})
    facts = OPENAI.read_request(body)
    assert not facts.remote_input
    assert 4_096 <= facts.input_bound_tokens <= 4_096 + 300
    assert OpenAIResponses("gateway").read_request(body).remote_input


@pytest.mark.parametrize(("control", "ttl"), [({"type": "ephemeral"}, "5m"), ({"ttl": "1h"}, "1h")])
def test_marks_of_another_vendor_are_seen(control: dict[str, str], ttl: str) -> None:
    """OpenRouter passes Anthropic's cache marks on, the whole request's too. OpenAI takes none."""
    part = {"type": "input_text", "text": "a", "cache_control": control}
    for body in (saying(part), asking(cache_control=control)):
        assert OpenAIResponses("openrouter").read_request(body).cache_ttl == ttl
        assert OPENAI.read_request(body).cache_ttl == "auto"


def test_another_model_may_answer() -> None:
    """OpenRouter's `models`; some of them take a fee for each answer."""
    facts = OpenAIResponses("openrouter").read_request(asking(models=["gpt-5", "perplexity/sonar"]))
    assert facts.other_models == ("perplexity/sonar",)
    assert facts.unpriceable == ("model=perplexity/sonar",)


def test_openrouter_takes_thirty_steps_where_nobody_limits_them() -> None:
    """As its reference says."""
    body = asking(tools=[{"type": "web_search"}])
    facts = OpenAIResponses("openrouter").read_request(body)
    assert (facts.iterations, facts.web_search_requests) == (31, 30)


def test_a_search_for_tools_runs_the_model_again() -> None:
    """Where the provider does it; the tools are all in the body."""
    hosted = OPENAI.read_request(asking(tools=[{"type": "tool_search"}]))
    assert (hosted.iterations, hosted.remote_input) == (1 + DEFAULT_SERVER_TOOL_USES, False)
    own = OPENAI.read_request(asking(tools=[{"type": "tool_search", "execution": "client"}]))
    assert not own.may_add_input


def test_an_image_counts_by_its_cap() -> None:
    """In a message, a tool's output or a screenshot."""
    image = {"type": "input_image", "image_url": PIXEL}
    shot = {"type": "computer_screenshot", "image_url": PIXEL}
    bodies = [
        saying(image),
        asking(input=[{"type": "function_call_output", "output": [image]}]),
        asking(input=[{"type": "computer_call_output", "output": shot}]),
    ]
    for body in bodies:
        facts = OPENAI.read_request(body)
        assert not facts.remote_input
        assert 4_096 <= facts.input_bound_tokens <= 4_096 + 300


@pytest.mark.parametrize(
    ("tool", "named", "kinds"),
    [
        ({"type": "web_search"}, (), (10, 0, 0)),
        ({"type": "web_search_2025_08_26"}, (), (10, 0, 0)),
        ({"type": "web_search_preview"}, (), (0, 10, 0)),
        ({"type": "file_search", "vector_store_ids": ["v"]}, (), (0, 0, 10)),
        ({"type": "mcp", "server_url": "https://x.test"}, (), (0, 0, 0)),
        ({"type": "code_interpreter"}, ("tools.code_interpreter",), (0, 0, 0)),
        ({"type": "image_generation"}, ("tools.image_generation",), (0, 0, 0)),
        ({"type": "shell", "environment": {"type": "container_auto"}}, ("tools.shell",), (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("where", ["tools", "item", "namespace"])
def test_tools_the_provider_runs(
    tool: dict[str, Any], named: tuple[str, ...], kinds: tuple[int, int, int], where: str
) -> None:
    """Wherever they are listed: they add input, runs and fees, or have no price."""
    fields: dict[str, Any] = {
        "tools": {"tools": [tool]},
        "item": {"input": [{"type": "additional_tools", "tools": [tool]}]},
        "namespace": {"tools": [{"type": "namespace", "name": "n", "tools": [tool]}]},
    }[where]
    facts = OPENAI.read_request(asking(**fields))
    assert facts.remote_input
    assert facts.iterations == 1 + DEFAULT_SERVER_TOOL_USES
    assert facts.unpriceable == named
    found = (
        facts.web_search_requests,
        facts.web_search_preview_requests,
        facts.file_search_requests,
    )
    assert found == kinds
    limited = OPENAI.read_request(asking(**fields, max_tool_calls=2))
    assert limited.iterations == 3
    assert max(limited.web_search_requests, limited.web_search_preview_requests) <= 2


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "name": "f"}, {"type": "custom", "name": "c"}, {"type": "local_shell"},
        {"type": "apply_patch"}, {"type": "shell"}, {"type": "computer_use_preview"},
        {"type": "shell", "environment": {"type": "local"}},
        {"type": "namespace", "tools": [{"type": "function"}]},
    ],
)  # fmt: skip
def test_the_client_s_own_tools_only_add_words(tool: dict[str, Any]) -> None:
    """Their bytes and the provider's words around them."""
    facts = OPENAI.read_request(asking(tools=[tool]))
    assert not facts.may_add_input
    assert facts.unpriceable == ()
    bare = OPENAI.read_request(asking()).input_bound_tokens
    assert facts.input_bound_tokens >= bare + len(dumped(tool)) + TOKENS_FOR_TOOLS


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"background": True}, ("background",)),
        ({"background": "yes"}, ("background",)),
        ({"background": False}, ()),
        ({"service_tier": 7}, ("service_tier",)),
        ({"max_search_tokens": 7}, ("max_search_tokens",)),
        ({"tools": 7}, ("tools",)),
        ({"multi_agent": {"enabled": True}}, ("multi_agent",)),
        ({"modalities": ["text", "image"]}, ("modalities",)),
        ({"modalities": ["text"]}, ()),
        ({"models": "a"}, ("models",)),
        ({"plugins": [{"id": "web"}]}, ("plugins",)),
        ({"model": "o3-deep-research"}, ()),
        ({"image": {"context_compression": "auto"}}, ()),
        ({"something_new": True, "verbosity": "low"}, ()),
    ],
)
def test_what_could_cost_and_has_no_price_is_named(
    fields: dict[str, Any], named: tuple[str, ...]
) -> None:
    """An answer in the background is metered by nobody."""
    assert OPENAI.read_request(asking(**fields)).unpriceable == named


def test_words_that_decide_a_price() -> None:
    """Limit, tier, retention, compaction."""
    facts = OPENAI.read_request(
        asking(max_output_tokens=9, service_tier="priority", prompt_cache_retention="12h")
    )
    assert (facts.max_output_tokens, facts.service_tier) == (9, "priority")
    assert facts.cache_ttl == "auto-12h"
    assert OPENAI.read_request(asking(context_management=[{"type": "compaction"}])).iterations == 2
    trigger = OPENAI.read_request(asking(input=[MINIMAL_TURN, {"type": "compaction_trigger"}]))
    assert (trigger.iterations, trigger.remote_input) == (2, False)
    shape = asking(text={"format": {"type": "json_schema"}})
    grown = OPENAI.read_request(shape).input_bound_tokens
    assert grown > OPENAI.read_request(asking()).input_bound_tokens + TOKENS_FOR_TOOLS


@pytest.mark.parametrize("fields", [{}, {"max_output_tokens": 900}, {"max_output_tokens": None}])
def test_a_clamp_sets_the_limit(fields: dict[str, Any]) -> None:
    """Also where the client named none, as Codex does."""
    body = json.loads(OPENAI.with_max_output(asking(**fields), 50))
    assert body == {**MINIMAL, "max_output_tokens": 50}


def test_the_bound_is_the_bytes_for_openai_and_more_for_others() -> None:
    """A provider's name alone proves no tokenizer."""
    body = asking(input="x" * 10_000)
    assert 10_000 < OPENAI.read_request(body).input_bound_tokens < 10_200
    assert OpenAIResponses("x-ai").read_request(body).input_bound_tokens > 20_000
