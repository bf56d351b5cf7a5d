"""OpenAI Responses: `POST /v1/responses`, streaming or not."""
# ruff: noqa: ARG002 (one signature for all dialects)

from agentspend.core.facts import RequestFacts
from agentspend.dialects import openai_replies
from agentspend.dialects.base import Reply
from agentspend.dialects.json_parts import with_model
from agentspend.dialects.openai_responses import request
from agentspend.dialects.openai_responses.meter import ResponsesMeter
from agentspend.dialects.openai_tags import take_tags
from agentspend.dialects.text_bound import needs_normalising


class OpenAIResponses:
    """The Responses API as `dialects.base.Dialect` asks for it, of one provider.

    `vendor` is "" where it is the provider itself.
    """

    name = "openai_responses"
    count_path = ""

    def __init__(self, provider: str = "openai", vendor: str = "") -> None:
        self.provider = provider
        self.vendor = vendor or provider

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
        return request.read_request(body, self.vendor, in_nfc=in_nfc)

    def prepare(self, body: bytes, facts: RequestFacts) -> bytes:
        """The body as it is: every stream tells its usage."""
        return body

    def client_filter(self, facts: RequestFacts) -> None:
        """Nothing to take out."""
        return

    def meter(self, facts: RequestFacts, status: int, content_type: str) -> ResponsesMeter:
        """A meter for one response."""
        return ResponsesMeter(facts, status, content_type, self.vendor)

    def with_max_output(self, body: bytes, tokens: int) -> bytes:
        """The same request with another `max_output_tokens`."""
        return request.with_max_output(body, tokens)

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
        """An answer of our own: plain text for Codex, which shows JSON raw; else JSON.

        When the upstream cannot be reached, or it was too fast, Codex too gets JSON: it retries, as
        it should.
        """
        codex = user_agent.startswith(openai_replies.CODEX)
        if codex and kind not in ("unreachable", "timed_out", "rate_limited"):
            return openai_replies.plain_reply(kind, message, rid)
        return openai_replies.reply(kind, message, user_agent, rid, retry_after_s)
