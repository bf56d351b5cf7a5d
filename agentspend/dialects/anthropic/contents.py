"""What stands in a request's messages, system and tools: images, cache marks, foreign input."""

from dataclasses import dataclass

import msgspec

from agentspend.core.limits import DEFAULT_SERVER_TOOL_USES, MAX_IMAGE_TOKENS
from agentspend.dialects.anthropic.shapes import BLOCKS, TEXT, TOOLS, Block, CacheControl, Tool

CLIENT_TOOLS = ("bash_", "text_editor_", "computer_", "memory_")
LOCAL_SOURCES = frozenset({"base64", "text", "content", ""})


@dataclass(slots=True)
class Contents:
    """What was found so far. `remote_input`: input that is not in the body."""

    images: int = 0
    ttl: str = ""
    remote_input: bool = False
    server_tool_uses: int = 0
    web_searches: int = 0
    models: tuple[str, ...] = ()

    @property
    def image_tokens(self) -> int:
        """The most the images can be (pricing study §4.5)."""
        return self.images * MAX_IMAGE_TOKENS

    def read_content(self, raw: bytes) -> None:
        """A message's or the system prompt's content: text, or a list of blocks."""
        if raw[:1] == b'"':
            TEXT.decode(raw)
            return
        try:
            blocks = BLOCKS.decode(raw)
        except msgspec.ValidationError:
            self.remote_input = True
            return
        for block in blocks:
            self._read_block(block)

    def read_tools(self, raw: bytes) -> None:
        """The tool list; tools the provider runs add input of their own."""
        try:
            tools = TOOLS.decode(raw)
        except msgspec.ValidationError:
            self.remote_input = True
            return
        for tool in tools:
            self._mark(tool.cache_control)
            self._read_tool(tool)

    def _read_block(self, block: Block) -> None:
        self._mark(block.cache_control)
        if block.type == "image":
            self.images += 1
        if block.type == "document":
            self.remote_input = True
        if block.source is not None and block.source.type not in LOCAL_SOURCES:
            self.remote_input = True
        if bytes(block.content)[:1] == b"[":
            self.read_content(bytes(block.content))

    def _read_tool(self, tool: Tool) -> None:
        if tool.type in (None, "custom") or tool.type.startswith(CLIENT_TOOLS):
            return
        uses = DEFAULT_SERVER_TOOL_USES if tool.max_uses is None else tool.max_uses
        self.remote_input = True
        self.server_tool_uses += uses
        if tool.type.startswith("web_search"):
            self.web_searches += uses
        if tool.model:
            self.models += (tool.model,)

    def _mark(self, control: CacheControl | None) -> None:
        if control is not None and self.ttl != "1h":
            self.ttl = "1h" if control.ttl == "1h" else "5m"
