"""What a Gemini request says about money, in both spellings of its names."""

import json
from typing import Any

import pytest

from agentspend.core.limits import DEFAULT_SERVER_TOOL_USES, MAX_SEALED_TOKENS
from agentspend.dialects.base import BadRequest
from agentspend.dialects.gemini import Gemini
from tests.dialects.fuzzing import RECORDED, dumped

GEMINI = Gemini()
MODEL = "gemini-3.8-flash"
MINIMAL: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CLI = [each for each in RECORDED if "Content" in each["path"]]
PAYLOAD = "iVBORw0KGgo" * 800


def asking(**fields: Any) -> bytes:
    """The smallest request with these fields over it."""
    return dumped({**MINIMAL, **fields})


def saying(*parts: Any) -> bytes:
    """The smallest request with these parts in its one turn."""
    return asking(contents=[{"role": "user", "parts": list(parts)}])


def configured(**settings: Any) -> bytes:
    """The smallest request with these settings."""
    return asking(generationConfig=settings)


def read(body: bytes) -> Any:
    """The facts of a body."""
    return GEMINI.read_request(body, path_model=MODEL)


@pytest.mark.parametrize("sent", CLI, ids=lambda sent: sent["path"].rpartition("/")[2])
def test_gemini_cli_is_read(sent: dict[str, Any]) -> None:
    """Its classifier and its main call: no limit, a thinking level, nothing remote."""
    model = sent["path"].rpartition("/")[2].partition(":")[0]
    body = dumped(sent["body"])
    facts = GEMINI.read_request(body, path_model=model)
    assert (facts.model, facts.max_output_tokens, facts.thinking_tokens) == (model, 0, 0)
    assert facts.unpriceable == ()
    assert not facts.may_add_input
    assert facts.input_bound_tokens >= 2 * len(body)
    assert len(facts.prefixes) == len(sent["body"]["contents"])
    assert GEMINI.prepare(body, facts) is body
    assert GEMINI.client_filter(facts) is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", asking(contents=7), asking(contents=["hi"]), asking(contents=[]),
        configured(maxOutputTokens=0), configured(maxOutputTokens="9"),
        configured(candidateCount=-1),
        configured(max_output_tokens=True), asking(generationConfig=7),
        asking(generationConfig={"maxOutputTokens": 1, "max_output_tokens": 9}),
        asking(generationConfig={}, generation_config={"maxOutputTokens": 9}),
        configured(thinkingConfig={"thinkingBudget": 10**12}),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes) -> None:
    """Also a field in two spellings: nobody knows which one holds."""
    with pytest.raises(BadRequest):
        read(body)


def test_the_path_names_the_model() -> None:
    """The body may, where there is no path."""
    assert read(asking(model="models/other")).model == MODEL
    assert GEMINI.read_request(asking(model="models/gemini-2.5-pro")).model == "gemini-2.5-pro"
    with pytest.raises(BadRequest, match="model"):
        GEMINI.read_request(asking())


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
@pytest.mark.parametrize(
    ("limit", "count", "thinking", "budget"),
    [
        ("maxOutputTokens", "candidateCount", "thinkingConfig", "thinkingBudget"),
        ("max_output_tokens", "candidate_count", "thinking_config", "thinking_budget"),
    ],
)
def test_both_spellings_are_read_and_clamped(
    config: str, limit: str, count: str, thinking: str, budget: str
) -> None:
    """A thinking budget is beside the limit, so that both together are what is held."""
    settings = {limit: 1_000, count: 2, thinking: {budget: 300}, "temperature": 1}
    body = asking(**{config: settings})
    facts = read(body)
    assert (facts.max_output_tokens, facts.candidates, facts.thinking_tokens) == (1_300, 2, 300)
    clamped = json.loads(GEMINI.with_max_output(body, 800))
    assert clamped == {**MINIMAL, config: {**settings, limit: 500}}
    assert read(GEMINI.with_max_output(body, 800)).max_output_tokens == 800


@pytest.mark.parametrize("fields", [{}, {"generationConfig": {}}, {"generationConfig": None}])
def test_a_clamp_adds_the_limit(fields: dict[str, Any]) -> None:
    """Gemini CLI names none."""
    clamped = json.loads(GEMINI.with_max_output(asking(**fields), 50))
    assert clamped == {**MINIMAL, "generationConfig": {"maxOutputTokens": 50}}


@pytest.mark.parametrize("budget", [-1, 0])
def test_a_budget_the_model_chooses_is_inside_the_limit(budget: int) -> None:
    """As it was measured."""
    facts = read(configured(maxOutputTokens=100, thinkingConfig={"thinkingBudget": budget}))
    assert (facts.max_output_tokens, facts.thinking_tokens) == (100, 0)


@pytest.mark.parametrize(
    "part",
    [
        {"fileData": {"fileUri": "gs://x", "mimeType": "image/png"}},
        {"file_data": {"file_uri": "gs://x"}},
        {"inlineData": 7},
        {"functionResponse": {"parts": [{"fileData": {"fileUri": "gs://x"}}]}},
        {"function_response": {"parts": {"file_data": {"file_uri": "gs://x"}}}},
        {"functionResponse": {"parts": [{"functionResponse": {}}]}},
        {"surprise": 1},
        "text",
        7,
    ],
)
def test_what_may_hold_more_than_its_bytes_is_bounded_by_the_window(part: object) -> None:
    """And may be sound, which has its own rate."""
    facts = read(saying(part))
    assert facts.remote_input
    if isinstance(part, dict):
        assert facts.audio


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "audio/wav", "data": "AA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AA"}},
        {"inlineData": {"data": "AA"}},
        {"functionResponse": {"parts": [{"inlineData": {"mimeType": "audio/wav"}}]}},
    ],
)
def test_a_file_in_the_body_is_read_again_as_the_same_tokens(part: object) -> None:
    """The window bounds it, or a count, or an earlier turn; it may be sound."""
    facts = read(saying(part))
    assert (facts.sealed_tokens, facts.remote_input) == (MAX_SEALED_TOKENS, False)
    assert facts.audio == ("pdf" not in str(part))
    assert facts.input_bound_tokens > MAX_SEALED_TOKENS


def test_an_image_counts_by_its_cap_and_not_by_its_bytes() -> None:
    """2,240 tokens at most for Gemini 3; more tiles for Gemini 2."""
    text = read(saying({"text": ""})).input_bound_tokens
    image = saying({"inlineData": {"mimeType": "image/png", "data": PAYLOAD}})
    facts = read(image)
    assert not facts.may_add_input
    assert 2_240 <= facts.input_bound_tokens - text <= 2_400
    older = GEMINI.read_request(image, path_model="gemini-2.5-flash")
    assert older.input_bound_tokens - text >= 258 * 64
    snake = saying({"inline_data": {"mime_type": "image/png", "data": PAYLOAD}})
    assert abs(read(snake).input_bound_tokens - facts.input_bound_tokens) < 10


def test_an_image_that_a_tool_brought_counts_like_any_other() -> None:
    """Gemini CLI sends those it has read inside the tool's result."""
    image = {"inlineData": {"mimeType": "image/png", "data": PAYLOAD}}
    facts = read(saying({"functionResponse": {"name": "read", "parts": [image]}}))
    bare = read(saying({"functionResponse": {"name": "read", "parts": []}}))
    assert not facts.may_add_input
    assert 2_240 <= facts.input_bound_tokens - bare.input_bound_tokens <= 2_400


def test_cached_content_is_not_in_the_body() -> None:
    """It may hold anything."""
    facts = read(asking(cachedContent="cachedContents/1"))
    assert facts.remote_input
    assert facts.audio


@pytest.mark.parametrize(
    ("tool", "named", "searches"),
    [
        ({"googleSearch": {}}, (), DEFAULT_SERVER_TOOL_USES),
        ({"google_search": {}}, (), DEFAULT_SERVER_TOOL_USES),
        ({"googleSearchRetrieval": {}}, (), DEFAULT_SERVER_TOOL_USES),
        ({"urlContext": {}}, (), 0),
        ({"codeExecution": {}}, (), 0),
        ({"googleMaps": {}}, ("tools.googleMaps",), 0),
        ({"fileSearch": {}}, ("tools.fileSearch",), 0),
        (7, ("tools",), 0),
    ],
)
def test_tools_google_runs(tool: object, named: tuple[str, ...], searches: int) -> None:
    """They add input and fees, or have no price."""
    facts = read(asking(tools=[tool]))
    assert facts.remote_input
    assert (facts.unpriceable, facts.web_search_requests) == (named, searches)
    assert facts.iterations == (1 if tool == 7 else 1 + DEFAULT_SERVER_TOOL_USES)


def test_the_client_s_own_tools_only_add_words() -> None:
    """Functions it declares."""
    facts = read(asking(tools=[{"functionDeclarations": [{"name": "f"}]}, {"computerUse": {}}]))
    assert not facts.may_add_input
    assert facts.unpriceable == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "responseModalities"),
        ({"generationConfig": {"response_modalities": "AUDIO"}}, "responseModalities"),
        ({"generationConfig": {"speechConfig": {}}}, "speechConfig"),
        ({"generationConfig": {"imageConfig": {"a": 1}}}, "imageConfig"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": "all"}}}, "thinkingConfig"),
        ({"generationConfig": {"thinkingConfig": 7}}, "thinkingConfig"),
        ({"serviceTier": 7}, "serviceTier"),
        ({"extraAudio": True}, "extraAudio"),
        ({"extra": {"plugins": [1]}}, "extra.plugins"),
    ],
)
def test_what_could_cost_and_has_no_price_is_named(fields: dict[str, Any], named: str) -> None:
    """Pictures, sound, and settings nobody knows."""
    (found,) = read(asking(**fields)).unpriceable
    assert found.removeprefix("generationConfig.") == named


@pytest.mark.parametrize("tier", ["flex", "FLEX", "SERVICE_TIER_FLEX"])
def test_the_tier_is_read(tier: str) -> None:
    """In the price list's spelling."""
    assert read(asking(serviceTier=tier)).service_tier == "flex"


def test_a_conversation_is_recognised_turn_by_turn() -> None:
    """By its turns, its model and its settings."""
    turn = {"role": "model", "parts": [{"text": "hello"}]}
    then = {**MINIMAL, "contents": [*MINIMAL["contents"], turn]}
    before = read(dumped(MINIMAL)).prefixes[0].digest
    marks = {mark.digest: mark for mark in read(dumped(then)).prefixes}
    assert marks[before].added_tokens_bound == 2 * len(dumped(turn)) + 16
    other = GEMINI.read_request(dumped(then), path_model="gemini-2.5-pro")
    assert before not in {mark.digest for mark in other.prefixes}


def test_a_count_asks_for_the_whole_request() -> None:
    """Instructions and tools are counted too."""
    asked = json.loads(GEMINI.count_body(asking(tools=[{}]), MODEL))
    whole = {**MINIMAL, "tools": [{}], "model": f"models/{MODEL}"}
    assert asked == {"generateContentRequest": whole}
    assert GEMINI.count_path == "/v1beta/models/{model}:countTokens"


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (b'{"totalTokens":31,"cachedContentTokenCount":4}', 31), (b'{"totalTokens":0}', 0),
        (b"{}", None), (b'{"totalTokens":"x"}', None), (b"no", None), (b'{"totalTokens":-1}', None),
    ],
)  # fmt: skip
def test_a_count_is_read(answer: bytes, count: int | None) -> None:
    """Or there is none."""
    assert GEMINI.read_count(answer) == count


@pytest.mark.parametrize("config", [{}, {"responseJsonSchema": {}}, {"responseSchema": {}}])
def test_a_schema_adds_the_providers_words(config: dict[str, Any]) -> None:
    """As tools do."""
    plain = read(asking()).input_bound_tokens
    assert (read(configured(**config)).input_bound_tokens > plain + 1_024) == bool(config)


def test_instructions_may_hold_images_too() -> None:
    """Text alone, one content, or one part."""
    image = {"inlineData": {"mimeType": "image/png", "data": PAYLOAD}}
    for said in ("be brief", {"parts": [{"text": "a"}]}, {"parts": {"text": "a"}}):
        assert not read(asking(systemInstruction=said)).remote_input
    facts = read(asking(systemInstruction={"parts": [image]}))
    assert not facts.remote_input
    assert facts.input_bound_tokens < 3_000
    assert read(asking(systemInstruction=7)).remote_input


@pytest.mark.parametrize("model", ["gemini-2.5-flash-image", "gemini-nano-banana-2.1"])
def test_a_model_that_draws_has_no_price(model: str) -> None:
    """It does so unasked, at twelve times the price of what it writes."""
    assert GEMINI.read_request(asking(), path_model=model).unpriceable == (f"model={model}",)


def test_an_answer_that_goes_on_is_not_in_the_body() -> None:
    """Google keeps it."""
    assert read(asking(continuationToken="t")).remote_input
