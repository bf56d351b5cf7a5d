"""How many tokens a Gemini request has: an exact count, additive over contents."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agentspend.sandbox.checks import dicts, dig
from agentspend.sandbox.rules import Segment, TokenRule, signed_tokens

TURN_TOKENS = 3
"""Framing of a user turn. The model's own framing was billed as its output."""
_MEDIA_TOKENS = 1_120
_NO_SIGNATURE = "skip_thought_signature_validator"
"""What Gemini CLI puts where it has none: no thought, no token."""
_encode = msgspec.json.Encoder().encode


def count_prompt(body: Mapping[str, Any], rule: TokenRule) -> int:
    """Tokens of a whole request."""
    return sum(piece.tokens for piece in segments(body, rule))


def segments(body: Mapping[str, Any], rule: TokenRule) -> Iterator[Segment]:
    """The request piece by piece, in the order the model reads it."""
    for tool in dicts(body.get("tools")):
        yield _plain(tool, rule)
    for name in ("responseJsonSchema", "responseSchema"):
        wanted = dig(body, "generationConfig", name)
        if isinstance(wanted, dict):
            yield _plain(wanted, rule)
    system = body.get("systemInstruction", body.get("system_instruction"))
    for part in dicts(dig(system, "parts")):
        yield _part("system", part, rule, 0)
    for turn in dicts(body.get("contents")):
        role = str(turn.get("role", "user"))
        framing = 0 if role == "model" else TURN_TOKENS
        for part in dicts(turn.get("parts")):
            yield _part(role, part, rule, framing)
            framing = 0


def _part(role: str, part: Mapping[str, Any], rule: TokenRule, framing: int) -> Segment:
    return Segment(framing + _part_tokens(part, rule), role.encode() + _encode(part))


def _part_tokens(part: Mapping[str, Any], rule: TokenRule) -> int:
    """Shown thoughts are dropped when they come back; their signature counts in their place."""
    tokens = _signature_tokens(part, rule)
    if part.get("thought") is True:
        return tokens
    call = part.get("functionCall")
    if isinstance(call, dict):
        words = _encode(call.get("args") or {}).decode()
        return tokens + rule.count(str(call.get("name", ""))) + rule.count(words)
    if isinstance(part.get("text"), str):
        return tokens + rule.count(part["text"])
    if "inlineData" in part or "fileData" in part:
        return tokens + min(_MEDIA_TOKENS, len(_encode(part)))
    rest = {name: value for name, value in part.items() if name != "thoughtSignature"}
    return tokens + rule.count(_encode(rest).decode())


def _signature_tokens(part: Mapping[str, Any], rule: TokenRule) -> int:
    signature = part.get("thoughtSignature")
    if not isinstance(signature, str) or signature == _NO_SIGNATURE:
        return 0
    tokens = signed_tokens(signature)
    return rule.count(signature) if tokens is None else min(tokens, len(signature))


def _plain(value: Mapping[str, Any], rule: TokenRule) -> Segment:
    raw = _encode(value)
    return Segment(rule.count(raw.decode()), raw)
