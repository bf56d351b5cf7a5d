"""What stands in a Gemini request's contents and tools: images, audio, files, tools Google runs.

Where a shape is not understood, the dearest reading of it is taken.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from agentspend.core.limits import (
    DEFAULT_SERVER_TOOL_USES,
    MAX_SEALED_TOKENS,
    TOKENS_FOR_TOOLS,
    TOKENS_PER_MESSAGE,
)
from agentspend.dialects.base import BadRequest
from agentspend.dialects.fields import LIST
from agentspend.dialects.gemini.shapes import inner
from agentspend.dialects.images import image_tokens, payload_weight
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.tokenizers import Bound

LOCAL_PARTS = frozenset(
    {"text", "thought", "thoughtSignature", "functionCall", "functionResponse", "partMetadata"}
)
RESULT_PARTS = frozenset({"partMetadata"})
"""What may stand in a tool's result beside data; Vertex takes files there too."""
IMAGE = b'"image/'
PDF = b'"application/pdf"'
CLIENT_TOOLS = frozenset({"functionDeclarations", "computerUse"})
SEARCHES = frozenset({"googleSearch", "googleSearchRetrieval"})
# Tools Google runs whose whole price is tokens.
TOKEN_TOOLS = frozenset({"codeExecution", "urlContext"})


@dataclass(slots=True)
class Contents:
    """What was found so far. `bound` is the token bound of a piece of JSON, `model` who reads it.

    `remote_input`: input that is not in the body. `sealed_tokens`: what files in the body are
    counted for, of which no more is known. `server_tools`: kinds of tools Google runs.
    """

    model: str
    bound: Bound
    remote_input: bool = False
    sealed_tokens: int = 0
    audio: bool = False
    server_tools: int = 0
    searches: bool = False
    unpriceable: list[str] = field(default_factory=list)

    def turn(self, raw: bytes) -> int:
        """The most tokens one turn can be; raises `BadRequest` when it is not an object."""
        if raw[:1] != b"{":
            raise BadRequest("contents: each must be an object")
        return self.bound(raw) + TOKENS_PER_MESSAGE + self.parts_of(raw)

    def parts_of(self, raw: bytes, local: Collection[str] = LOCAL_PARTS) -> int:
        """What the parts of one content add to the bound of its bytes; only what is named in
        `local` cannot bring more than that."""
        content = inner(raw)
        if content is None:
            self.remote_input = self.remote_input or raw[:1] != b'"'
            return 0
        listed = content.get("parts", b"[]")
        try:
            parts = LIST.decode(listed if listed[:1] == b"[" else b"[" + listed + b"]")
        except UNREADABLE:
            self.remote_input = True
            return 0
        return sum(self._part(bytes(part), local) for part in parts)

    def tools(self, raw: bytes) -> int:
        """What the tools add to the bound of their bytes; notes those Google runs."""
        try:
            tools = [inner(bytes(tool)) for tool in LIST.decode(raw)]
        except UNREADABLE:
            tools = [None]
        for tool in tools:
            if tool is None:
                self.remote_input = True
                self.unpriceable.append("tools")
                continue
            for name in tool.keys() - CLIENT_TOOLS:
                self.remote_input = True
                self.server_tools += 1
                if name in SEARCHES:
                    self.searches = True
                elif name not in TOKEN_TOOLS:
                    self.unpriceable.append(f"tools.{name}")
        return TOKENS_FOR_TOOLS

    def uses(self) -> int:
        """How often Google may run a tool: the request cannot limit it."""
        return DEFAULT_SERVER_TOOL_USES * self.server_tools

    def _part(self, raw: bytes, local: Collection[str]) -> int:
        part = inner(raw)
        if part is None:
            self.remote_input = True
            return 0
        data = part.get("inlineData")
        if data is not None:
            return self._inline(data)
        if part.keys() - local:
            self.remote_input = True
            self.audio = True
            return 0
        response = part.get("functionResponse")
        return 0 if response is None else self.parts_of(response, RESULT_PARTS)

    def _inline(self, raw: bytes) -> int:
        """What a file adds: an image its cap, less its payload; anything else may be sound."""
        blob = inner(raw)
        if blob is None:
            self.remote_input = self.audio = True
            return 0
        kind = blob.get("mimeType", b"")
        if not kind.startswith(IMAGE):
            self.audio = self.audio or kind != PDF
            self.sealed_tokens += MAX_SEALED_TOKENS
            return MAX_SEALED_TOKENS
        payload = blob.get("data", b'""')[1:-1]
        return image_tokens(self.model) - payload_weight(payload, self.bound(b"0"))
