"""What an answer says: blocks of text, thinking and tool calls that fit an output limit.

Owns the words and how many output tokens each block is. A block sent back in a later request
never counts above the output tokens it was billed as. Pure: chance comes from the `Random` given.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import msgspec

from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.tokens import TokenRule, block_tokens, sign

_DEFAULT_OUTPUT = (16, 1_024)
_FILLER = (
    "def total(rows): return sum(row.amount for row in rows if row.kept)  # one pass, no copy. "
    "The change keeps the order of the rows and adds a test for the empty case. "
)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Block:
    """One content block. `text` is the words, or the JSON of a tool call's input."""

    kind: str
    text: str
    tokens: int
    name: str = ""
    ident: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """All blocks of an answer; `cut` when the output limit ended it."""

    blocks: tuple[Block, ...]
    tokens: int
    cut: bool


def compose(
    body: Mapping[str, Any], behaviour: Behaviour, rule: TokenRule, limit: int, chance: Random
) -> Content:
    """Write an answer of at most `limit` output tokens."""
    scripted = behaviour.answer or _asked_json(body)
    wanted = _wanted(behaviour, chance)
    if scripted:
        blocks = [_scripted(block, rule, chance) for block in scripted]
        natural = sum(block.tokens for block in blocks) + behaviour.thinking_tokens
        total = max(wanted or 0, natural, 1)
        thinking = behaviour.thinking_tokens
    else:
        total = wanted if wanted is not None else _log_uniform(chance, *_DEFAULT_OUTPUT)
        thinking = min(behaviour.thinking_tokens, total)
        words = total - thinking
        blocks = [Block("text", _filler(rule.text_bytes(words), chance), words)] if words else []
    if thinking:
        blocks.insert(0, _thinking(body, thinking, rule, chance))
    if total <= limit:
        return Content(tuple(blocks), total, cut=False)
    return Content(tuple(_shorten(blocks, limit, rule)), limit, cut=True)


def _wanted(behaviour: Behaviour, chance: Random) -> int | None:
    wanted = behaviour.output_tokens
    return chance.randint(*wanted) if isinstance(wanted, tuple) else wanted


def _log_uniform(chance: Random, low: int, high: int) -> int:
    """Short answers are common and long ones happen, as in real sessions."""
    drawn = low * math.exp(chance.random() * math.log(high / low))
    return max(low, min(high, round(drawn)))


def _filler(length: int, chance: Random) -> str:
    start = chance.randrange(len(_FILLER))
    return (_FILLER * (length // len(_FILLER) + 2))[start : start + length]


def _thinking(body: Mapping[str, Any], tokens: int, rule: TokenRule, chance: Random) -> Block:
    asked = body.get("thinking")
    hidden = isinstance(asked, dict) and asked.get("display") == "omitted"
    words = "" if hidden else _filler(rule.text_bytes(tokens) // 4, chance)
    return Block("thinking", words, tokens, signature=sign(tokens, rule))


def _scripted(block: Mapping[str, Any], rule: TokenRule, chance: Random) -> Block:
    if block.get("type") == "tool_use":
        ident = f"toolu_{chance.getrandbits(96):024x}"
        arguments = _encode(block.get("input") or {}).decode()
        return Block("tool_use", arguments, block_tokens(block, rule), str(block["name"]), ident)
    return Block("text", str(block.get("text", "")), block_tokens(block, rule))


def _asked_json(body: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """An answer for a request with a `json_schema` output format (Claude Code's title call)."""
    config = body.get("output_config")
    asked = config.get("format") if isinstance(config, dict) else None
    if not isinstance(asked, dict) or asked.get("type") != "json_schema":
        return ()
    value = example(asked.get("schema") or {})
    return ({"type": "text", "text": _encode(value).decode()},)


def asks_json(body: Mapping[str, Any]) -> bool:
    """True for side calls such as the session title, which ask for a `json_schema` answer."""
    return bool(_asked_json(body))


def example(schema: Mapping[str, Any]) -> Any:
    """The smallest sensible value of a JSON schema."""
    if schema.get("enum"):
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            known = schema.get("properties") or {}
            return {name: example(known[name]) for name in known}
        case "array":
            return [example(schema.get("items") or {})]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return "Sandbox session"


def _shorten(blocks: Sequence[Block], limit: int, rule: TokenRule) -> list[Block]:
    """The blocks up to `limit` tokens. The last ends in its middle, a tool call in half JSON."""
    kept: list[Block] = []
    left = limit
    for block in blocks:
        if left <= 0:
            break
        if block.tokens > left:
            words = block.text[: len(block.text) * left // block.tokens]
            signature = sign(left, rule) if block.signature else ""
            kept.append(replace(block, text=words, tokens=left, signature=signature))
            break
        kept.append(block)
        left -= block.tokens
    return kept
