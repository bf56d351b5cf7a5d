"""Google Code Assist: the Gemini API in envelopes, for a Google login (Gemini CLI 0.61.0).

Owns the envelopes and what Gemini CLI asks for before its first prompt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.events import Step, encode, unnamed
from agentspend.sandbox.gemini import chunks
from agentspend.sandbox.gemini.dialect import GEMINI

_EVENT = b"data: "
_FREE: Mapping[str, dict[str, Any]] = {
    "loadCodeAssist": {
        "currentTier": {"id": "standard-tier", "name": "Gemini Code Assist"},
        "cloudaicompanionProject": "sandbox-project",
    },
    "retrieveUserQuota": {"buckets": []},
}


def opened(body: Mapping[str, Any]) -> dict[str, Any]:
    """The Gemini request in an envelope, with the model that the envelope names."""
    inner = body.get("request")
    return {**(inner if isinstance(inner, dict) else {}), "model": body.get("model")}


def free(path: str) -> dict[str, Any] | None:
    """What a call that asks for no answer gets; None for a path that is none."""
    _, found, method = path.rpartition("/v1internal:")
    return _FREE.get(method, {}) if found else None


def _enclosed(answer: Answer, response: bytes) -> dict[str, Any]:
    return {"response": msgspec.Raw(response), "traceId": answer.message_id}


def _whole(answer: Answer) -> bytes:
    return encode(_enclosed(answer, chunks.response_body(answer)))


def _stream(answer: Answer) -> Iterator[Step]:
    for step in chunks.stream(answer):
        response = step.data.removeprefix(_EVENT).strip()
        yield Step(unnamed(_enclosed(answer, response)), step.tokens)


CODE_ASSIST = replace(GEMINI, name="code_assist", key_headers=(), whole=_whole, stream=_stream)
