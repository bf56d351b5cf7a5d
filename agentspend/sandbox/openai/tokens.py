"""How many tokens a request to OpenAI has: an exact count, additive over messages and items.

Both shapes count by the same rules: text by a byte-wise rule, so that no prompt ever counts above
the UTF-8 bytes of its body (pictures given as addresses aside, whose pixels are not in it).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agentspend.sandbox.checks import dicts, dig
from agentspend.sandbox.rules import Segment, TokenRule, signed_tokens

MESSAGE_TOKENS = 4
"""Framing of a user, system or tool turn. The model's own framing was billed as its output."""
_IMAGE_TOKENS = 1_500
_FILE_TOKENS = 2_400
_TEXTS = ("text", "input_text", "output_text", "summary_text", "reasoning_text")
_LIFETIMES_S = {"30m": 1_800, "12h": 43_200}
_encode = msgspec.json.Encoder().encode


def count_prompt(body: Mapping[str, Any], rule: TokenRule) -> int:
    """Tokens of a whole request."""
    return sum(piece.tokens for piece in segments(body, rule))


def segments(body: Mapping[str, Any], rule: TokenRule) -> Iterator[Segment]:
    """The request piece by piece, in the order the model reads it."""
    life_s = lifetime_s(body)
    for tool in dicts(body.get("tools")):
        yield _plain("tool", tool, rule)
    for wanted in (body.get("response_format"), dig(body, "text", "format")):
        if isinstance(wanted, dict):
            yield _plain("format", wanted, rule)
    if isinstance(body.get("instructions"), str):
        yield _text("system", body["instructions"], rule, MESSAGE_TOKENS)
    if isinstance(body.get("input"), str):
        yield _text("user", body["input"], rule, MESSAGE_TOKENS)
    for name in ("messages", "input"):
        for item in dicts(body.get(name)):
            yield from _item(item, rule, life_s)


def lifetime_s(body: Mapping[str, Any]) -> int:
    """How long a cache breakpoint of this request lives, in seconds."""
    asked = dig(body, "prompt_cache_options", "ttl")
    return _LIFETIMES_S.get(asked, 1_800) if isinstance(asked, str) else 1_800


def _item(item: Mapping[str, Any], rule: TokenRule, life_s: int) -> Iterator[Segment]:
    """One message, or one item of a Responses input."""
    kind = str(item.get("type"))
    if kind == "additional_tools":
        for tool in dicts(item.get("tools")):
            yield _plain("tool", tool, rule)
    elif kind == "reasoning":
        yield Segment(_reasoning_tokens(item, rule), _encode(item))
    elif kind.endswith("_call"):
        yield Segment(_call_tokens(item, rule), _encode(item))
    elif kind.endswith("_call_output"):
        yield from _content(kind, item.get("output"), rule, MESSAGE_TOKENS, life_s)
    elif "role" in item:
        yield from _message(item, rule, life_s)
    else:
        yield _plain(kind, item, rule)


def _message(item: Mapping[str, Any], rule: TokenRule, life_s: int) -> Iterator[Segment]:
    role = str(item["role"])
    framing = 0 if role == "assistant" else MESSAGE_TOKENS
    yield from _content(role, item.get("content"), rule, framing, life_s)
    if isinstance(item.get("refusal"), str):
        yield _text(role, item["refusal"], rule, 0)
    for call in dicts(item.get("tool_calls")):
        for kind in ("function", "custom"):
            inner = call.get(kind)
            if isinstance(inner, dict):
                yield Segment(_call_tokens(inner, rule), _encode(inner))


def _content(
    role: str, content: object, rule: TokenRule, framing: int, life_s: int
) -> Iterator[Segment]:
    if isinstance(content, str):
        yield _text(role, content, rule, framing)
        return
    for part in dicts(content):
        ttl_s = life_s if part.get("prompt_cache_breakpoint") else 0
        tokens = framing + _part_tokens(part, rule)
        yield Segment(tokens, role.encode() + _encode(part), ttl_s)
        framing = 0
    if framing:
        yield Segment(framing, role.encode())


def _part_tokens(part: Mapping[str, Any], rule: TokenRule) -> int:
    kind = part.get("type")
    if kind in _TEXTS:
        return rule.count(str(part.get("text", "")))
    if kind == "refusal":
        return rule.count(str(part.get("refusal", "")))
    if kind in ("image_url", "input_image"):
        return _IMAGE_TOKENS if _is_remote(part) else min(_IMAGE_TOKENS, len(_encode(part)))
    if kind in ("file", "input_file"):
        return min(_FILE_TOKENS, len(_encode(part)))
    return rule.count(_encode(part).decode())


def _is_remote(part: Mapping[str, Any]) -> bool:
    address = dig(part, "image_url", "url") or part.get("image_url")
    return isinstance(address, str) and address.startswith(("http://", "https://"))


def _call_tokens(call: Mapping[str, Any], rule: TokenRule) -> int:
    """A call counts as what was generated for it: its name and its arguments."""
    given = call.get("arguments", call.get("input", ""))
    words = given if isinstance(given, str) else _encode(given).decode()
    return rule.count(str(call.get("name", ""))) + rule.count(words)


def _reasoning_tokens(item: Mapping[str, Any], rule: TokenRule) -> int:
    """Sent back, reasoning counts at most what it was billed as."""
    sealed = item.get("encrypted_content")
    if isinstance(sealed, str):
        tokens = signed_tokens(sealed)
        return rule.count(sealed) if tokens is None else min(tokens, len(sealed))
    return sum(_part_tokens(part, rule) for part in dicts(item.get("summary")))


def _plain(role: str, value: Mapping[str, Any], rule: TokenRule) -> Segment:
    raw = _encode(value)
    return Segment(rule.count(raw.decode()), role.encode() + raw)


def _text(role: str, words: str, rule: TokenRule, framing: int) -> Segment:
    payload = role.encode() + words.encode("utf-8", "surrogatepass")
    return Segment(framing + rule.count(words), payload)
