"""The parts of an Anthropic request that matter for money, as far as they are decoded.

A field of type Raw is left as bytes; empty bytes mean that it was not there.
"""

import msgspec

ABSENT = msgspec.Raw(b"")


class CacheControl(msgspec.Struct):
    """A cache breakpoint; `ttl` is "5m" when unsaid."""

    ttl: str | None = None


class Source(msgspec.Struct):
    """Where an image or document comes from: base64, text, url, file, content."""

    type: str = ""
    content: msgspec.Raw = ABSENT
    data: msgspec.Raw = ABSENT


class Block(msgspec.Struct):
    """One content block; nested content (tool results) is decoded when it is a list."""

    type: str = ""
    cache_control: CacheControl | None = None
    source: Source | str | None = None
    content: msgspec.Raw = ABSENT
    citations: msgspec.Raw = ABSENT
    tool_name: str = ""
    tool: msgspec.Raw = ABSENT


class Result(Block):
    """What a tool of the provider's brought; `tool_references` name tools that were found."""

    tool_references: list[Block] = []


class Message(msgspec.Struct):
    """One turn."""

    content: list[Block] | str | None = None


class Tool(msgspec.Struct):
    """One tool; `type` is None or "custom" for those the client runs.

    `model` and `max_tokens` are an advisor's, `caching` what its own prompt is kept for.
    """

    type: str | None = None
    name: str = ""
    max_uses: int | None = None
    model: str | None = None
    max_tokens: int | None = None
    caching: CacheControl | None = None
    cache_control: CacheControl | None = None


class ToolChange(msgspec.Struct):
    """A tool that a message adds: one by its `name`, or a new one (`definition`)."""

    type: str = ""
    name: str = ""
    definition: msgspec.Raw = ABSENT


class Thinking(msgspec.Struct):
    """Extended thinking; adaptive thinking names no budget."""

    type: str = ""
    budget_tokens: int = 0


class Thread(msgspec.Struct):
    """A conversation that the provider keeps: "create" begins one with this request."""

    type: str = ""


class Edit(msgspec.Struct):
    """One context-management edit."""

    type: str = ""


class ContextManagement(msgspec.Struct):
    """Edits the provider applies to the conversation."""

    edits: list[Edit] = msgspec.field(default_factory=list)


BLOCKS = msgspec.json.Decoder(list[Block])
RESULT = msgspec.json.Decoder(Result)
MESSAGE = msgspec.json.Decoder(Message)
TOOL_CHANGE = msgspec.json.Decoder(ToolChange)
TOOLS = msgspec.json.Decoder(list[Tool])
CACHE_CONTROL = msgspec.json.Decoder(CacheControl)
THINKING = msgspec.json.Decoder(Thinking)
THREAD = msgspec.json.Decoder(Thread)
CONTEXT = msgspec.json.Decoder(ContextManagement)
FALLBACKS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
