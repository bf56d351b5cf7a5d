"""Reading a request: every word of it that costs money, and bytes that stay as they are."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.anthropic.request import count_body, read_request, with_max_output
from agentspend.dialects.base import BadRequest, LostThread
from agentspend.sandbox.tokens import RULES, count_prompt
from tests.dialects.anthropic.requests import FUZZ_EXAMPLES, MINIMAL, REQUESTS, asking, dumped
from tests.dialects.cases import RECORDED

ANTHROPIC = Anthropic()

FIRST = Path(__file__).parents[1] / "recorded" / "claude-first-request.json"


def test_the_recorded_first_request_reads_as_claude_code_meant_it() -> None:
    """Claude Code's own words: a stream of at most 128,000 tokens, cached for five minutes."""
    facts = read_request(FIRST.read_bytes().strip())
    assert facts.model == "claude-opus-5-5"
    assert (facts.max_output_tokens, facts.stream, facts.cache_ttl) == (128_000, True, "5m")
    assert not facts.may_add_input
    assert facts.unpriceable == ()
    assert len(facts.prefixes) == 2


@pytest.mark.parametrize("body", [*RECORDED, FIRST.read_bytes()])
def test_the_recorded_requests_need_no_window_to_be_bounded(body: bytes) -> None:
    """What an agent really sends is bounded by its bytes, above what any tokenizer makes of it."""
    facts = read_request(body)
    assert not facts.remote_input
    assert facts.iterations == 1
    for rule in RULES.values():
        assert facts.input_bound_tokens >= count_prompt(json.loads(body), rule)
    assert facts.input_bound_tokens <= 3 * len(body) + 2_000


def test_every_spelling_of_one_request_reads_the_same() -> None:
    """Spaces between the parts, or a line break at the end, change only the bound."""
    wanted = read_request(RECORDED[1])
    value = json.loads(RECORDED[1])
    for body in (json.dumps(value).encode(), json.dumps(value, indent=1).encode() + b"\n"):
        facts = read_request(body)
        assert facts.input_bound_tokens >= wanted.input_bound_tokens
        assert (facts.model, facts.cache_ttl, facts.stream) == ("claude-opus-5-5", "5m", True)
        assert not facts.remote_input


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 4}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_tokens": 10**40}, "max_tokens"),
        ({"max_tokens": 10**4_000}, "max_tokens"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hi"]}, "messages"),
    ],
)
def test_what_no_request_can_say_is_refused_by_name(fields: dict[str, Any], name: str) -> None:
    """A request the API cannot take is refused, and the refusal names the field."""
    with pytest.raises(BadRequest, match=f"^{name}: "):
        read_request(asking(**fields))


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """Where two decoders could see two texts, there is no bound."""
    with pytest.raises(BadRequest, match="UTF-8"):
        read_request(asking().replace(b"hi", b"\xff\xfe"))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"speed": "fast"}, {"speed": "fast"}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"inference_geo": "us"}, {"inference_geo": "us"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 900}}, {"thinking_tokens": 900}),
        ({"thinking": {"type": "enabled", "budget_tokens": -5}}, {"thinking_tokens": 0}),
        ({"stream": True}, {"stream": True}),
        ({"fallbacks": [{"model": "a"}]}, {"other_models": ("a",), "iterations": 2}),
        ({"fallback_models": ["a", "b"]}, {"other_models": ("a", "b"), "iterations": 3}),
        ({"mcp_servers": [{"url": "x"}]}, {"remote_input": True, "iterations": 11}),
        ({"mcp_servers": []}, {"remote_input": False, "iterations": 1}),
        ({"container": "c"}, {"remote_input": True}),
        ({"container": None}, {"remote_input": False}),
        ({"previous_response_id": "r"}, {"remote_input": True}),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, {"iterations": 2}),
        ({"context_management": {"edits": "compact"}}, {"iterations": 2, "remote_input": True}),
        ({"context_management": {"edits": [{"type": "clear_thinking"}]}}, {"iterations": 1}),
        ({"cache_control": {"type": "ephemeral"}}, {"cache_ttl": "5m"}),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"cache_ttl": "1h"}),
        ({"cache_control": "ephemeral"}, {"cache_ttl": "1h"}),
        ({"safeguards": [{"type": "x"}]}, {"remote_input": False, "unpriceable": ()}),
        ({"compaction": {"type": "auto"}}, {"iterations": 2, "candidates": 2}),
        ({"models": ["claude-opus-5-5", "a"]}, {"other_models": ("a",), "iterations": 1}),
        ({"thread": {"type": "create"}}, {"remote_input": False, "unpriceable": ()}),
        ({"resumption": {"type": "enabled"}}, {"remote_input": False}),
        ({"resumption": {"type": "enabled", "token": "t"}}, {"remote_input": True}),
        ({"user_profile_id": "u", "diagnostics": None}, {"remote_input": False}),
        ({"max_tokens": 0}, {"max_output_tokens": 1}),
    ],
)
def test_a_word_that_costs_money_is_read(fields: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Each option of the API that can make an answer dearer reaches the price book."""
    facts = read_request(asking(**fields))
    assert {name: getattr(facts, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 5}, ("n",)),
        ({"search_requests": 5}, ("search_requests",)),
        ({"speed": ["fast"]}, ("speed",)),
        ({"service_tier": {"type": "priority"}}, ("service_tier",)),
        ({"inference_geo": 1}, ("inference_geo",)),
        ({"fallbacks": ["a"]}, ("fallbacks",)),
        ({"fallbacks": [{}]}, ("fallbacks.model",)),
        ({"fallbacks": [{"model": "a", "max_tokens": 9**6}]}, ("fallbacks.max_tokens",)),
        ({"fallbacks": [{"model": "a", "speed": "fast"}]}, ("fallbacks.speed",)),
        ({"fallback_models": "a"}, ("fallback_models",)),
        ({"cache_control": {"ttl": "24h"}}, ("cache_control.ttl",)),
        ({"models": "a"}, ("models",)),
        ({"plugins": [{"id": "web"}]}, ("plugins",)),
        ({"preset": "p"}, ("preset",)),
        ({"model": "perplexity/sonar-pro"}, ("model=perplexity/sonar-pro",)),
        ({"models": ["google/gemini-3-pro-image"]}, ("model=google/gemini-3-pro-image",)),
    ],
)
def test_what_has_no_price_is_named(fields: dict[str, Any], named: tuple[str, ...]) -> None:
    """A field that could cost money in a way nobody here can bound is named, to be refused."""
    assert read_request(asking(**fields)).unpriceable == named


@pytest.mark.parametrize(
    "thread", [{"type": "continue", "previous_message_id": "m"}, {"type": 7}, "continue"]
)
def test_a_conversation_that_only_the_provider_holds_has_no_bound(thread: object) -> None:
    """Its client is told that the thread is lost, and sends the whole one."""
    with pytest.raises(LostThread, match="thread: agentspend needs"):
        read_request(asking(thread=thread, messages=[]))


def test_an_output_format_adds_the_providers_own_words() -> None:
    """The provider writes a prompt of its own around a schema."""
    plain = read_request(asking(output_config={"effort": "low"})).input_bound_tokens
    formed = read_request(asking(output_config={"format": {"a": 1}})).input_bound_tokens
    assert formed >= plain + 1_000


@given(REQUESTS, st.sampled_from(sorted(RULES)), st.booleans())
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_no_tokenizer_counts_above_the_bound(
    body: dict[str, Any], rule: str, ascii_only: bool
) -> None:
    """Whatever is said in whatever script, the provider's count stays at or below the bound."""
    sent = dumped(body, ascii_only=ascii_only)
    facts = read_request(sent, in_nfc=not ANTHROPIC.needs_normalising(sent))
    assert facts.input_bound_tokens >= count_prompt(body, RULES[rule])
    assert read_request(sent, in_nfc=False).input_bound_tokens >= facts.input_bound_tokens


@given(REQUESTS, st.integers(1, 128_000), st.sampled_from([None, 1]))
@settings(max_examples=FUZZ_EXAMPLES, deadline=None)
def test_a_clamp_changes_only_the_output_limit(
    body: dict[str, Any], tokens: int, indent: int | None
) -> None:
    """Clamped, a request says the same in the same bytes, but for `max_tokens`."""
    sent = json.dumps(body, indent=indent).encode()
    clamped = with_max_output(sent, tokens)
    assert json.loads(clamped) == {**body, "max_tokens": tokens}
    assert list(json.loads(clamped)) == list(body)
    kept = (json.dumps(value).encode() for name, value in body.items() if name != "max_tokens")
    assert indent or all(raw in clamped for raw in kept)


def test_the_count_asks_for_everything_that_adds_to_the_prompt() -> None:
    """The free count sees system, tools, thinking and the output schema, and no other field."""
    asked = {
        **MINIMAL,
        "system": "s",
        "tools": [],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "adaptive"},
        "output_config": {"format": {"schema": {}}},
    }
    others = {"stream": True, "metadata": {}, "context_management": {"edits": []}, "top_k": 1}
    wanted = {name: value for name, value in asked.items() if name != "max_tokens"}
    assert json.loads(count_body(dumped({**asked, **others}))) == wanted


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (b'{"input_tokens":2095}', 2_095),
        (b'{"input_tokens":0}', 0),
        (b'{"input_tokens":-1}', None),
        (b'{"input_tokens":true}', None),
        (b'{"input_tokens":"9"}', None),
        (b'{"type":"error"}', None),
        (b"[" * 100_000, None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_a_count_is_read_or_there_is_none(answer: bytes, count: int | None) -> None:
    """Only a whole number of tokens is a count."""
    assert ANTHROPIC.read_count(answer) == count
