"""What stands in a request's messages, system and tools: images, cache marks, foreign input.

Where a shape is not understood, the dearest reading of it is taken.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agentspend.core.limits import (
    DEFAULT_SERVER_TOOL_USES,
    MAX_SEALED_TOKENS,
    TOKENS_FOR_TOOLS,
    TOKENS_PER_MESSAGE,
)
from agentspend.dialects.anthropic.shapes import (
    BLOCKS,
    MESSAGE,
    RESULT,
    TOOL_CHANGE,
    TOOLS,
    Block,
    CacheControl,
    Source,
    Tool,
)
from agentspend.dialects.base import BadRequest
from agentspend.dialects.fields import LIST
from agentspend.dialects.images import image_tokens, payload_weight
from agentspend.dialects.json_parts import UNREADABLE

# Tools the client runs but the provider describes to the model, in words of its own.
CLIENT_TOOLS = ("bash_", "text_editor_", "computer_", "memory_")
# Tools the provider runs whose whole price is tokens and searches. Code execution is billed by
# the time its container lives.
PRICED_SERVER_TOOLS = ("web_search_", "web_fetch_", "tool_search_tool_", "advisor_", "mcp_toolset")
LOCAL_SOURCES = frozenset({"base64", "text", "content", ""})
LOCAL_BLOCKS = frozenset(
    {
        "text", "image", "tool_use", "thinking", "redacted_thinking", "search_result",
        "server_tool_use", "mcp_tool_use", "tool_reference", "web_search_result", "compaction",
        "tool_removal", "mcp_tool_listing", "fallback",
    }
)  # fmt: skip
_MARK = re.compile(b'"cache_control"')
MAX_NESTING = 4
MAX_ADVICE_TOKENS = 128_000
"""Of one advice whose tool names no limit: Claude's models write no more at once."""

# A letter, digit or underscore written as an escape. No encoder does that: it hides a word.
_HIDDEN_WORD = re.compile(rb"(?<!\\)(?:\\\\)*\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")


def first_mark(raw: bytes) -> int:
    """Where the first cache mark of a piece stands, -1 where there is none.

    Looked for once for each message, because it takes 0.12 ms in 420 KB (`find` takes 0.2 ms).
    """
    found = _MARK.search(raw)
    return -1 if found is None else found.start()


@dataclass(slots=True)
class Contents:
    """What was found so far, in a request to `model`. `bound` is the token bound of a piece of
    JSON; `escapes` says that the request writes characters as `\\uXXXX`.

    `remote_input`: input that is not in the body. `added_tokens`: the most that what was read adds
    to a prompt beside its own bytes, `sealed_tokens` the part of it for files, `linked_tokens` that
    for images at an address. `ttl`: the dearest cache write asked for. `advice_tokens`: the most
    that models write which this one may ask.
    """

    model: str
    bound: Callable[[bytes], int]
    escapes: bool = True
    added_tokens: int = 0
    sealed_tokens: int = 0
    linked_tokens: int = 0
    ttl: str = ""
    remote_input: bool = False
    server_tool_uses: int = 0
    web_searches: int = 0
    models: tuple[str, ...] = ()
    advice_tokens: int = 0
    unpriceable: list[str] = field(default_factory=list)
    tools: Sequence[tuple[str, bytes]] = ()

    def read_message(self, raw: bytes, mark_at: int) -> int:
        """The most tokens one turn can be; raises `BadRequest` when it is not an object.

        `mark_at` is `first_mark(raw)`.
        """
        if raw[:1] != b"{":
            raise BadRequest("messages: each must be an object")
        before = self.added_tokens
        try:
            content = MESSAGE.decode(raw).content
        except UNREADABLE:
            self._read_strange(raw)
        else:
            if isinstance(content, list):
                self._read_blocks(content, 0)
        return self.weigh(raw, mark_at) + TOKENS_PER_MESSAGE + self.added_tokens - before

    def read_content(self, raw: bytes, nesting: int = 0) -> None:
        """The system prompt's or a tool result's content: text, or a list of blocks."""
        if raw[:1] != b"[":
            return
        try:
            blocks = BLOCKS.decode(raw)
        except UNREADABLE:
            self._read_strange(raw)
        else:
            self._read_blocks(blocks, nesting)

    def read_tools(self, raw: bytes) -> None:
        """The tool list; tools the provider runs add input of their own."""
        self.added_tokens += TOKENS_FOR_TOOLS
        try:
            tools = TOOLS.decode(raw)
            raws = [bytes(item) for item in LIST.decode(raw)]
        except UNREADABLE:
            self._read_strange(raw)
            self.unpriceable.append("tools")
            return
        named = [(tool.name, item) for tool, item in zip(tools, raws, strict=True)]
        self.tools = [*self.tools, *named]
        for tool in tools:
            self.mark(tool.cache_control)
            self._read_tool(tool)

    def weigh(self, raw: bytes, mark_at: int) -> int:
        """The bound of a piece's own bytes. Takes note of cache marks wherever they stand.

        `mark_at` is `first_mark(raw)`: a mark's lifetime stands after its name.
        """
        if mark_at >= 0:
            self.mark(CacheControl("5m" if raw.find(b'"1h"', mark_at) < 0 else "1h"))
        if self.escapes and self.ttl != "1h" and _HIDDEN_WORD.search(raw):
            self.ttl = "1h"
        return self.bound(raw)

    def mark(self, control: CacheControl | None) -> None:
        """One cache mark; a lifetime nobody has a price for is the dearest, and said."""
        if control is None:
            return
        lifetime = control.ttl or "5m"
        if lifetime not in ("5m", "1h"):
            self.unpriceable.append("cache_control.ttl")
        if self.ttl != "1h":
            self.ttl = "5m" if lifetime == "5m" else "1h"

    def _read_blocks(self, blocks: Sequence[Block], nesting: int) -> None:
        for block in blocks:
            kind = block.type
            self.mark(block.cache_control)
            source = block.source if isinstance(block.source, Source) else None
            lies_elsewhere = source is not None and source.type not in LOCAL_SOURCES
            if kind == "image":  # wherever it lies, it is no more than the largest
                self.added_tokens += self._image(source)
                lies_elsewhere = False
            elif kind == "tool_reference":
                self._read_reference(block.tool_name)
            elif kind == "tool_addition":
                self._read_addition(bytes(block.tool))
            elif kind in ("document", "search_result"):
                self._read_document(block, source, nesting)
            elif kind not in LOCAL_BLOCKS and not kind.endswith("tool_result"):
                lies_elsewhere = True
            named = isinstance(block.source, str) and kind != "search_result"
            self.remote_input = self.remote_input or lies_elsewhere or named
            self._read_inner(bytes(block.content), nesting)

    def _image(self, source: Source | None) -> int:
        """What an image adds: its cap, less what its payload was counted for."""
        if source is not None and source.type == "file":  # its id leads to no other
            return image_tokens(self.model)
        if source is None or source.type != "base64":
            self.linked_tokens += image_tokens(self.model)
            return image_tokens(self.model)
        payload = bytes(source.data)[1:-1]
        return image_tokens(self.model) - payload_weight(payload, self.bound(b"0"))

    def _read_document(self, block: Block, source: Source | None, nesting: int) -> None:
        """A PDF's tokens are not in its bytes; nor are the marks around what may be cited.

        Of a search result the source is only its name.
        """
        is_file = block.type == "document"
        if source is not None:
            is_file = source.type not in ("text", "content")
            self._read_inner(bytes(source.content), nesting)
        if is_file or bytes(block.citations) not in (b"", b"null"):
            self.added_tokens += MAX_SEALED_TOKENS
            self.sealed_tokens += MAX_SEALED_TOKENS

    def _read_inner(self, content: bytes, nesting: int) -> None:
        """What stands inside a block: a list of blocks, or what a tool of the provider brought."""
        if content[:1] not in (b"[", b"{"):
            return
        if nesting == MAX_NESTING:
            self._read_strange(content)
        elif content[:1] == b"[":
            self.read_content(content, nesting + 1)
        else:
            self._read_result(content, nesting + 1)

    def _read_result(self, raw: bytes, nesting: int) -> None:
        """A result that is an object: a fetched document in it is as long as its pages are."""
        try:
            result = RESULT.decode(raw)
        except UNREADABLE:
            self._read_strange(raw)
            return
        if result.source is not None:
            self._read_blocks([result], nesting)
            return
        for reference in result.tool_references:
            self._read_reference(reference.tool_name)
        self._read_inner(bytes(result.content), nesting)

    def _read_reference(self, name: str) -> None:
        """A tool named in the conversation: its definition may be read again at that point."""
        sizes = [self.bound(raw) for known, raw in self.tools if known == name]
        if sizes:
            self.added_tokens += max(sizes)
        else:
            self.remote_input = True

    def _read_addition(self, raw: bytes) -> None:
        """A tool that is offered from this message on: listed before, or defined here."""
        try:
            change = TOOL_CHANGE.decode(raw)
        except UNREADABLE:
            self._read_strange(raw)
            self.unpriceable.append("tool_addition")
            return
        if change.definition:
            self.read_tools(b"[" + change.definition + b"]")
        elif change.type == "tool_reference":
            self._read_reference(change.name)
        else:
            self.remote_input = True

    def _read_tool(self, tool: Tool) -> None:
        if tool.type in (None, "custom"):
            return
        if tool.type.startswith(CLIENT_TOOLS):
            self.added_tokens += TOKENS_FOR_TOOLS
            return
        uses = DEFAULT_SERVER_TOOL_USES if tool.max_uses is None else max(0, tool.max_uses)
        self.remote_input = True
        self.server_tool_uses += uses
        if tool.type.startswith("web_search"):
            self.web_searches += uses
        if tool.model:  # it reads the prompt itself, and its advice is read with it again
            self.models += (tool.model,)
            self.server_tool_uses += uses
            self.advice_tokens += uses * (tool.max_tokens or MAX_ADVICE_TOKENS)
            self.mark(tool.caching)
        if not tool.type.startswith(PRICED_SERVER_TOOLS):
            self.unpriceable.append(f"tools.{tool.type}")

    def _read_strange(self, raw: bytes) -> None:
        """A shape nobody here knows: only the window bounds it, and its marks are the dearest."""
        self.remote_input = True
        if b"cache" in raw or b"\\u" in raw:
            self.ttl = "1h"
