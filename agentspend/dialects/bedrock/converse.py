"""Bedrock's Converse and ConverseStream: usage in one object, in a stream with its last event.

`inputTokens` leaves out what was cached; `cacheDetails` says for how long it was written (study
§3.5). The model that was asked for decides the price.
"""

from typing import Any

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Usage, UsagePart
from agentspend.dialects.bedrock.frames import Frames
from agentspend.dialects.counts import unknown_counts, whole
from agentspend.dialects.metering import ANY, FOREIGN, AnswerMeter

KNOWN = frozenset(
    {"inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens",
     "cacheDetails", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"}
)  # fmt: skip
CUT = "max_tokens"


class ConverseMeter(AnswerMeter):
    """Usage of one Converse answer. `streamed`: frames, or decoded events, a JSON object a line."""

    def __init__(
        self, facts: RequestFacts, status: int, content_type: str, *, streamed: bool
    ) -> None:
        super().__init__(facts, status, content_type)
        self._stream = False
        self._frames = Frames() if streamed else None

    def _feed_json(self, chunk: bytes) -> bool:
        if self._frames is None:
            return super()._feed_json(chunk)
        news = False
        for name, payload in self._frames.feed(chunk):
            news = self._take_event(name, payload) or news
        return news

    def _close_json(self) -> None:
        if self._frames is None:
            super()._close_json()
            return
        for name, payload in self._frames.pending():
            self._take_event(name, payload)
        self._broken = self._broken or self._frames.overflowed

    def _take_event(self, name: str, payload: bytes) -> bool:
        try:
            message = ANY.decode(payload)
            return self._read({name: message} if name else message, payload)
        except FOREIGN:
            self._broken = True
            return False

    def _read(self, message: Any, data: bytes) -> bool:
        if "contentBlockDelta" in message:
            self._count_output(message["contentBlockDelta"].get("delta"), data)
        if "contentBlockStart" in message:
            self._in_tool_call = "toolUse" in str(message["contentBlockStart"].get("start"))
        if "messageStop" in message:
            self._stop_reason = str(message["messageStop"].get("stopReason") or "")
        if any(name.endswith("Exception") for name in message):
            self._broken = True
        metadata = message.get("metadata")
        if not metadata:
            return False
        self._read_usage(metadata)
        self._final = bool(self._usage)
        return True

    def _read_whole(self, message: Any) -> None:
        self._read_usage(message)
        self._stop_reason = str(message.get("stopReason") or "")
        self._final = self._complete and bool(self._usage)

    def _read_usage(self, message: dict[str, Any]) -> None:
        self._usage = dict(message.get("usage") or {})
        self._tier = str((message.get("serviceTier") or {}).get("type") or "")

    def _is_whole(self) -> bool:
        return self._final

    def _was_cut(self) -> bool:
        return self._stop_reason == CUT

    def _parts(self) -> tuple[tuple[UsagePart, ...], list[str], int | None]:
        usage = self._usage
        written = whole(usage, "cacheWriteInputTokens")
        details = usage.get("cacheDetails") or []
        long = sum(whole(item, "inputTokens") for item in details if item["ttl"] != "5m")
        short = sum(whole(item, "inputTokens") for item in details if item["ttl"] == "5m")
        unsplit = max(0, written - long - short)
        asked_long = self._facts.cache_ttl == "1h"
        counts = Usage(
            input_tokens=whole(usage, "inputTokens"),
            cache_read_tokens=whole(usage, "cacheReadInputTokens"),
            cache_write_5m_tokens=short + (0 if asked_long else unsplit),
            cache_write_1h_tokens=long + (unsplit if asked_long else 0),
            output_tokens=whole(usage, "outputTokens"),
        )
        if counts.prompt_tokens == 0:
            raise ValueError("the usage has no input")
        part = UsagePart(self._facts.model, counts, service_tier=self._tier)
        return (part,), list(unknown_counts(usage, KNOWN, {})), None
