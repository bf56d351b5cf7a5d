"""How many tokens a Messages request has: an exact count, additive over messages.

A conversation that grows counts as before plus what was added, since tokens never merge across
messages.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agentspend.sandbox.rules import Segment, TokenRule, signed_tokens

MESSAGE_TOKENS = 3
"""Framing of a user or system turn. An assistant turn's framing was billed as its output."""
_TOOL_PROMPT_TOKENS = 346
_IMAGE_TOKENS = 1_600
_PAGE_TOKENS = 2_400
_encode = msgspec.json.Encoder().encode


def count_prompt(body: Mapping[str, Any], rule: TokenRule) -> int:
    """Tokens of a whole request: tools, system, messages."""
    total = _tool_prompt(body, rule)
    total += sum(rule.count(_json(tool)) for tool in body.get("tools") or ())
    total += sum(block_tokens(block, rule) for block in _blocks(body.get("system")))
    for message in body["messages"]:
        total += 0 if message.get("role") == "assistant" else MESSAGE_TOKENS
        total += sum(block_tokens(block, rule) for block in _blocks(message.get("content")))
    return total


def segments(body: Mapping[str, Any], rule: TokenRule) -> Iterator[Segment]:
    """The same count, piece by piece, for the prompt cache: the tokens add up to the prompt's."""
    extra = _tool_prompt(body, rule)
    if extra:
        yield Segment(extra, b"tool prompt", 0)
    for tool in body.get("tools") or ():
        yield _segment("tool", tool, rule.count(_json(tool)))
    for block in _blocks(body.get("system")):
        yield _segment("system", block, block_tokens(block, rule))
    for message in body["messages"]:
        role = str(message.get("role"))
        framing = 0 if role == "assistant" else MESSAGE_TOKENS
        for block in _blocks(message.get("content")):
            yield _segment(role, block, framing + block_tokens(block, rule))
            framing = 0
        if framing:
            yield Segment(framing, role.encode(), 0)


def block_tokens(block: Mapping[str, Any], rule: TokenRule) -> int:
    """Tokens of one content block."""
    match block.get("type"):
        case "text":
            return rule.count(str(block.get("text", "")))
        case "tool_use" | "server_tool_use":
            return rule.count(str(block.get("name", ""))) + rule.count(
                _encode(block.get("input")).decode()
            )
        case "tool_result":
            return sum(block_tokens(inner, rule) for inner in _blocks(block.get("content")))
        case "thinking" | "redacted_thinking":
            return _thinking_tokens(block, rule)
        case "image":
            return min(_IMAGE_TOKENS, 2 * len(_json(block)))
        case "document":
            return _document_tokens(block, rule)
        case _:
            return rule.count(_json(block))


def _thinking_tokens(block: Mapping[str, Any], rule: TokenRule) -> int:
    signature = str(block.get("signature") or block.get("data") or "")
    tokens = signed_tokens(signature)
    if tokens is not None:
        return min(tokens, 2 * len(signature))
    return rule.count(str(block.get("thinking", "")))


def _document_tokens(block: Mapping[str, Any], rule: TokenRule) -> int:
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        return rule.count(str(source.get("data", "")))
    return min(_PAGE_TOKENS, 2 * len(_json(block)))


def _tool_prompt(body: Mapping[str, Any], rule: TokenRule) -> int:
    """The provider's own words around tools and output formats, never above their size."""
    tokens = 0
    tools = body.get("tools")
    if tools:
        tokens += min(_TOOL_PROMPT_TOKENS, sum(len(_json(tool)) for tool in tools) // 4)
    config = body.get("output_config")
    if isinstance(config, dict) and config.get("format"):
        tokens += rule.count(_encode(config["format"]).decode())
    return tokens


def _segment(role: str, block: Mapping[str, Any], tokens: int) -> Segment:
    payload = role.encode() + _json(block).encode("utf-8", "surrogatepass")
    return Segment(tokens, payload, ttl_s(block))


def is_marked(body: Mapping[str, Any]) -> bool:
    """True when any part of the request asks to be cached."""
    turns = (message.get("content") for message in body["messages"])
    parts = (body.get("tools"), body.get("system"), *turns)
    return "cache_control" in body or any(
        "cache_control" in block
        for part in parts
        if isinstance(part, list)
        for block in part
        if isinstance(block, dict)
    )


def ttl_s(block: Mapping[str, Any]) -> int:
    """The cache lifetime a block asks for in seconds; 0 when it is not marked."""
    mark = block.get("cache_control")
    if not isinstance(mark, dict):
        return 0
    return 3600 if mark.get("ttl") == "1h" else 300


def _blocks(content: object) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [block for block in content if isinstance(block, dict)]
    return []


def _json(block: Mapping[str, Any]) -> str:
    if "cache_control" in block:
        block = {key: value for key, value in block.items() if key != "cache_control"}
    return _encode(block).decode()
