"""What a Chat Completions request says about money."""

import json
from typing import Any

import pytest

from agentspend.core.limits import DEFAULT_SERVER_TOOL_USES, MAX_SEALED_TOKENS, TOKENS_FOR_TOOLS
from agentspend.dialects.base import BadRequest
from agentspend.dialects.openai_chat import OpenAIChat
from tests.dialects.fuzzing import RECORDED, dumped
from tests.dialects.openai_chat.requests import MINIMAL, OPENAI, PIXEL, asking, saying

CHATS = [each for each in RECORDED if each["path"].endswith("/chat/completions")]


@pytest.mark.parametrize("sent", CHATS, ids=lambda sent: sent["client"])
def test_every_recorded_client_is_read(sent: dict[str, Any]) -> None:
    """Nothing a real client sends is refused or called unpriceable."""
    body = dumped(sent["body"])
    facts = OPENAI.read_request(body)
    asked = sent["body"]
    assert facts.model == asked["model"]
    assert facts.max_output_tokens == asked.get("max_tokens", asked.get("max_completion_tokens", 0))
    assert facts.unpriceable == ()
    assert not facts.may_add_input
    assert facts.stream == asked.get("stream", False)
    assert facts.adds_usage == (sent["client"] == "aider")
    assert len(facts.prefixes) == len(asked["messages"])
    by_bytes = 1 if asked["model"].startswith("gpt-") else 3
    assert facts.input_bound_tokens < by_bytes * len(body) + 16 * len(asked["messages"]) + 2_048


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 0),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
        ({"max_tokens": None}, 0),
    ],
)
def test_the_output_limit_has_two_names(limits: dict[str, Any], expected: int) -> None:
    """The larger counts where both stand; without one it is the model's own."""
    assert OPENAI.read_request(asking(**limits)).max_output_tokens == expected


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "9", True, 2**40, {}])
def test_a_limit_that_is_none_is_refused(name: str, value: object) -> None:
    """Two readers could take it for different limits."""
    with pytest.raises(BadRequest, match=name):
        OPENAI.read_request(asking(**{name: value}))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"nonsense", b"{}", b'{"model":"gpt-5"}', b'{"messages":[]}', b"\xff{}",
        asking(model=7), asking(model=""), asking(messages="hi"), asking(messages=["hi"]),
        asking(messages=[]), b'{"model":"a","model":"b","messages":[{}]}',
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_with_the_field(body: bytes) -> None:
    """As the API would."""
    with pytest.raises(BadRequest):
        OPENAI.read_request(body)


def test_the_bound_is_the_bytes_for_openai_and_more_for_others() -> None:
    """A theorem for byte-level BPE; the empirical bound for tokenizers nobody knows."""
    body = asking(messages=[{"role": "user", "content": "x" * 10_000}])
    assert 10_000 < OPENAI.read_request(body).input_bound_tokens < 10_300
    other = OpenAIChat("x-ai").read_request(body)
    assert 20_000 < other.input_bound_tokens < 20_500


def test_an_image_counts_by_its_cap_and_not_by_its_bytes() -> None:
    """4,096 tokens at most for GPT-4.1, however long its base64 is."""
    text = OPENAI.read_request(saying({"type": "text", "text": ""})).input_bound_tokens
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    seen = OPENAI.read_request(saying(image))
    assert 4_096 <= seen.input_bound_tokens - text <= 4_200
    assert not seen.remote_input
    plain = OPENAI.read_request(saying({"type": "image_url", "image_url": PIXEL}))
    assert abs(plain.input_bound_tokens - seen.input_bound_tokens) < 20


def test_an_image_s_address_counts_by_the_cap_too() -> None:
    """At OpenAI it leads to an image; what another server fetches from there, nobody knows."""
    part = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    facts = OPENAI.read_request(saying(part))
    assert not facts.remote_input
    assert 4_096 <= facts.input_bound_tokens <= 4_096 + 300
    assert OpenAIChat("gateway").read_request(saying(part)).remote_input


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,AA"}},
        {"type": "image_url"},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "", "file_id": "f"}},
        {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}},
        {"type": "surprise"},
        {"type": 7},
        "text",
    ],
)
def test_what_the_body_does_not_hold_is_bounded_by_the_window(part: object) -> None:
    """Files, addresses, and whatever nobody knows."""
    assert OPENAI.read_request(saying(part)).remote_input


def test_a_gateway_s_own_options_may_bring_input() -> None:
    """However deep they name it."""
    cached = {"google": {"cached_content": "cachedContents/1"}}
    assert OPENAI.read_request(asking(extra_body=[cached])).remote_input


def test_audio_has_its_own_rate() -> None:
    """In a part, or as an earlier answer that was spoken."""
    part = {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}
    spoken = asking(messages=[{"role": "assistant", "audio": {"id": "audio_1"}}])
    for body in (saying(part), spoken):
        facts = OPENAI.read_request(body)
        assert facts.audio
        assert facts.remote_input


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"modalities": ["text", "audio"], "audio": {"voice": "a"}}, ("audio", "modalities")),
        ({"modalities": ["text"]}, ()),
        ({"web_search_options": {}}, ("web_search_options",)),
        ({"model": "gpt-4o-search-preview"}, ("model=gpt-4o-search-preview",)),
        ({"plugins": [{"id": "web"}]}, ("plugins",)),
        ({"search_parameters": {"mode": "on"}}, ("search_parameters",)),
        ({"extra_tokens": 5}, ("extra_tokens",)),
        ({"deferred": True}, ("deferred",)),
        ({"safety_model": "meta-llama/Llama-Guard-4-12B"}, ("safety_model",)),
        ({"model": "x-ai/grok-4.20-multi-agent"}, ("model=x-ai/grok-4.20-multi-agent",)),
        ({"service_tier": 7}, ("service_tier",)),
        ({"models": "a"}, ("models",)),
        ({"models": ["perplexity/sonar"]}, ("model=perplexity/sonar",)),
        ({"model": "google/gemini-2.5-flash-image"}, ("model=google/gemini-2.5-flash-image",)),
        ({"model": "openai/o3-deep-research"}, ("model=openai/o3-deep-research",)),
        ({"providerOptions": {"gateway": {"models": ["a"]}}}, ("providerOptions.gateway.models",)),
        ({"extra_body": {"plugins": [{"id": "web"}]}}, ("extra_body.plugins",)),
        ({"extra_body": {"google": {"thinking_config": {"thinking_budget": 9}}}}, ()),
        ({"tools": "all"}, ("tools",)),
        ({"tools": [{"type": "code_interpreter"}]}, ("tools.code_interpreter",)),
        ({"logit_bias": {}, "seed": 1, "user": "u", "something_new": True}, ()),
    ],
)
def test_what_could_cost_and_has_no_price_is_named(
    fields: dict[str, Any], named: tuple[str, ...]
) -> None:
    """It fails closed, with its name; what costs nothing passes."""
    assert OPENAI.read_request(asking(**fields)).unpriceable == named


def test_tools_the_provider_runs_add_input_and_fees() -> None:
    """Each kind may run ten times, each time with the whole window."""
    facts = OPENAI.read_request(
        asking(tools=[{"type": "web_search"}, {"type": "function", "function": {"name": "f"}}])
    )
    assert facts.remote_input
    assert facts.iterations == 1 + DEFAULT_SERVER_TOOL_USES
    assert facts.web_search_requests == DEFAULT_SERVER_TOOL_USES


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview", "file_search"])
def test_calls_that_no_answer_tells_have_no_price(kind: str) -> None:
    """This API counts no searches (Z.ai bills each); OpenRouter states what all of it took."""
    body = asking(tools=[{"type": kind}])
    assert OpenAIChat("zai").read_request(body).unpriceable == (f"tools.{kind}",)
    assert OpenAIChat("openrouter").read_request(body).unpriceable == ()


@pytest.mark.parametrize(
    ("vendor", "label", "remote"),
    [
        ("openrouter", "session_id", False), ("openrouter", "trace", False),
        ("zai", "request_id", False), ("zai", "user_id", False),
        ("litellm", "litellm_session_id", False), ("gateway", "session_id", True),
    ],
)  # fmt: skip
def test_a_label_brings_nothing(vendor: str, label: str, *, remote: bool) -> None:
    """By it a request is filed, and the next one may bear another; a session may also be kept."""
    dialect = OpenAIChat(vendor)
    one, other = (dialect.read_request(asking(**{label: name})) for name in ("a", "b"))
    assert one.remote_input == remote
    assert (one.prefixes[0].digest == other.prefixes[0].digest) != remote


FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,A"}}


def test_a_file_at_openrouter_may_be_read_by_the_page() -> None:
    """Where its model cannot, a reader does, for $2.20 a thousand pages at most."""
    assert OpenAIChat("openrouter").read_request(saying(FILE, FILE)).fees_pusd == 2 * 2_200 * 10**9


def test_a_file_in_the_body_is_read_again_as_the_same_tokens() -> None:
    """The window bounds it, or an earlier turn; one that lies elsewhere may change."""
    facts = OPENAI.read_request(saying(FILE))
    assert (facts.fees_pusd, facts.iterations) == (0, 1)
    assert (facts.sealed_tokens, facts.remote_input) == (MAX_SEALED_TOKENS, False)
    assert OPENAI.read_request(saying({"type": "file", "file": {"file_id": "f"}})).remote_input
    assert OPENAI.read_request(saying({"type": "file"})).remote_input


def test_a_file_at_xai_is_searched_unasked() -> None:
    """By a tool of its own, for $10 a thousand calls, in runs that read everything again."""
    facts = OpenAIChat("xai", "x-ai").read_request(saying(FILE, FILE))
    assert facts.iterations == 1 + DEFAULT_SERVER_TOOL_USES
    assert facts.fees_pusd == DEFAULT_SERVER_TOOL_USES * 10**10
    assert facts.may_add_input


def test_the_client_s_own_tools_only_add_words() -> None:
    """Their bytes, the provider's words around them, and two tokens for each broken line."""
    bare = OPENAI.read_request(asking()).input_bound_tokens
    tools = [{"type": "function", "function": {"name": "f", "description": "a\nb"}}]
    facts = OPENAI.read_request(asking(tools=tools))
    added = facts.input_bound_tokens - bare
    assert added == len(dumped(tools)) + len("tools") + TOKENS_FOR_TOOLS + 2
    assert not facts.may_add_input


def test_words_that_decide_a_price() -> None:
    """Tier, number of answers, other models, retention."""
    facts = OPENAI.read_request(
        asking(service_tier="flex", n=3, models=["gpt-4.1", "gpt-5"], prompt_cache_retention="24h")
    )
    assert (facts.service_tier, facts.candidates) == ("flex", 3)
    assert facts.other_models == ("gpt-5",)
    assert facts.cache_ttl == "auto-12h"
    assert OPENAI.read_request(asking()).cache_ttl == "auto"
    assert OPENAI.read_request(asking(prompt_cache_retention="in_memory")).cache_ttl == "auto"


@pytest.mark.parametrize(
    ("body", "ttl"),
    [
        (saying({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}), "5m"),
        (saying({"type": "text", "text": "a", "cache_control": {"ttl": "1h"}}), "1h"),
        (saying({"type": "text", "text": "@"}).replace(b'"@"', rb'"\u0063"'), "1h"),
        (saying({"type": "text", "text": "the cache_control"}), "auto"),
    ],
)
def test_marks_of_another_vendor_are_seen(body: bytes, ttl: str) -> None:
    """Gateways pass Anthropic's cache marks on; a hidden word may be one. OpenAI takes none."""
    assert OpenAIChat("openrouter").read_request(body).cache_ttl == ttl
    hidden = b"\\u0063" in body
    assert OPENAI.read_request(body).cache_ttl == ("auto-12h" if hidden else "auto")


@pytest.mark.parametrize(
    ("mark", "ttl"),
    [
        ({"mode": "explicit"}, "auto"),
        ({"mode": "explicit", "ttl": "30m"}, "auto"),
        ({"ttl": "12h", "mode": "explicit"}, "auto-12h"),
        ({"ttl": "7d"}, "auto-12h"),
    ],
)
def test_a_breakpoint_may_ask_for_a_dearer_write(mark: dict[str, str], ttl: str) -> None:
    """It has a lifetime of its own, beside the request's."""
    part = {"type": "text", "text": '"ttl":"12h"', "prompt_cache_breakpoint": mark}
    assert OPENAI.read_request(saying(part)).cache_ttl == ttl


def test_a_prediction_may_be_billed_beside_the_limit() -> None:
    """Its rejected tokens are output: they are part of the limit we count with."""
    prediction = {"type": "content", "content": "x" * 100}
    body = asking(max_tokens=500, prediction=prediction)
    facts = OPENAI.read_request(body)
    assert facts.max_output_tokens == 500 + len(dumped(prediction))
    again = json.loads(OPENAI.with_max_output(body, facts.max_output_tokens - 100))
    assert again["max_tokens"] == 400


@pytest.mark.parametrize(
    ("provider", "fields", "expected"),
    [
        ("openai", {}, {"max_completion_tokens": 9}),
        ("deepseek", {}, {"max_tokens": 9}),
        ("openai", {"max_tokens": 50}, {"max_tokens": 9}),
        ("deepseek", {"max_completion_tokens": 50}, {"max_completion_tokens": 9}),
        (
            "openai",
            {"max_tokens": 50, "max_completion_tokens": 60},
            {"max_tokens": 9, "max_completion_tokens": 9},
        ),
    ],
)
def test_a_clamp_uses_the_name_that_is_there(
    provider: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Or the one that this provider takes."""
    body = json.loads(OpenAIChat(provider).with_max_output(asking(**fields), 9))
    assert {name: body[name] for name in body if name.startswith("max_")} == expected
    assert {**body, **MINIMAL} == body


@pytest.mark.parametrize(
    "options", [None, {}, {"include_usage": False}, {"include_usage": None}, {"a": [1]}, "no", 7]
)
def test_a_stream_is_asked_for_its_usage(options: object) -> None:
    """Whatever stood there, and everything else stays."""
    fields = {"stream_options": options} if options is not None else {}
    body = asking(stream=True, **fields)
    facts = OPENAI.read_request(body)
    assert facts.adds_usage
    prepared = json.loads(OPENAI.prepare(body, facts))
    assert prepared["stream_options"]["include_usage"] is True
    if isinstance(options, dict):
        assert prepared["stream_options"] == {**options, "include_usage": True}
    assert {**json.loads(body), "stream_options": 0} == {**prepared, "stream_options": 0}


def test_all_other_bytes_stay_when_usage_is_asked_for() -> None:
    """Spaces, escapes and numbers as the client wrote them."""
    body = b'{ "model" : "gpt-4.1",\n "temperature": 1.0e0, "stream" : true, "messages":[{}] }\n'
    asked = OPENAI.prepare(body, OPENAI.read_request(body))
    assert asked == body.replace(b" }\n", b' ,"stream_options":{"include_usage":true}}\n')


def test_a_key_in_another_spelling_is_the_same_key() -> None:
    """It is not asked twice."""
    body = asking(stream=True, stream_options={}).replace(
        b"stream_options", rb"stre\u0061m_options"
    )
    asked = OPENAI.prepare(body, OPENAI.read_request(body))
    assert json.loads(asked)["stream_options"] == {"include_usage": True}
    assert asked.count(b"_options") == 1


@pytest.mark.parametrize(
    "fields", [{}, {"stream": False}, {"stream": True, "stream_options": {"include_usage": True}}]
)
def test_a_request_that_tells_its_usage_leaves_as_it_is(fields: dict[str, Any]) -> None:
    """And nothing is taken out of its answer."""
    body = asking(**fields)
    facts = OPENAI.read_request(body)
    assert not facts.adds_usage
    assert OPENAI.prepare(body, facts) is body
    assert OPENAI.client_filter(facts) is None


def test_a_server_that_knows_no_options_is_not_asked() -> None:
    """By configuration of its provider."""
    local = OpenAIChat("vllm", injects=False)
    assert not local.read_request(asking(stream=True)).adds_usage


def test_a_conversation_is_recognised_turn_by_turn() -> None:
    """What the next request repeats has the same digest; what it adds is bounded."""
    first = {**MINIMAL, "stream": True, "max_tokens": 5}
    answer = {"role": "assistant", "content": "hello"}
    question = {"role": "user", "content": "and now?"}
    then = {**first, "messages": [*first["messages"], answer, question], "max_tokens": 9}
    before = OPENAI.read_request(dumped(first)).prefixes[0]
    after = {mark.digest: mark for mark in OPENAI.read_request(dumped(then)).prefixes}
    added = after[before.digest].added_tokens_bound
    assert added == len(dumped(answer)) + len(dumped(question)) + 2 * 16
    for changed in ({"model": "gpt-5"}, {"tools": []}, {"reasoning_effort": "high"}, {"x": 1}):
        marks = OPENAI.read_request(dumped({**then, **changed})).prefixes
        same = before.digest in {mark.digest for mark in marks}
        assert same == (changed == {"tools": []}), changed
