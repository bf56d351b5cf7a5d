"""Google Code Assist, which Gemini CLI speaks with a Google login: `/v1internal:generateContent`.

A Gemini request in an envelope that names the model, and answers in an envelope (Gemini CLI 0.61.0,
its bundle and the running program). Only a login opens it; the use is a subscription's.
"""
# ruff: noqa: ARG002 (one signature for all dialects)

from typing import Any

import msgspec
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.dialects.base import BadRequest
from agentspend.dialects.fields import (
    Fields,
    could_bring_input,
    could_cost,
    refuse_other_encodings,
)
from agentspend.dialects.gemini import Gemini, request
from agentspend.dialects.gemini.meter import GeminiMeter
from agentspend.dialects.json_parts import put_together, take_apart, with_model

INNER = "request"
ENVELOPE = frozenset({"model", "project", "user_prompt_id", INNER, "enabled_credit_types"})
SESSION = "session_id"
"""A name inside the inner request that brings nothing."""


class CodeAssist(Gemini):
    """Google Code Assist as `dialects.base.Dialect` asks for it.

    Its `countTokens` leaves tools and instructions out, so nothing is counted by it.
    """

    name = "code_assist"
    count_path = ""

    def read_request(
        self, body: bytes, *, in_nfc: bool = True, path_model: str = ""
    ) -> RequestFacts:
        """The facts of the request in the envelope; raises `BadRequest`."""
        refuse_other_encodings(body)
        fields = Fields(take_apart(body))
        model = fields.text("model").removeprefix("models/")
        inner = {name: raw for name, raw in _inner(fields.raw).items() if name != SESSION}
        facts = request.read_request(put_together(inner), model, self.vendor, in_nfc=in_nfc)
        unknown = [name.lower() for name in fields.unknown(ENVELOPE)]
        costly = [name for name in unknown if could_cost(name)]
        return replace(
            facts,
            remote_input=facts.remote_input or any(could_bring_input(each) for each in unknown),
            unpriceable=tuple(sorted({*facts.unpriceable, *costly})),
        )

    def meter(self, facts: RequestFacts, status: int, content_type: str) -> "CodeAssistMeter":
        """A meter for one response."""
        return CodeAssistMeter(facts, status, content_type)

    def with_max_output(self, body: bytes, tokens: int) -> bytes:
        """The same request with another `maxOutputTokens`."""
        parts = take_apart(body)
        inner = request.with_max_output(bytes(parts[INNER]), tokens)
        return put_together({**parts, INNER: msgspec.Raw(inner)})

    def with_model(self, body: bytes, model: str) -> bytes:
        """The same request to another model: the envelope names it."""
        return with_model(body, model)


class CodeAssistMeter(GeminiMeter):
    """Usage of one answer in its envelope, which names it by `traceId`."""

    def _read(self, message: Any, data: bytes) -> bool:
        inner = message.get("response") or {}
        outer = {name: message[name] for name in ("error",) if name in message}
        named = {"responseId": message["traceId"]} if message.get("traceId") else {}
        return super()._read({**inner, **named, **outer}, data)


def _inner(raw: dict[str, bytes]) -> dict[str, msgspec.Raw]:
    if INNER not in raw:
        raise BadRequest(f"{INNER}: Field required")
    return take_apart(raw[INNER])
