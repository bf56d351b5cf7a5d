"""Metering an Anthropic answer as it passes, JSON or event stream.

Usage in a stream is cumulative: each field's last non-null value holds, and later events may raise
the input too. An answer is EXACT only after its last usage (a `message_delta`) and `message_stop`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered, Ran, UsagePart
from agentspend.dialects.anthropic.usage import PROMPT, billed_on_top, parts_of
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.metering import AnswerMeter
from agentspend.dialects.sse import Event, parse
from agentspend.dialects.text_bound import json_tokens_bound, tokens_bound

CUT = "max_tokens"
RUN_BY_THE_PROVIDER = frozenset({"server_tool_use", "mcp_tool_use"})
# Whose words pass, if sealed; a fetched document's pages, found tools and advice do not.
SHOWN_RESULTS = ("web_search_", "mcp_")
_DELTA_HEAD = b"event: content_block_delta\ndata: "
_KEPT_DELTAS = 512
_QUIET = frozenset({b"ping", b"content_block_stop"})


class _DeltaText(msgspec.Struct):
    text: str = ""
    partial_json: str = ""
    thinking: str = ""


class _Delta(msgspec.Struct):
    delta: _DeltaText


_DELTA = msgspec.json.Decoder(_Delta)


class AnthropicMeter(AnswerMeter):
    """Usage of one Messages answer.

    Pieces of the answer's text only matter where the answer breaks off: the newest are kept and
    counted when somebody asks, which halves the time a stream of fifty events takes.
    """

    def __init__(self, facts: RequestFacts, status: int, content_type: str) -> None:
        super().__init__(facts, status, content_type)
        self._has_content = False
        self._counted = False
        self._uncounted: list[bytes] = []
        self._calls = self._brought_tokens = 0
        self._hides = False

    @property
    def output_seen_tokens(self) -> int:
        """Upper bound of the output tokens whose text has passed so far."""
        self._count_kept()
        return self._seen_tokens

    def close(self, *, complete: bool) -> Metered:
        """What is proved in the end; a refusal that says nothing is not billed."""
        metered = super().close(complete=complete)
        refused = self._stop_reason == "refusal" and not self._has_content
        if refused and metered.billing is Billing.EXACT and not billed_on_top(self._usage):
            return Metered(
                billing=Billing.FREE, stop_reason="refusal", response_id=self._response_id
            )
        return metered

    def _feed_stream(self, chunk: bytes) -> bool:
        news = False
        for block in self._splitter.blocks(chunk):
            if block.startswith(_DELTA_HEAD) and block.find(b"\n", len(_DELTA_HEAD)) < 0:
                self._uncounted.append(block[len(_DELTA_HEAD) :])
            elif (event := parse(block)) is not None:
                news = self._take_sse(event) or news
        if len(self._uncounted) > _KEPT_DELTAS:
            self._count_kept()
        return news

    def _take_sse(self, event: Event) -> bool:
        if event.name in _QUIET:
            return False
        if event.name == b"content_block_delta":
            self._count_delta(event.data)
            return False
        return self._take(event.data)

    def _read(self, message: dict[str, Any], data: bytes) -> bool:
        match message.get("type"):
            case "message_start":
                start = message.get("message", {})
                self._read_head(start)
                return self._merge(start.get("usage"))
            case "message_delta":
                usage = message.get("usage")
                self._counted = self._counted or _has_output(usage)
                news = self._merge(usage)
                reason = message.get("delta", {}).get("stop_reason")
                self._stop_reason = str(reason or self._stop_reason)
                return news
            case "message_stop":
                self._final = self._counted
            case "content_block_start":
                self._has_content = True
                self._read_block(message.get("content_block", {}), data)
            case "content_block_delta":
                self._count_delta(data)
            case "error":
                self._broken = True
        return False

    def _read_block(self, block: dict[str, Any], data: bytes) -> None:
        """A block begins: the answer's own, or a provider's tool that is called or brings."""
        kind = str(block.get("type", ""))
        self._in_tool_call = kind == "tool_use"
        if kind.endswith("tool_result"):
            self._brought_tokens += json_tokens_bound(data)
            self._hides = self._hides or not kind.startswith(SHOWN_RESULTS)
            return
        self._seen_tokens += tokens_bound(data)
        self._calls += kind in RUN_BY_THE_PROVIDER
        self._hides = self._hides or block.get("name") == "advisor"

    def _metered(self, billing: Billing) -> Metered:
        metered = super()._metered(billing)
        if billing is Billing.EXACT:
            return metered
        tokens = self.output_seen_tokens + self._brought_tokens
        return replace(metered, ran=Ran(self._calls, tokens, self._hides))

    def _read_whole(self, message: dict[str, Any]) -> None:
        self._read_head(message)
        usage = message.get("usage")
        self._merge(usage)
        self._final = self._complete and _has_output(usage)
        self._stop_reason = str(message.get("stop_reason") or "")
        content = message.get("content") or []
        self._has_content = bool(content)
        self._in_tool_call = bool(content) and str(content[-1].get("type", "")) == "tool_use"

    def _read_done(self) -> None:
        """This API has no such word."""
        self._broken = True

    def _read_head(self, message: dict[str, Any]) -> None:
        self._model = str(message.get("model") or "")
        self._response_id = str(message.get("id") or "")

    def _merge(self, usage: dict[str, Any] | None) -> bool:
        """Take over every field that has a value.

        A prompt does not become nothing: some servers tell it at the start, and zeros at the end.
        """
        if not usage:
            return False
        said = {name: value for name, value in usage.items() if value is not None}
        if not any(said.get(name) for name in PROMPT):
            said = {name: value for name, value in said.items() if name not in PROMPT}
        self._usage = {**self._usage, **said}
        return True

    def _was_cut(self) -> bool:
        return self._stop_reason == CUT

    def _parts(self) -> tuple[tuple[UsagePart, ...], Sequence[str], int | None]:
        parts, unknown = parts_of(self._usage, self._model or self._facts.model, self._facts)
        return parts, unknown, None

    def _count_kept(self) -> None:
        kept, self._uncounted = self._uncounted, []  # a copy of this meter counts them itself
        for data in kept:
            self._count_delta(data)

    def _count_delta(self, data: bytes) -> None:
        """Count the text of a delta; the whole event where it has none that is known."""
        try:
            delta = _DELTA.decode(data).delta
            text = (delta.text + delta.partial_json + delta.thinking).encode()
        except (*UNREADABLE, UnicodeError):
            text = data
        self._seen_tokens += tokens_bound(text or data)


def _has_output(usage: dict[str, Any] | None) -> bool:
    return usage is not None and usage.get("output_tokens") is not None
