"""What every vendor's API shape must answer, without I/O: read, meter, clamp, count, reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Metered


class BadRequest(ValueError):
    """The request cannot be one this API takes; the message names the field, as the API would.

    `kind` is how it is answered (`Dialect.reply`).
    """

    kind = "bad_request"


class LostThread(BadRequest):
    """The request goes on with a conversation that only the provider holds: what it costs stands
    nowhere in it. Its client can send the whole conversation, and is told to."""

    kind = "lost_thread"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of our own, in the API's shape."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Meter(Protocol):
    """Reads usage out of a response as it passes. Never raises, whatever the bytes are."""

    @property
    def output_seen_tokens(self) -> int:
        """Upper bound of the output tokens whose text has passed so far."""
        ...

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; True when they brought usage."""
        ...

    def so_far(self) -> Metered:
        """What is proved at this point."""
        ...

    def end(self, *, complete: bool) -> Metered:
        """What is proved in the end; `complete` False when the answer was cut off."""
        ...

    def close(self, *, complete: bool) -> Metered:
        """The same, for a meter that is fed no more."""
        ...


class Filter(Protocol):
    """Takes out of an answer what we asked for and the client did not. Never raises."""

    def feed(self, chunk: bytes) -> bytes:
        """What the client gets of these bytes: whole events, none held back past its own end."""
        ...

    def flush(self) -> bytes:
        """What is still held back when the answer ends."""
        ...


class Dialect(Protocol):
    """One vendor API shape, as one provider speaks it.

    `provider` is who is asked, `vendor` whose models it serves at whose prices (a gateway in front
    of OpenAI serves OpenAI's). `path_model` is the model a path names (Gemini); "" where the body
    does. `count_path` is where the provider counts a prompt for free, `{model}` standing for the
    path's model; "" where it does not.
    """

    name: str
    provider: str
    vendor: str
    count_path: str

    def needs_normalising(self, body: bytes) -> bool:
        """Whether the NFC form of this body must be bounded (read it in a thread then)."""
        ...

    def take_tags(self, body: bytes) -> tuple[bytes, list[str]]:
        """The body without our own tags, and those tags as written; raises `BadRequest`."""
        ...

    def read_request(
        self, body: bytes, *, in_nfc: bool = True, path_model: str = ""
    ) -> RequestFacts:
        """The request's facts; raises `BadRequest`."""
        ...

    def prepare(self, body: bytes, facts: RequestFacts) -> bytes:
        """The request as it must leave, so that its answer can be metered."""
        ...

    def client_filter(self, facts: RequestFacts) -> Filter | None:
        """What takes the traces of `prepare` out of an event stream; None when there are none."""
        ...

    def meter(self, facts: RequestFacts, status: int, content_type: str) -> Meter:
        """A meter for one response."""
        ...

    def with_max_output(self, body: bytes, tokens: int) -> bytes:
        """The same request with another output limit: the clamp."""
        ...

    def with_model(self, body: bytes, model: str) -> bytes:
        """The same request to another model; the body as it is where the path names the model."""
        ...

    def count_body(self, body: bytes, path_model: str = "") -> bytes:
        """The body that asks the provider to count this request's prompt, for free."""
        ...

    def read_count(self, answer: bytes) -> int | None:
        """The count in such an answer; None when there is none."""
        ...

    def reply(
        self, kind: str, message: str, user_agent: str, rid: str, retry_after_s: int = 0
    ) -> Reply:
        """An answer of our own that this caller shows and does not retry.

        Kinds: refused, bad_request, too_large, store, unreachable, timed_out; rate_limited, which
        is retried after `retry_after_s`; and lost_thread where a dialect raises `LostThread`.
        """
        ...


class Route(msgspec.Struct, frozen=True):
    """Where a path leads: `kind` is messages, count_tokens or models; `path` is the provider's.

    `model` is the model that the path names, "" where the body does. `named`: the caller itself
    said which provider it wants. `login_only`: no key opens it, only a subscription's login.
    """

    dialect: Dialect
    kind: str
    path: str
    model: str = ""
    named: bool = False
    login_only: bool = False
