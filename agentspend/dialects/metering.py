"""What all meters have in common: bytes in, messages out.

A subclass reads whole JSON messages; this class cuts them out of an event stream or collects one
JSON answer, counts what may have been generated, and says how sure the usage is. Foreign bytes make
it less sure, never an exception.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from copy import copy
from decimal import Decimal
from typing import Any

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import (
    MAX_COUNTED_CALLS,
    MAX_COUNTED_PARTS,
    MAX_COUNTED_TOKENS,
    MAX_METERED_JSON_BYTES,
)
from agentspend.core.usage import Billing, Metered, UsagePart
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.sse import Event, Splitter
from agentspend.dialects.text_bound import tokens_bound

ANY = msgspec.json.Decoder(float_hook=Decimal)
"""Numbers stay as they were written: a stated cost must not pass through a float."""
FOREIGN = (*UNREADABLE, TypeError, AttributeError, ValueError, LookupError, ArithmeticError)
"""What reading somebody else's answer can raise."""
EVENT_STREAM = "text/event-stream"
DONE = b"[DONE]"


class AnswerMeter(ABC):
    """Usage of one response. Only a `status` of success bills anything.

    Subclasses set `_usage`, `_final` (the usage is the answer's last), `_broken` and the words.
    """

    def __init__(self, facts: RequestFacts, status: int, content_type: str) -> None:
        self._facts = facts
        self._billed = 200 <= status < 300
        self._stream = content_type.partition(";")[0].strip().lower() == EVENT_STREAM
        self._splitter = Splitter()
        self._json = bytearray()
        self._usage: dict[str, Any] = {}
        self._model = ""
        self._response_id = ""
        self._stop_reason = ""
        self._tier = ""
        self._in_tool_call = False
        self._final = False
        self._broken = False
        self._complete = False
        self._seen_tokens = 0

    @property
    def output_seen_tokens(self) -> int:
        """Upper bound of the output tokens whose text has passed so far."""
        return self._seen_tokens

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; True when they brought usage."""
        if not self._billed:
            return False
        return self._feed_stream(chunk) if self._stream else self._feed_json(chunk)

    def so_far(self) -> Metered:
        """What is proved at this point of a stream."""
        return self._metered(Billing.FLOOR)

    def end(self, *, complete: bool) -> Metered:
        """What is proved if nothing more comes. Asking changes nothing: more may be fed after."""
        return copy(self).close(complete=complete)

    def close(self, *, complete: bool) -> Metered:
        """The same, for a meter that is fed no more."""
        if not self._billed:
            return Metered(billing=Billing.FREE)
        self._complete = complete
        if self._stream:
            for event in self._splitter.pending():
                self._take_sse(event)
        else:
            self._close_json()
        broken = self._broken or self._splitter.overflowed
        return self._metered(Billing.EXACT if self._is_whole() and not broken else Billing.FLOOR)

    def _is_whole(self) -> bool:
        """Whether the usage is the answer's last."""
        return self._final

    def _feed_stream(self, chunk: bytes) -> bool:
        news = False
        for event in self._splitter.feed(chunk):
            news = self._take_sse(event) or news
        return news

    def _take_sse(self, event: Event) -> bool:
        """One event; a shape whose events have names may pass over some by theirs."""
        return self._take(event.data)

    def _feed_json(self, chunk: bytes) -> bool:
        self._seen_tokens += tokens_bound(chunk)
        if len(self._json) + len(chunk) <= MAX_METERED_JSON_BYTES:
            self._json += chunk
        else:
            self._broken = True
        return False

    def _close_json(self) -> None:
        try:
            message = ANY.decode(bytes(self._json))
            self._read_whole(message)
        except FOREIGN:
            self._broken = True

    def _take(self, data: bytes) -> bool:
        """One event of the stream; content is counted, not kept."""
        if data.strip() == DONE:
            self._read_done()
            return False
        try:
            return self._read(ANY.decode(data), data)
        except FOREIGN:
            self._broken = True
            return False

    def _metered(self, billing: Billing) -> Metered:
        if not self._usage:
            return Metered(response_id=self._response_id)
        try:
            parts, unknown, stated = self._parts()
            _refuse_absurd(parts)
        except FOREIGN:
            return Metered(response_id=self._response_id)
        return Metered(
            parts=parts,
            billing=billing,
            unpriceable=tuple(dict.fromkeys(unknown)),
            stop_reason=self._stop_reason,
            response_id=self._response_id,
            tool_call_cut=self._in_tool_call and self._was_cut(),
            stated_pusd=stated if billing is Billing.EXACT else None,
        )

    @abstractmethod
    def _was_cut(self) -> bool:
        """Whether the answer ended at its output limit."""

    @abstractmethod
    def _read(self, message: Any, data: bytes) -> bool:
        """One message of a stream; True when it brought usage."""

    @abstractmethod
    def _read_whole(self, message: Any) -> None:
        """The one message of an answer that is no stream."""

    def _read_done(self) -> None:  # noqa: B027 - most streams have none
        """The stream's own last word."""

    @abstractmethod
    def _parts(self) -> tuple[tuple[UsagePart, ...], Sequence[str], int | None]:
        """The priced parts, the unknown counts, and what the provider says it charged."""

    def _count_output(self, content: object, data: bytes) -> None:
        """Count every text in a piece of content; the whole event where there is none."""
        text = "".join(texts_in(content))
        try:
            self._seen_tokens += tokens_bound(text.encode() if text else data)
        except UnicodeError:
            self._seen_tokens += tokens_bound(data)


def _refuse_absurd(parts: Sequence[UsagePart]) -> None:
    """Raises ValueError for counts that no answer can have: they could not even be written down."""
    tokens = sum(part.usage.prompt_tokens + part.usage.output_tokens for part in parts)
    calls = sum(part.usage.calls for part in parts)
    if tokens > MAX_COUNTED_TOKENS or calls > MAX_COUNTED_CALLS or len(parts) > MAX_COUNTED_PARTS:
        raise ValueError("the usage counts more than any answer can have used")


def texts_in(content: object) -> Iterator[str]:
    """Every string in a JSON value, keys left out."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for inner in content.values():
            yield from texts_in(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from texts_in(inner)
