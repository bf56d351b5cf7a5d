"""Metering a Chat Completions answer as it passes, JSON or event stream.

A stream tells its usage in its last chunk, whose choices are empty; some servers send it in every
chunk, where the last one holds (study §3.2). Content after the last usage makes it a floor, and so
does a choice that has not ended yet.
"""

from typing import Any

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import UsagePart
from agentspend.dialects.metering import AnswerMeter
from agentspend.dialects.openai_usage import CHAT, read_usage, stated_pusd

CUT = "length"


class ChatMeter(AnswerMeter):
    """Usage of one Chat Completions response of one vendor."""

    def __init__(
        self, facts: RequestFacts, status: int, content_type: str, vendor: str = "openai"
    ) -> None:
        super().__init__(facts, status, content_type)
        self._vendor = vendor
        self._stale = False
        self._finished = False
        self._ended: frozenset[int] = frozenset()

    def _read(self, message: Any, data: bytes) -> bool:
        if message.get("error"):
            self._broken = True
        self._read_head(message)
        choices = message.get("choices") or []
        for choice in choices:
            self._read_choice(choice, data)
        usage = message.get("usage")
        if usage:
            self._usage = dict(usage)
            self._stale = False
            self._finished = self._finished or not choices
        return bool(usage)

    def _read_choice(self, choice: dict[str, Any], data: bytes) -> None:
        delta = choice.get("delta") or choice.get("message") or {}
        self._in_tool_call = bool(delta.get("tool_calls")) or (
            self._in_tool_call and not delta.get("content")
        )
        if any(delta.get(name) for name in delta if name != "role"):
            self._stale = bool(self._usage)
            self._count_output(delta, data)
        if reason := choice.get("finish_reason"):
            self._ended |= {choice.get("index", 0)}
            if self._stop_reason != CUT:
                self._stop_reason = str(reason)

    def _read_whole(self, message: Any) -> None:
        self._read_head(message)
        self._usage = dict(message.get("usage") or {})
        for choice in message.get("choices") or []:
            seen = self._seen_tokens
            self._read_choice(choice, b"")
            self._seen_tokens = seen
        self._stale = False
        self._finished = self._complete and not message.get("error")
        self._ended = frozenset()

    def _read_head(self, message: dict[str, Any]) -> None:
        self._model = str(message.get("model") or self._model)
        self._response_id = str(message.get("id") or self._response_id)
        self._tier = str(message.get("service_tier") or self._tier)

    def _read_done(self) -> None:
        self._finished = True

    def _is_whole(self) -> bool:
        ended = len(self._ended) >= self._facts.candidates or (self._complete and self._ended)
        return bool(self._usage and (self._finished or ended) and not self._stale)

    def _was_cut(self) -> bool:
        return self._stop_reason == CUT

    def _parts(self) -> tuple[tuple[UsagePart, ...], list[str], int | None]:
        usage, unknown = read_usage(self._usage, CHAT)
        part = UsagePart(
            model=self._model or self._facts.model,
            usage=usage,
            speed=self._facts.speed,
            service_tier=self._tier or self._facts.service_tier,
            inference_geo=self._facts.inference_geo,
        )
        return (part,), unknown, stated_pusd(self._usage, self._vendor)
