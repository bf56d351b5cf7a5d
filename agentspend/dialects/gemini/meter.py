"""Metering a Gemini answer as it passes: JSON, an event stream, or a streamed JSON array.

Every chunk tells the usage so far, field by field: the last value of each holds (study §3.4). It is
the answer's last when every candidate that was asked for has ended.
"""

from typing import Any

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import UsagePart
from agentspend.dialects.gemini.usage import read_usage, tier_of
from agentspend.dialects.json_array import ArraySplitter
from agentspend.dialects.metering import AnswerMeter

CUT = "MAX_TOKENS"
# Up to this generation a grounded prompt is billed once, from the next on each query is, once and
# if it has words.
BILLED_BY_PROMPT = "gemini-2"


class GeminiMeter(AnswerMeter):
    """Usage of one `generateContent` or `streamGenerateContent` answer."""

    def __init__(self, facts: RequestFacts, status: int, content_type: str) -> None:
        super().__init__(facts, status, content_type)
        self._array: ArraySplitter | None = None
        self._begun = False
        self._queries: frozenset[str] = frozenset()
        self._finished = False
        self._ended: frozenset[int] = frozenset()
        self._stale = False

    def _feed_json(self, chunk: bytes) -> bool:
        if not self._begun:
            start = chunk.lstrip()
            if not start:
                return False
            self._begun = True
            self._array = ArraySplitter() if start[:1] == b"[" else None
        if self._array is None:
            return super()._feed_json(chunk)
        news = False
        for item in self._array.feed(chunk):
            news = self._take(item) or news
        return news

    def _close_json(self) -> None:
        if self._array is None:
            super()._close_json()
        else:
            self._broken = self._broken or self._array.overflowed

    def _read(self, message: Any, data: bytes) -> bool:
        if message.get("error"):
            self._broken = True
        self._model = str(message.get("modelVersion") or self._model)
        self._response_id = str(message.get("responseId") or self._response_id)
        usage = message.get("usageMetadata") or {}
        candidates = message.get("candidates") or []
        for candidate in candidates:
            self._read_candidate(candidate, data)
        if (message.get("promptFeedback") or {}).get("blockReason"):
            self._finished = True
            self._stop_reason = str(message["promptFeedback"]["blockReason"])
        said = {name: value for name, value in usage.items() if value is not None}
        if said:
            self._usage = {**self._usage, **said}
        if candidates or said:
            self._stale = not said
        return bool(said)

    def _read_candidate(self, candidate: dict[str, Any], data: bytes) -> None:
        parts = (candidate.get("content") or {}).get("parts") or []
        if parts:
            self._count_output(parts, data)
            self._in_tool_call = "functionCall" in parts[-1]
        grounding = candidate.get("groundingMetadata") or {}
        queries = grounding.get("webSearchQueries") or []
        self._queries = self._queries | {str(query) for query in queries if query}
        if reason := candidate.get("finishReason"):
            self._ended |= {candidate.get("index", 0)}
            self._finished = len(self._ended) >= self._facts.candidates
            if self._stop_reason != CUT:
                self._stop_reason = str(reason)

    def _read_whole(self, message: Any) -> None:
        seen = self._seen_tokens
        self._read(message, b"")
        self._seen_tokens = seen
        self._finished = self._complete

    def _is_whole(self) -> bool:
        return bool(self._usage) and not self._stale and (self._finished or self._complete)

    def _was_cut(self) -> bool:
        return self._stop_reason == CUT

    def _parts(self) -> tuple[tuple[UsagePart, ...], list[str], int | None]:
        model = self._model or self._facts.model
        searches = len(self._queries)
        if model.startswith(BILLED_BY_PROMPT):
            searches = min(1, searches)
        usage, unknown = read_usage(self._usage, searches)
        part = UsagePart(
            model=model,
            usage=usage,
            speed=self._facts.speed,
            service_tier=tier_of(self._usage, self._facts.service_tier),
            inference_geo=self._facts.inference_geo,
        )
        return (part,), unknown, None
