"""Anthropic Messages: `POST /v1/messages`, streaming or not, and its free neighbours."""
# ruff: noqa: ARG002 (one signature for all dialects)

import msgspec
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_SEALED_TOKENS
from agentspend.dialects.anthropic import replies, request
from agentspend.dialects.anthropic.elsewhere import ElsewhereMeter
from agentspend.dialects.anthropic.meter import AnthropicMeter
from agentspend.dialects.base import Reply
from agentspend.dialects.json_parts import UNREADABLE, with_model
from agentspend.dialects.openai_parts import PAGES_PUSD, READS_PAGES
from agentspend.dialects.text_bound import needs_normalising

FIRST_PARTY = "anthropic"


class Anthropic:
    """The Messages API as `dialects.base.Dialect` asks for it, of one provider.

    `vendor` is "" where it is the provider itself. Only Anthropic itself is asked to count: what
    another server says of a prompt's tokens is no bound.
    """

    name = "anthropic"

    def __init__(self, provider: str = FIRST_PARTY, vendor: str = "") -> None:
        self.provider = provider
        self.vendor = vendor or provider
        self.count_path = "/v1/messages/count_tokens" if provider == FIRST_PARTY else ""

    def needs_normalising(self, body: bytes) -> bool:
        """Whether NFC could change the text of this body."""
        return needs_normalising(body)

    def take_tags(self, body: bytes) -> tuple[bytes, list[str]]:
        """The body as it is: its `metadata` is the agent's own, and matters upstream."""
        return body, []

    def read_request(
        self, body: bytes, *, in_nfc: bool = True, path_model: str = ""
    ) -> RequestFacts:
        """The request's facts; raises `BadRequest`. The body names the model, never the path."""
        facts = request.read_request(body, in_nfc=in_nfc)
        if self.vendor != READS_PAGES or not facts.sealed_tokens:
            return facts
        files = facts.sealed_tokens // MAX_SEALED_TOKENS
        return replace(facts, fees_pusd=files * PAGES_PUSD)

    def prepare(self, body: bytes, facts: RequestFacts) -> bytes:
        """The body as it is: every stream tells its usage."""
        return body

    def client_filter(self, facts: RequestFacts) -> None:
        """Nothing to take out."""
        return

    def meter(self, facts: RequestFacts, status: int, content_type: str) -> AnthropicMeter:
        """A meter for one response."""
        if self.provider != FIRST_PARTY:
            return ElsewhereMeter(facts, status, content_type, self.vendor)
        return AnthropicMeter(facts, status, content_type)

    def with_max_output(self, body: bytes, tokens: int) -> bytes:
        """The same request with another `max_tokens`."""
        return request.with_max_output(body, tokens)

    def with_model(self, body: bytes, model: str) -> bytes:
        """The same request to another model."""
        return with_model(body, model)

    def count_body(self, body: bytes, path_model: str = "") -> bytes:
        """The body for `count_tokens`."""
        return request.count_body(body)

    def read_count(self, answer: bytes) -> int | None:
        """`input_tokens` of a `count_tokens` answer."""
        try:
            count = msgspec.json.decode(answer, type=dict[str, msgspec.Raw]).get("input_tokens")
            tokens = msgspec.json.decode(count, type=int) if count is not None else -1
        except UNREADABLE:
            return None
        return tokens if tokens >= 0 else None

    def reply(
        self, kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0
    ) -> Reply:
        """An answer of our own in this API's shape."""
        return replies.reply(kind, message, user_agent, rid, retry_after_s)
