"""Metering an Anthropic answer as it passes, JSON or event stream.

Usage in a stream is cumulative: each field's last non-null value holds, and later events may raise
the input too. An answer is EXACT only after its last usage (a `message_delta`) and `message_stop`.
Foreign bytes make it less sure, never an exception.
"""

from copy import copy
from typing import Any

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_METERED_JSON_BYTES
from agentspend.core.usage import Billing, Metered
from agentspend.dialects.anthropic.usage import billed_on_top, parts_of
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.metering import ANY, FOREIGN
from agentspend.dialects.sse import Event, Splitter, parse
from agentspend.dialects.text_bound import tokens_bound

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


class AnthropicMeter:
    """Usage of one response. Only a `status` of success bills anything.

    Pieces of the answer's text only matter where the answer breaks off: the newest are kept and
    counted when somebody asks, which halves the time a stream of fifty events takes.
    """

    def __init__(self, facts: RequestFacts, status: int, content_type: str) -> None:
        self._facts = facts
        self._billed = 200 <= status < 300
        self._stream = content_type.partition(";")[0].strip().lower() == "text/event-stream"
        self._splitter = Splitter()
        self._json = bytearray()
        self._usage: dict[str, Any] = {}
        self._model = ""
        self._response_id = ""
        self._stop_reason = ""
        self._last_block = ""
        self._has_content = False
        self._counted = False
        self._finished = False
        self._broken = False
        self._seen_tokens = 0
        self._uncounted: list[bytes] = []

    @property
    def output_seen_tokens(self) -> int:
        """Upper bound of the output tokens whose text has passed so far."""
        self._count_kept()
        return self._seen_tokens

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; True when they brought usage."""
        if not self._billed:
            return False
        if not self._stream:
            self._seen_tokens += tokens_bound(chunk)
            if len(self._json) + len(chunk) <= MAX_METERED_JSON_BYTES:
                self._json += chunk
            else:
                self._broken = True
            return False
        news = False
        for block in self._splitter.blocks(chunk):
            if block.startswith(_DELTA_HEAD) and block.find(b"\n", len(_DELTA_HEAD)) < 0:
                self._uncounted.append(block[len(_DELTA_HEAD) :])
            elif (event := parse(block)) is not None:
                news = self._take(event) or news
        if len(self._uncounted) > _KEPT_DELTAS:
            self._count_kept()
        return news

    def so_far(self) -> Metered:
        """What is proved at this point of a stream."""
        return self._metered(Billing.FLOOR)

    def end(self, *, complete: bool) -> Metered:
        """What is proved if nothing more comes. Asking changes nothing: more may be fed after."""
        if not self._billed:
            return Metered(billing=Billing.FREE)
        return copy(self).close(complete=complete)

    def close(self, *, complete: bool) -> Metered:
        """The same, for a meter that is fed no more."""
        if self._stream:
            for event in self._splitter.pending():
                self._take(event)
        else:
            self._read_json(complete=complete)
        if not self._usage:
            return Metered(response_id=self._response_id)
        whole = self._finished and not self._broken and not self._splitter.overflowed
        metered = self._metered(Billing.EXACT if whole else Billing.FLOOR)
        refused = self._stop_reason == "refusal" and not self._has_content
        if refused and metered.billing is Billing.EXACT and not billed_on_top(self._usage):
            return Metered(
                billing=Billing.FREE, stop_reason="refusal", response_id=self._response_id
            )
        return metered

    def _metered(self, billing: Billing) -> Metered:
        if not self._usage:
            return Metered(response_id=self._response_id)
        try:
            parts, unknown = parts_of(self._usage, self._model or self._facts.model, self._facts)
        except FOREIGN:
            return Metered(response_id=self._response_id)
        return Metered(
            parts=parts,
            billing=billing,
            unpriceable=unknown,
            stop_reason=self._stop_reason,
            response_id=self._response_id,
            tool_call_cut=self._stop_reason == "max_tokens" and self._last_block == "tool_use",
        )

    def _take(self, event: Event) -> bool:
        """One event of the stream; content is counted, not kept."""
        if event.name == b"content_block_delta":
            self._count_output(event.data)
            return False
        if event.name in _QUIET:
            return False
        try:
            message = ANY.decode(event.data)
            return self._read_event(message, event)
        except FOREIGN:
            self._broken = True
            return False

    def _read_event(self, message: dict[str, Any], event: Event) -> bool:
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
                self._finished = self._counted
            case "content_block_start":
                self._has_content = True
                self._last_block = str(message.get("content_block", {}).get("type", ""))
                if not self._last_block.endswith("tool_result"):
                    self._seen_tokens += tokens_bound(event.data)
            case "content_block_delta":
                self._count_output(event.data)
            case "error":
                self._broken = True
        return False

    def _read_json(self, *, complete: bool) -> None:
        try:
            message = ANY.decode(bytes(self._json))
            self._read_head(message)
            usage = message.get("usage")
            self._merge(usage)
            self._finished = complete and _has_output(usage)
            self._stop_reason = str(message.get("stop_reason") or "")
            content = message.get("content") or []
            self._has_content = bool(content)
            self._last_block = str(content[-1].get("type", "")) if content else ""
        except FOREIGN:
            self._broken = True

    def _read_head(self, message: dict[str, Any]) -> None:
        self._model = str(message.get("model") or "")
        self._response_id = str(message.get("id") or "")

    def _merge(self, usage: dict[str, Any] | None) -> bool:
        """Take over every field that has a value."""
        if not usage:
            return False
        said = {name: value for name, value in usage.items() if value is not None}
        self._usage = {**self._usage, **said}
        return True

    def _count_kept(self) -> None:
        for data in self._uncounted:
            self._count_output(data)
        self._uncounted.clear()

    def _count_output(self, data: bytes) -> None:
        """Count the text of a delta; the whole event where it has none that is known."""
        try:
            delta = _DELTA.decode(data).delta
            text = (delta.text + delta.partial_json + delta.thinking).encode()
        except (*UNREADABLE, UnicodeError):
            text = data
        self._seen_tokens += tokens_bound(text or data)


def _has_output(usage: dict[str, Any] | None) -> bool:
    return usage is not None and usage.get("output_tokens") is not None
