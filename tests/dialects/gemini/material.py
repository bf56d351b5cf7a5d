"""Gemini's generateContent for the fuzz tests."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from agentspend.dialects.gemini import Gemini
from agentspend.dialects.gemini.code_assist import CodeAssist
from agentspend.dialects.gemini.request import KNOWN, SETTINGS
from agentspend.dialects.text_bound import tokens_bound
from agentspend.sandbox.gemini.code_assist import CODE_ASSIST, opened
from agentspend.sandbox.gemini.dialect import GEMINI
from tests.dialects.fuzzing import JSON_VALUES, RECORDED, TEXTS, dumped, shapes
from tests.dialects.gemini.test_request import MINIMAL, MODEL, asking, configured, saying
from tests.dialects.spoken import COUNTS, EVENT_STREAM, JSON, Spoken, as_events, minus

WORDS = ["TEXT", "AUDIO", "image/png", "audio/wav", "gs://x"]
KEYS = ["parts", "text", "inlineData", "inline_data", "mimeType", "data", "role", "googleSearch",
        "functionDeclarations", "thinkingBudget", "functionResponse", "fileData"]  # fmt: skip
SHAPES = shapes(WORDS, KEYS)
WILD = st.dictionaries(
    st.sampled_from([*sorted(KNOWN), "generation_config", "system_instruction"]), SHAPES, max_size=6
)
CONFIGS = st.dictionaries(st.sampled_from([*sorted(SETTINGS), "max_output_tokens"]), SHAPES)
REQUESTS = st.fixed_dictionaries(
    {
        "contents": st.lists(
            st.fixed_dictionaries(
                {
                    "role": st.sampled_from(["user", "model"]),
                    "parts": st.lists(st.fixed_dictionaries({"text": TEXTS}), max_size=3),
                }
            ),
            min_size=1,
            max_size=4,
        )
    },
    optional={
        "systemInstruction": st.fixed_dictionaries({"parts": st.just([{"text": "be brief"}])}),
        "tools": st.lists(
            st.fixed_dictionaries(
                {"functionDeclarations": st.lists(st.fixed_dictionaries({"name": TEXTS}))}
            ),
            max_size=2,
        ),
        "generationConfig": st.fixed_dictionaries(
            {}, optional={"maxOutputTokens": st.integers(1, 65_536), "responseSchema": JSON_VALUES}
        ),
    },
)
USAGES = st.dictionaries(
    st.sampled_from(
        ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount",
         "toolUsePromptTokenCount", "cachedContentTokenCount", "newTokenCount"]
    ),
    COUNTS,
)  # fmt: skip
CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "candidates": st.none()
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "content": st.fixed_dictionaries(
                        {"parts": st.lists(st.fixed_dictionaries({"text": TEXTS}), max_size=2)}
                    ),
                    "finishReason": st.sampled_from(["STOP", "MAX_TOKENS"]),
                    "groundingMetadata": JSON_VALUES,
                },
            ),
            max_size=2,
        ),
        "usageMetadata": st.none() | USAGES,
        "modelVersion": TEXTS,
        "promptFeedback": JSON_VALUES,
        "error": st.just({"code": 1}),
    },
)


def _once(
    found: tuple[list[dict[str, Any]], dict[str, Any]],
    sent: Callable[[dict[str, Any]], dict[str, Any]] = lambda chunk: chunk,
) -> bytes:
    """As the API sends it: a finish reason in the last chunk only."""
    before = json.loads(json.dumps(found[0]))
    for each in before:
        each.pop("promptFeedback", None)
        for candidate in each.get("candidates") or ():
            candidate.pop("finishReason", None)
    return as_events([dumped(sent(each)) for each in [*before, found[1]]])


LONG = {
    "systemInstruction": {"parts": [{"text": "be brief"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "look"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "read", "args": {"path": "x"}}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "read", "response": {"text": "it"}}}, {"text": "go on"},
        ]},
    ],
    "tools": [{"functionDeclarations": [{"name": "read", "description": "reads"}]}],
    "generationConfig": {"maxOutputTokens": 900, "candidateCount": 2,
                         "thinkingConfig": {"thinkingBudget": 100}},
}  # fmt: skip


def _enclosed(inner: bytes) -> bytes:
    """A request in the envelope of Code Assist."""
    return b'{"model":"%b","project":"p","request":%b}' % (MODEL.encode(), inner)


def _in_turn(chunk: dict[str, Any]) -> dict[str, Any]:
    """A chunk in an envelope; one with an error stands bare."""
    return chunk if "error" in chunk else {"response": chunk, "traceId": "t"}


MATERIAL = Spoken(
    dialect=Gemini(),
    provider=GEMINI,
    requests=REQUESTS,
    wild=st.tuples(WILD, CONFIGS).map(
        lambda it: [
            dumped(it[0], ascii_only=True), asking(**minus(it[0], MINIMAL)), configured(**it[1]),
        ]
    ),
    recorded=[dumped(each["body"]) for each in RECORDED if "Content" in each["path"]],
    turns="contents",
    nests=[
        saying({"text": "@"}), asking(contents="@"), asking(tools="@", systemInstruction="@"),
        configured(thinkingConfig="@"), configured(responseModalities="@"),
    ],
    openings=["[", '{"a":', '{"parts":['],
    broken=st.lists(CHUNKS.map(dumped) | st.sampled_from([b"{", b"7", b""]), max_size=5).map(
        as_events
    )
    | st.lists(CHUNKS, max_size=5).map(lambda chunks: json.dumps(chunks, indent=1).encode()),
    ending=st.tuples(st.lists(CHUNKS, max_size=4), CHUNKS).map(_once),
    answers=CHUNKS.map(dumped) | st.binary(max_size=200),
    weight=lambda text: tokens_bound(text.encode()),
    seeds=[asking(), dumped(LONG)],
    model=MODEL,
    kinds=(EVENT_STREAM, JSON),
)  # fmt: skip
ENCLOSED = replace(
    MATERIAL,
    dialect=CodeAssist(),
    provider=CODE_ASSIST,
    requests=REQUESTS.map(lambda it: {"model": MODEL, "project": "p", "request": it}),
    wild=MATERIAL.wild.map(lambda bodies: [*map(_enclosed, bodies), *bodies]),
    recorded=[_enclosed(body) for body in MATERIAL.recorded],
    turns="request.contents",
    nests=[_enclosed(body) for body in MATERIAL.nests],
    broken=st.lists(CHUNKS.map(_in_turn).map(dumped) | st.sampled_from([b"{", b"7"])).map(
        as_events
    ),
    ending=st.tuples(st.lists(CHUNKS, max_size=4), CHUNKS).map(lambda it: _once(it, _in_turn)),
    answers=CHUNKS.map(_in_turn).map(dumped) | st.binary(max_size=200),
    seeds=[_enclosed(body) for body in MATERIAL.seeds],
    model="",
    kinds=(EVENT_STREAM,),
    opened=opened,
)
