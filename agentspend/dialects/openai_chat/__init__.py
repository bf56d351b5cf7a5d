"""OpenAI Chat Completions: `POST /v1/chat/completions`, and the servers that speak it."""
# ruff: noqa: ARG002 (one signature for all dialects)

from agentspend.core.facts import RequestFacts
from agentspend.dialects import openai_replies
from agentspend.dialects.base import Reply
from agentspend.dialects.json_parts import with_model
from agentspend.dialects.openai_chat import request
from agentspend.dialects.openai_chat.meter import ChatMeter
from agentspend.dialects.openai_chat.usage_filter import UsageFilter
from agentspend.dialects.openai_tags import take_tags
from agentspend.dialects.text_bound import needs_normalising


class OpenAIChat:
    """The Chat Completions API as `dialects.base.Dialect` asks for it, of one provider.

    `vendor` is "" where it is the provider itself. `injects`: whether its streams can be asked for
    their usage.
    """

    name = "openai_chat"
    count_path = ""

    def __init__(self, provider: str = "openai", vendor: str = "", *, injects: bool = True) -> None:
        self.provider = provider
        self.vendor = vendor or provider
        self._injects = injects

    def needs_normalising(self, body: bytes) -> bool:
        """Whether NFC could change the text of this body; OpenAI's own tokenizers do not use it."""
        return self.vendor not in ("openai", "azure") and needs_normalising(body)

    def take_tags(self, body: bytes) -> tuple[bytes, list[str]]:
        """The body without `metadata.tags`, and those tags; raises `BadRequest`."""
        return take_tags(body)

    def read_request(
        self, body: bytes, *, in_nfc: bool = True, path_model: str = ""
    ) -> RequestFacts:
        """The request's facts; raises `BadRequest`. The body names the model, never the path."""
        return request.read_request(body, self.vendor, in_nfc=in_nfc, injects=self._injects)

    def prepare(self, body: bytes, facts: RequestFacts) -> bytes:
        """The body; where its stream would not tell its usage, asking for it."""
        return request.asking_for_usage(body) if facts.adds_usage else body

    def client_filter(self, facts: RequestFacts) -> UsageFilter | None:
        """What takes out the usage that only we asked for."""
        return UsageFilter() if facts.adds_usage else None

    def meter(self, facts: RequestFacts, status: int, content_type: str) -> ChatMeter:
        """A meter for one response."""
        return ChatMeter(facts, status, content_type, self.vendor)

    def with_max_output(self, body: bytes, tokens: int) -> bytes:
        """The same request with another output limit."""
        return request.with_max_output(body, tokens, self.vendor)

    def with_model(self, body: bytes, model: str) -> bytes:
        """The same request to another model."""
        return with_model(body, model)

    def count_body(self, body: bytes, path_model: str = "") -> bytes:
        """The body as it is: nothing is counted for free here."""
        return body

    def read_count(self, answer: bytes) -> int | None:
        """Never a count."""
        return None

    def reply(
        self, kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0
    ) -> Reply:
        """An answer of our own in this API's shape."""
        return openai_replies.reply(kind, message, user_agent, rid, retry_after_s)
