"""What stands in a request, read the dearest way: marks, images, tools, input from elsewhere."""

import json
from typing import Any

import pytest

from agentspend.core.limits import MAX_IMAGE_TOKENS, MAX_SEALED_TOKENS, TOKENS_FOR_TOOLS
from agentspend.dialects.anthropic.request import read_request
from tests.dialects.anthropic.requests import MARK, MARK_1H, asking, dumped, saying

TEXT = {"type": "text", "text": "x"}
URL_IMAGE = {"type": "image", "source": {"type": "url", "url": "u"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}


def nested(block: dict[str, Any], depth: int) -> dict[str, Any]:
    """A block inside so many tool results."""
    for _ in range(depth):
        block = {"type": "tool_result", "tool_use_id": "t", "content": [block]}
    return block


def fetched(content: object) -> dict[str, Any]:
    """What a page that the provider fetched is sent back as."""
    result = {"type": "web_fetch_result", "url": "u", "content": content}
    return {"type": "web_fetch_tool_result", "tool_use_id": "t", "content": result}


def found(name: str) -> dict[str, Any]:
    """A tool that the provider's search found, as it is sent back."""
    references = [{"type": "tool_reference", "tool_name": name}]
    result = {"type": "tool_search_tool_search_result", "tool_references": references}
    return {"type": "tool_search_tool_result", "tool_use_id": "t", "content": result}


PDF = {"type": "document", "source": {"type": "base64", "data": "JVBERi0="}}
PLAIN = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
SEARCH_RESULT = {"type": "search_result", "source": "u", "title": "t", "content": [TEXT]}
MARKED = {**TEXT, "cache_control": MARK_1H}
DOCUMENT = {"type": "document", "source": {"type": "content", "content": [MARKED]}}
ONE_HOUR = {
    "in a message": saying(MARKED),
    "in a tool result": saying(nested(MARKED, 1)),
    "deep down": saying(nested(MARKED, 9)),
    "in a document": saying(DOCUMENT),
    "in a search result": saying({"type": "search_result", "source": "u", "content": [MARKED]}),
    "in the system prompt": asking(system=[MARKED]),
    "in a tool": asking(tools=[{"name": "t", "cache_control": MARK_1H}]),
    "in a strange tool": asking(tools=[{"name": 1, "cache_control": MARK_1H}]),
    "in a strange system prompt": asking(system=[{**MARKED, "type": 5}]),
    "of the whole request": asking(cache_control=MARK_1H),
    "after a mark of five minutes": saying({**TEXT, "cache_control": MARK}, MARKED),
    "before a mark of five minutes": saying(MARKED, {**TEXT, "cache_control": MARK}),
    "of an unknown lifetime": saying({**TEXT, "cache_control": {"ttl": "1d"}}),
    "said and taken back": saying(MARKED).replace(b'"1h"}', b'"1h"},"cache_control":null'),
    "in an escaped key": saying(MARKED).replace(b"cache_control", b"cache\\u005fcontrol"),
    "escaped and taken back": saying(MARKED).replace(
        b'"cache_control":{"type":"ephemeral","ttl":"1h"}',
        b'"cache\\u005fcontrol":{"ttl":"1\\u0068"},"cache_control":null',
    ),
}


@pytest.mark.parametrize("where", ONE_HOUR)
def test_a_mark_for_an_hour_counts_wherever_it_stands(where: str) -> None:
    """A cache write of an hour costs twice the input, so no place of the mark may hide it."""
    assert read_request(ONE_HOUR[where]).cache_ttl == "1h"


@pytest.mark.parametrize(
    ("body", "ttl"),
    [
        (saying({**TEXT, "cache_control": MARK}), "5m"),
        (saying({**TEXT, "cache_control": None}), "5m"),
        (saying({**TEXT, "text": json.dumps(MARKED)}), ""),
        (saying({**TEXT, "text": json.dumps(json.dumps(MARKED))}), ""),
        (saying({**TEXT, "text": "\\u0061 \x1b[0m <>&'"}), ""),
        (saying({**TEXT, "text": "é"}).replace("é".encode(), b"\\u00e9\\u003c\\u0026"), ""),
    ],
)
def test_talk_about_marks_is_no_mark(body: bytes, ttl: str) -> None:
    """Text that quotes a mark, or escapes what encoders escape, asks for nothing."""
    assert read_request(body).cache_ttl == ttl


def added(definition: dict[str, Any]) -> dict[str, Any]:
    """A tool defined in the middle of a conversation."""
    tool = {"type": "tool_definition", "definition": definition}
    return {"type": "tool_addition", "tool": tool}


def test_a_tool_defined_in_a_message_is_a_tool_like_any_other() -> None:
    """It may search, run code, or ask a dearer model (beta inline-tools)."""
    search = {"type": "web_search_20260318", "name": "web_search", "max_uses": 3}
    advisor = {"type": "advisor_20260301", "name": "advisor", "model": "dear", "max_uses": 1}
    code = {"type": "code_execution_20260521", "name": "code_execution"}
    facts = read_request(saying(added(search), added(advisor), added(code)))
    assert (facts.web_search_requests, facts.iterations) == (3, 1 + 3 + 2 + 10)
    assert facts.other_models == ("dear",)
    assert facts.unpriceable == ("tools.code_execution_20260521",)
    strange = {"type": "tool_addition", "tool": 7}
    assert read_request(saying(strange)).unpriceable == ("tool_addition",)


def test_a_tool_added_again_is_in_the_body() -> None:
    """Listed with the tools, or defined by an earlier message."""
    again = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "t"}}
    own = {"name": "t", "description": "x" * 500, "input_schema": {}}
    for facts in (
        read_request(saying(added(own), again, {"type": "tool_removal", "tool": {"name": "t"}})),
        read_request(asking(tools=[own], messages=[{"role": "user", "content": [again]}])),
    ):
        assert not facts.may_add_input
        assert facts.input_bound_tokens > 2 * 2 * 500
    assert read_request(saying(again)).remote_input


def test_an_image_weighs_what_its_model_makes_of_it() -> None:
    """Servers that copy this API have other models: the dearest for one nobody measured."""
    claude, other = (
        read_request(asking(model=model, messages=[{"role": "user", "content": [URL_IMAGE]}]))
        for model in ("anthropic/claude-opus-5", "glm-4.6v")
    )
    assert claude.input_bound_tokens < MAX_IMAGE_TOKENS + 1_000
    assert other.input_bound_tokens > 65_536


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_image_s_bytes_are_no_words(depth: int) -> None:
    """A screenshot of a megabyte is 4,800 tokens at most, not two million."""
    small, large = (
        nested({**IMAGE, "source": {**IMAGE["source"], "data": "AAAA" * size}}, depth)
        for size in (1, 250_000)
    )
    grown = read_request(saying(large)).input_bound_tokens
    assert grown == read_request(saying(small)).input_bound_tokens > MAX_IMAGE_TOKENS
    hidden = {**IMAGE, "source": {**IMAGE["source"], "type": "text", "data": "word " * 5_000}}
    assert read_request(saying(hidden)).input_bound_tokens > 2 * 5 * 5_000


@pytest.mark.parametrize("depth", [0, 1, 3, 5, 50])
def test_an_image_weighs_what_the_largest_does(depth: int) -> None:
    """An image counts at its most; too deep to be looked at, the window bounds it."""
    facts = read_request(saying(nested(IMAGE, depth)))
    assert facts.remote_input or facts.input_bound_tokens >= MAX_IMAGE_TOKENS
    assert facts.remote_input is (depth > 4)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "source": "u"},
        {"type": "document", "source": {"type": "url", "url": "u"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        fetched({"type": "fetched_of_2027", "content": fetched(PDF)}),
        {"type": "document", "source": "u"},
        fetched({"source": "s"}),
        found("nobody"),
        {"type": "container_upload", "file_id": "f"},
        {"type": "video_of_2027", "file_id": "f"},
        {"type": None},
        {"type": "tool_reference", "tool_name": "nobody"},
        "text",
        7,
    ],
)
def test_input_from_elsewhere_is_bounded_by_the_window(block: object) -> None:
    """What the body does not hold, or nobody here can read, has no bound in bytes."""
    assert read_request(saying(block)).remote_input


@pytest.mark.parametrize(
    "block",
    [
        PDF,
        nested(PDF, 1),
        fetched(PDF),
        fetched([PDF]),
        {"type": "tool_result", "tool_use_id": "t", "content": PDF},
        {"type": "document"},
        {**PLAIN, "citations": {"enabled": True}},
        {**SEARCH_RESULT, "citations": {"enabled": True}},
    ],
)
def test_a_file_in_the_body_is_read_again_as_the_same_tokens(block: dict[str, Any]) -> None:
    """Its bytes bound nothing, so that the window does; but a count does too, and an earlier turn
    that had it: whose marks do not hold it."""
    facts = read_request(saying(block))
    assert (facts.sealed_tokens, facts.remote_input) == (MAX_SEALED_TOKENS, False)
    assert not facts.may_add_input
    then = json.loads(saying(block))
    then["messages"] += [{"role": "assistant", "content": "it"}, {"role": "user", "content": "?"}]
    marks = read_request(dumped(then)).prefixes
    [mark] = [mark for mark in marks if mark.digest == facts.prefixes[0].digest]
    assert mark.added_tokens_bound < 1_000


def test_a_document_in_words_is_bounded_by_them() -> None:
    """Also one in blocks, whose images count."""
    for block in (PLAIN, SEARCH_RESULT):
        facts = read_request(saying(block))
        assert not facts.remote_input
        assert facts.input_bound_tokens < 2_000
    facts = read_request(saying({**DOCUMENT, "source": {"type": "content", "content": [IMAGE]}}))
    assert not facts.remote_input
    assert MAX_IMAGE_TOKENS < facts.input_bound_tokens < MAX_IMAGE_TOKENS + 1_000


@pytest.mark.parametrize(
    "block",
    [
        TEXT,
        IMAGE,
        URL_IMAGE,
        nested(URL_IMAGE, 1),
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        nested(TEXT, 1),
        {"type": "tool_result", "tool_use_id": "t", "content": "plain text"},
        {"type": "tool_result", "tool_use_id": "t"},
        {"type": "tool_result", "tool_use_id": "t", "content": None},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"content": 1, "source": "s"}},
        {"type": "thinking", "thinking": "", "signature": "A"},
        {"type": "web_search_tool_result", "content": [{"type": "web_search_result"}]},
        {"type": "web_search_tool_result", "content": {"type": "error"}},
        fetched(None),
    ],
)
def test_what_an_agent_sends_back_every_turn_is_bounded_by_its_bytes(
    block: dict[str, Any],
) -> None:
    """Tool results in every form, thinking and calls are all in the body."""
    facts = read_request(saying(block))
    assert not facts.remote_input
    assert not facts.may_add_input


def test_text_no_parser_can_spell_out_is_left_to_the_provider() -> None:
    """A request that the provider may refuse itself is still bounded, not broken."""
    surrogate = saying(TEXT).replace(b'"x"', b'"\\ud83d\\u0041"')
    try:
        facts = read_request(surrogate)
    except ValueError:
        return
    assert facts.remote_input


@pytest.mark.parametrize(
    ("tool", "iterations", "searches", "unpriceable"),
    [
        ({"type": "web_search_20250305", "name": "w"}, 11, 10, ()),
        ({"type": "web_search_20250305", "name": "w", "max_uses": 3}, 4, 3, ()),
        ({"type": "web_search_20250305", "name": "w", "max_uses": -9}, 1, 0, ()),
        ({"type": "web_fetch_20250910", "name": "w", "max_uses": 2}, 3, 0, ()),
        ({"type": "mcp_toolset", "name": "m"}, 11, 0, ()),
        ({"type": "code_execution_2027", "name": "c"}, 11, 0, ("tools.code_execution_2027",)),
        ({"type": "paint_2027", "name": "p"}, 11, 0, ("tools.paint_2027",)),
    ],
)
def test_a_tool_of_the_provider_runs_the_prompt_again(
    tool: dict[str, Any], iterations: int, searches: int, unpriceable: tuple[str, ...]
) -> None:
    """Each use is one more run and, for searches, a fee; what has no price is named."""
    facts = read_request(asking(tools=[tool]))
    assert facts.remote_input
    assert (iterations, searches) == (facts.iterations, facts.web_search_requests)
    assert facts.unpriceable == unpriceable


def test_uses_of_several_tools_add_up() -> None:
    """One tool's odd limit takes nothing from another's."""
    tools = [
        {"type": "web_search_20250305", "name": "a", "max_uses": -5},
        {"type": "web_search_20260209", "name": "b"},
    ]
    facts = read_request(asking(tools=tools))
    assert (facts.iterations, facts.web_search_requests) == (11, 10)


def test_an_adviser_is_one_of_the_models_that_may_be_billed() -> None:
    """The model a tool asks is billed at its own rates."""
    facts = read_request(asking(tools=[{"type": "advisor_20260301", "model": "claude-opus-5"}]))
    assert facts.other_models == ("claude-opus-5",)


@pytest.mark.parametrize(
    ("limits", "runs", "advice_tokens"),
    [
        ({"max_uses": 2, "max_tokens": 2_048}, 5, 2 * 2_048),
        ({"max_uses": 1}, 3, 128_000),
        ({}, 21, 10 * 128_000),
    ],
)
def test_advice_has_a_limit_of_its_own(
    limits: dict[str, int], runs: int, advice_tokens: int
) -> None:
    """The request's own holds none of it back; it is written once, and read with the prompt."""
    tool = {"type": "advisor_20260301", "model": "claude-opus-5", **limits}
    facts = read_request(asking(tools=[tool]))
    assert (facts.iterations, facts.candidates) == (runs, 1)
    assert facts.advice_tokens == advice_tokens
    kept = read_request(asking(tools=[{**tool, "caching": MARK_1H}]))
    assert kept.cache_ttl == "1h"


def test_tools_nobody_can_read_are_named() -> None:
    """A tool list of unknown shape could hide a fee."""
    assert read_request(asking(tools=[{"max_uses": "9"}])).unpriceable == ("tools",)


def test_each_tool_the_provider_describes_weighs_its_words() -> None:
    """A few bytes of a built-in tool stand for hundreds of tokens of the provider's own."""
    kinds = ("bash_20250124", "text_editor_20250728", "computer_20250124")
    tools = [{"type": kind, "name": kind} for kind in kinds]
    facts = read_request(asking(tools=tools))
    assert facts.input_bound_tokens >= 4 * TOKENS_FOR_TOOLS
    assert not facts.remote_input


def test_a_tool_named_again_weighs_its_definition_again() -> None:
    """A reference of a few bytes brings a whole definition into the prompt."""
    tools = [{"name": "t", "description": "d" * 5_000}]
    reference = nested({"type": "tool_reference", "tool_name": "t"}, 1)
    message = {"role": "user", "content": [reference, reference, found("t")]}
    facts = read_request(asking(tools=tools, messages=[message]))
    assert facts.input_bound_tokens >= 4 * 2 * 5_000
    assert not facts.remote_input


def test_what_is_added_counts_in_every_later_turn_only() -> None:
    """An image in an old turn does not weigh on what was added after it."""
    turns = [
        {"role": "user", "content": [IMAGE]},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "b"},
    ]
    marks = read_request(dumped({"model": "m", "max_tokens": 9, "messages": turns})).prefixes
    assert marks[0].added_tokens_bound == 0
    assert marks[2].added_tokens_bound < MAX_IMAGE_TOKENS
    last = read_request(
        dumped({"model": "m", "max_tokens": 9, "messages": [*turns[1:], turns[0]]})
    ).prefixes
    assert last[1].added_tokens_bound >= MAX_IMAGE_TOKENS
