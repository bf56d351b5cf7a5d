"""What stands in the contents and tools of OpenAI's two APIs: images, audio, foreign input.

Where a shape is not understood, the dearest reading of it is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from agentspend.core.limits import DEFAULT_SERVER_TOOL_USES, MAX_SEALED_TOKENS, TOKENS_FOR_TOOLS
from agentspend.dialects.fields import LIST
from agentspend.dialects.images import DATA_IMAGE, image_tokens, payload_weight
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.tokenizers import Bound

ABSENT = msgspec.Raw(b"")
LOCAL_PARTS = frozenset(
    {"text", "refusal", "input_text", "output_text", "summary_text", "reasoning_text", "thinking"}
)
FILE_PARTS = frozenset({"file", "input_file"})
IMAGE_PARTS = frozenset({"image_url", "input_image", "computer_screenshot"})
# Tools the client runs; a namespace only holds others.
CLIENT_TOOLS = frozenset(
    {"function", "custom", "namespace", "local_shell", "apply_patch", "computer_use_preview",
     "computer", "tool_search"}
)  # fmt: skip
LINKS = ("https://", "http://")
OPENAIS = frozenset({"openai", "azure"})
"""Who takes no cache marks of another vendor's, and whose models search only by the request's
tools."""
STEPS = {"openrouter": 30}
"""Whose reference says how many steps its tools take where a request does not."""
SEARCHES_FILES, SEARCH_PUSD = "x-ai", 10_000_000_000
"""Who searches attached files by a tool that nobody asked for, and what each search costs."""
READS_PAGES, PAGES_PUSD = "openrouter", 2_200_000_000_000
"""Who reads an attached file's pages for models that cannot, and what a thousand cost: the most
that its reader (Mistral's OCR, in the United States) takes."""
MAX_NESTING = 4
TOKENS_OF_A_LINE = 2
"""A line break in a tool's words is shown to the model as the start of a comment line."""


class _Image(msgspec.Struct):
    url: str = ""


class _File(msgspec.Struct):
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None


class _Part(_File):
    type: str = ""
    image_url: _Image | str | None = None
    file: _File | None = None


class _Tool(msgspec.Struct):
    type: str = "function"
    tools: msgspec.Raw = ABSENT
    environment: msgspec.Raw = ABSENT
    execution: str | None = None


_PARTS = msgspec.json.Decoder(list[_Part])
_TOOLS = msgspec.json.Decoder(list[_Tool])


@dataclass(slots=True)
class Parts:
    """What was found so far. `bound` is the token bound of a piece of JSON, `model` who reads it at
    this `vendor`. `tells_calls`: its answers tell what the provider's tools were called for, or
    what that cost.

    `remote_input`: input that is not in the body; `sealed_tokens`: what files in it are counted
    for, of which no more is known; `linked_tokens`: what images at an address are. `web_searches`,
    `preview_searches` and `file_searches`: kinds of tools the provider runs, asked for or not.
    `compacts`: it shortens the prompt, which takes a run.
    """

    model: str
    bound: Bound
    vendor: str
    tells_calls: bool = True
    files: int = 0
    sealed_tokens: int = 0
    linked_tokens: int = 0
    remote_input: bool = False
    audio: bool = False
    server_tools: int = 0
    web_searches: bool = False
    preview_searches: bool = False
    file_searches: bool = False
    compacts: bool = False
    unpriceable: list[str] = field(default_factory=list)

    def weigh(self, raw: bytes) -> int:
        """The bound of a piece's own bytes."""
        return self.bound(raw)

    def content(self, raw: bytes) -> int:
        """What a content adds to the bound of its bytes: images in place of their payload."""
        if raw[:1] != b"[":
            return 0
        try:
            parts = _PARTS.decode(raw)
        except UNREADABLE:
            self.remote_input = True
            return 0
        return sum(self._part(part) for part in parts)

    def image(self, url: str) -> int:
        """What an image adds: its cap, less what its payload was counted for."""
        if not url.startswith(DATA_IMAGE):
            linked = self.vendor in OPENAIS and url.startswith(LINKS)
            self.remote_input = self.remote_input or not linked
            self.linked_tokens += image_tokens(self.model)
            return image_tokens(self.model)
        return image_tokens(self.model) - payload_weight(url.encode(), self.bound(b"0"))

    def tools(self, raw: bytes, nesting: int = 0) -> int:
        """What a list of tools adds to the bound of its bytes; notes those the provider runs."""
        added = (TOKENS_FOR_TOOLS + TOKENS_OF_A_LINE * raw.count(b"\\n")) if nesting == 0 else 0
        try:
            tools = _TOOLS.decode(raw)
        except UNREADABLE:
            self.remote_input = True
            self.unpriceable.append("tools")
            return added
        if nesting == MAX_NESTING and tools:
            self.unpriceable.append("tools")
            return added
        for tool in tools:
            self._tool(tool)
            if tool.tools:
                self.tools(bytes(tool.tools), nesting + 1)
        return added

    def uses(self, at_most: int) -> int:
        """How often the provider may run a tool; `at_most` 0 where the request names no limit."""
        kinds = self.server_tools + self._searches()
        if not kinds:
            return 0
        return at_most or STEPS.get(self.vendor, DEFAULT_SERVER_TOOL_USES) * kinds

    def fees_pusd(self, uses: int) -> int:
        """What attached files can cost beside their tokens, where tools run so often."""
        pages = self.files * PAGES_PUSD if self.vendor == READS_PAGES else 0
        return pages + (uses * SEARCH_PUSD if self._searches() else 0)

    def _searches(self) -> bool:
        return self.files > 0 and self.vendor == SEARCHES_FILES

    def _part(self, part: _Part) -> int:
        if part.type in LOCAL_PARTS and part.image_url is None:
            return 0
        if part.type in IMAGE_PARTS and part.image_url is not None:
            url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
            return self.image(url)
        if part.type == "input_image" and part.file_id and self.vendor in OPENAIS:
            return image_tokens(self.model)
        if part.type in FILE_PARTS:
            return self._file(part.file or part)
        self.remote_input = True
        if "audio" in part.type:
            self.audio = True
        return 0

    def _file(self, file: _File) -> int:
        """A file in the body is read as the same tokens each time, by who does no more with it."""
        self.files += 1
        if self.vendor not in OPENAIS or file.file_id or file.file_url or not file.file_data:
            self.remote_input = True
            return 0
        self.sealed_tokens += MAX_SEALED_TOKENS
        return MAX_SEALED_TOKENS

    def _tool(self, tool: _Tool) -> None:
        kind = tool.type
        if kind == "tool_search" and tool.execution != "client":
            self.server_tools += 1  # it runs the model again, on tools that the body holds
            return
        if kind in CLIENT_TOOLS or (kind == "shell" and _is_local(tool.environment)):
            return
        self.remote_input = True
        self.server_tools += 1
        if kind == "mcp":
            return
        if kind.startswith("web_search_preview"):
            self.preview_searches = True
        elif kind.startswith("web_search"):
            self.web_searches = True
        elif kind == "file_search":
            self.file_searches = True
        elif self.tells_calls:
            self.unpriceable.append(f"tools.{kind}")
        if not self.tells_calls:
            self.unpriceable.append(f"tools.{kind}")


def _is_local(environment: msgspec.Raw) -> bool:
    """A shell without a container of the provider's."""
    raw = bytes(environment)
    return not raw or (b"container" not in raw and b"\\u" not in raw)


def raw_list(raw: bytes) -> Sequence[bytes]:
    """The items of a raw list; none where it is no list."""
    try:
        return [bytes(item) for item in LIST.decode(raw)]
    except UNREADABLE:
        return []
