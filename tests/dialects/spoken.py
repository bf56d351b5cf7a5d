"""What the fuzz tests need of each dialect: its requests, its answers, its provider's own count."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from typing import Any

from hypothesis import strategies as st

from agentspend.dialects.base import Dialect
from agentspend.sandbox.dialect import Dialect as Provider
from tests.dialects.fuzzing import dumped

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"


def as_events(events: Sequence[bytes]) -> bytes:
    """A stream of events that are only data."""
    return b"".join(b"data: " + event + b"\n\n" for event in events)


@dataclass(frozen=True)
class Spoken:
    """One dialect as its tests speak it.

    `model` is the model that a path names, "" where the body does. `requests` are whole ones that
    a provider takes; `wild` are bodies of its words in any shape; `recorded` what real clients
    sent. `turns` is the way to the list that a conversation grows in. `nests` are requests with
    `"@"` where anything may be nested. `broken` are streams of any events, `ending` those that end
    once and then say nothing more, `answers` bodies that are no stream. `weight` is the least a
    text must count; `seeds` are requests that use much of the API at once; `behaviours` are fields
    of `sandbox.Behaviour` that only this API knows; `opened` takes a request out of its envelope.
    """

    dialect: Dialect
    provider: Provider
    requests: st.SearchStrategy[dict[str, Any]]
    wild: st.SearchStrategy[Sequence[bytes]]
    recorded: Sequence[bytes]
    turns: str
    nests: Sequence[bytes]
    openings: Sequence[str]
    broken: st.SearchStrategy[bytes]
    ending: st.SearchStrategy[bytes]
    answers: st.SearchStrategy[bytes]
    weight: Callable[[str], int]
    seeds: Sequence[bytes]
    model: str = ""
    kinds: Sequence[str] = (EVENT_STREAM,)
    behaviours: st.SearchStrategy[dict[str, Any]] = field(default_factory=lambda: st.just({}))
    opened: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body

    def theirs(self, body: dict[str, Any]) -> dict[str, Any]:
        """A body as the sandbox takes it, with the model that stands in the path."""
        return {**body, "model": self.model} if self.model else self.opened(body)

    def grown(self, body: dict[str, Any], times: int) -> dict[str, Any]:
        """A conversation that is so many times as long."""
        *way, last = self.turns.split(".")
        found = deepcopy(body)
        inner = reduce(getitem, way, found)
        inner[last] = inner[last] * times
        return found

    def real(self) -> st.SearchStrategy[bytes]:
        """Requests that a client did send, or could."""
        made = self.requests.map(dumped)
        return st.sampled_from(list(self.recorded)) | made if self.recorded else made


def minus(fields: dict[str, Any], minimal: dict[str, Any]) -> dict[str, Any]:
    """Wild fields over a request that stays whole."""
    return {name: value for name, value in fields.items() if name not in minimal}


COUNTS = st.none() | st.integers(0, 10**6) | st.sampled_from([-1, True, "7", 1.0, 0.5, 10**30, {}])
