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
from agentspend.sandbox.checks import dicts, dig
from agentspend.sandbox.rules import TokenRule, sign

_DEFAULT_OUTPUT = (16, 1_024)
_FILLER = (
    "def total(rows): return sum(row.amount for row in rows if row.kept)  # one pass, no copy. "
    "The change keeps the order of the rows and adds a test for the empty case. "
)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Block:
    """One content block: `text`, `thinking`, `refusal`, `tool_use` or `custom_tool`. Its `text`
    is the words, or the JSON of a tool call's input (a custom tool's: as they are)."""

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
    body: Mapping[str, Any],
    behaviour: Behaviour,
    rule: TokenRule,
    limit: int,
    chance: Random,
    *,
    hidden: bool = False,
    custom: frozenset[str] = frozenset(),
) -> Content:
    """Write an answer of at most `limit` output tokens. `hidden` thinking has no words; `custom`
    are the tools that take plain text."""
    scripted = _said(body, behaviour)
    wanted = _wanted(behaviour, chance)
    if scripted:
        blocks = [_scripted(block, rule, chance, custom) for block in scripted]
        natural = sum(block.tokens for block in blocks) + behaviour.thinking_tokens
        total = max(wanted or 0, natural, 1)
        thinking = behaviour.thinking_tokens
    else:
        total = wanted if wanted is not None else _log_uniform(chance, *_DEFAULT_OUTPUT)
        thinking = min(behaviour.thinking_tokens, total)
        words = total - thinking
        blocks = [Block("text", _filler(rule.text_bytes(words), chance), words)] if words else []
    if thinking:
        blocks.insert(0, _thinking(thinking, rule, chance, hidden=hidden))
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


def _thinking(tokens: int, rule: TokenRule, chance: Random, *, hidden: bool) -> Block:
    words = "" if hidden else _filler(rule.text_bytes(tokens) // 4, chance)
    return Block("thinking", words, tokens, signature=sign(tokens, rule))


def _scripted(
    block: Mapping[str, Any], rule: TokenRule, chance: Random, custom: frozenset[str]
) -> Block:
    if block.get("type") != "tool_use":
        words = str(block.get("text", ""))
        return Block("text", words, rule.count(words))
    name, given = str(block["name"]), block.get("input") or {}
    ident = f"toolu_{chance.getrandbits(96):024x}"
    if name in custom:
        kind, said = "custom_tool", str(given.get("input", ""))
    else:
        kind, said = "tool_use", _encode(given).decode()
    return Block(kind, said, rule.count(name) + rule.count(said), name, ident)


def _said(body: Mapping[str, Any], behaviour: Behaviour) -> Sequence[dict[str, Any]]:
    """The answer told, but to a request that wants JSON and offers no tools (a title call, a
    router) never prose or a call: agents ask again without end for what they cannot read."""
    schema = asked_schema(body)
    if schema is None or (behaviour.answer and offers_tools(body)):
        return behaviour.answer
    words = "".join(str(block.get("text", "")) for block in behaviour.answer)
    try:
        msgspec.json.decode(words)
    except msgspec.DecodeError:
        return ({"type": "text", "text": _encode(example(schema)).decode()},)
    return behaviour.answer


def offers_tools(body: Mapping[str, Any]) -> bool:
    """Whether an answer may call a tool. Codex declares its own in an item of its input."""
    declared = (item.get("type") == "additional_tools" for item in dicts(body.get("input")))
    return bool(body.get("tools")) or any(declared)


def asks_json(body: Mapping[str, Any]) -> bool:
    """True for side calls such as a session's title or a router's choice, which want JSON."""
    return asked_schema(body) is not None


def asked_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema an answer must have, in whichever dialect it is asked for; None for prose."""
    for asked in (dig(body, "output_config", "format"), dig(body, "text", "format")):
        if dig(asked, "type") == "json_schema":
            return _mapping(asked.get("schema"))
    asked = body.get("response_format")
    if dig(asked, "type") in ("json_schema", "json_object"):
        return _mapping(dig(asked, "json_schema", "schema"))
    config = body.get("generationConfig")
    for name in ("responseJsonSchema", "responseSchema"):
        if dig(config, name):
            return _mapping(dig(config, name))
    return {} if dig(config, "responseMimeType") == "application/json" else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {"type": "object"}


def example(schema: Mapping[str, Any]) -> Any:
    """The smallest sensible value of a JSON schema; Gemini's has its types in capitals."""
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type")
    inner = schema.get("items")
    match kind.lower() if isinstance(kind, str) else kind:
        case "object":
            known = schema.get("properties")
            known = known if isinstance(known, dict) else {}
            return {name: example(_mapping(known[name])) for name in known}
        case "array":
            return [example(inner if isinstance(inner, dict) else {})]
        case "integer" | "number":
            low = schema.get("minimum")
            return low if isinstance(low, int) and not isinstance(low, bool) else 1
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
