"""Gemini: `POST /v1beta/models/X:generateContent` and `:streamGenerateContent`."""
# ruff: noqa: ARG002 (one signature for all dialects)

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.dialects.base import Reply
from agentspend.dialects.gemini import replies, request
from agentspend.dialects.gemini.meter import GeminiMeter
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.text_bound import needs_normalising


class _Count(msgspec.Struct):
    totalTokens: int = -1  # noqa: N815 (Google's name)


_COUNT = msgspec.json.Decoder(_Count)


class Gemini:
    """The Gemini API as `dialects.base.Dialect` asks for it."""

    name = "gemini"
    count_path = "/v1beta/models/{model}:countTokens"

    def __init__(self, provider: str = "google", vendor: str = "") -> None:
        self.provider = provider
        self.vendor = vendor or provider

    def needs_normalising(self, body: bytes) -> bool:
        """Whether NFC could change the text of this body."""
        return needs_normalising(body)

    def take_tags(self, body: bytes) -> tuple[bytes, list[str]]:
        """The body as it is: this API has no place for tags."""
        return body, []

    def read_request(
        self, body: bytes, *, in_nfc: bool = True, path_model: str = ""
    ) -> RequestFacts:
        """The request's facts; raises `BadRequest`. `path_model` is the model the path names."""
        return request.read_request(body, path_model, self.vendor, in_nfc=in_nfc)

    def prepare(self, body: bytes, facts: RequestFacts) -> bytes:
        """The body as it is: every chunk tells its usage."""
        return body

    def client_filter(self, facts: RequestFacts) -> None:
        """Nothing to take out."""
        return

    def meter(self, facts: RequestFacts, status: int, content_type: str) -> GeminiMeter:
        """A meter for one response."""
        return GeminiMeter(facts, status, content_type)

    def with_max_output(self, body: bytes, tokens: int) -> bytes:
        """The same request with another `maxOutputTokens`."""
        return request.with_max_output(body, tokens)

    def with_model(self, body: bytes, model: str) -> bytes:
        """The body as it is: the path names the model."""
        return body

    def count_body(self, body: bytes, path_model: str = "") -> bytes:
        """The body for `countTokens`."""
        return request.count_body(body, path_model)

    def read_count(self, answer: bytes) -> int | None:
        """`totalTokens` of a `countTokens` answer."""
        try:
            tokens = _COUNT.decode(answer).totalTokens
        except UNREADABLE:
            return None
        return tokens if tokens >= 0 else None

    def reply(
        self, kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0
    ) -> Reply:
        """An answer of our own in this API's shape."""
        return replies.reply(kind, message, user_agent, rid, retry_after_s)
