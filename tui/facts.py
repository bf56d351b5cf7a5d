"""The single facts a day is made of: charges, requests in flight, refusals, notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentspend.core.scopes import Payer
from agentspend.core.usage import ESTIMATES, Usage

_INPUT = ("input_tokens", "input_audio_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
          "cache_write_12h_tokens")  # fmt: skip
_CACHED = ("cache_read_tokens", "cache_read_audio_tokens")


@dataclass(frozen=True, slots=True)
class Charge:
    """One ledger entry with an amount: a settled request, or a correction (`kind` adjust).

    `at_us` is when it was written, `nusd` its amount; `counted` is "billed" or "subscription".
    """

    seq: int
    kind: str
    rid: str
    at_us: int
    payer: Payer
    nusd: int
    counted: str
    estimate: bool
    input_tokens: int
    cached_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """Everything sent and received."""
        return self.input_tokens + self.cached_tokens + self.output_tokens


@dataclass(slots=True)
class Flight:
    """One request that has not ended. `held_nusd` 0 while it waits for `budget`."""

    rid: str
    payer: Payer
    since_us: int
    held_nusd: int = 0
    budget: str = ""
    streams: bool = False

    @property
    def state(self) -> str:
        """Waiting for money, sent, or streaming."""
        if not self.held_nusd:
            return "waiting"
        return "stream" if self.streams else "sent"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that was not admitted, and by which budget ("" for another reason)."""

    rid: str
    at_us: int
    payer: Payer
    budget: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the events: `mark` is ✗, ! or ✓."""

    at_us: int
    mark: str
    text: str


def charge_of(entry: Mapping[str, Any]) -> Charge | None:
    """A ledger entry as a charge; None for one without an amount of money."""
    if entry.get("amount_nusd") is None:
        return None
    usage = entry.get("usage") or {}
    return Charge(
        seq=entry["seq"],
        kind=entry["kind"],
        rid=entry.get("rid") or "",
        at_us=entry["ts"],
        payer=payer_of(entry),
        nusd=entry["amount_nusd"],
        counted=entry.get("counted") or "billed",
        estimate=entry.get("evidence") in ESTIMATES,
        input_tokens=sum(usage.get(name, 0) for name in _INPUT),
        cached_tokens=sum(usage.get(name, 0) for name in _CACHED),
        output_tokens=usage.get("output_tokens", 0),
    )


def payer_of(fields: Mapping[str, Any]) -> Payer:
    """Who pays, from an entry's or an event's words."""
    known = {name: fields[name] for name in Payer.__dataclass_fields__ if fields.get(name)}
    return Payer.from_known(known)


def event_payer(fields: Mapping[str, Any]) -> Payer:
    """Who pays, from an event: its payer, with the model and provider it names itself."""
    own = {name: fields[name] for name in ("model", "provider") if fields.get(name)}
    return payer_of({**(fields.get("payer") or {}), **own})


USAGE_NAMES = frozenset(Usage.__struct_fields__)
assert {*_INPUT, *_CACHED, "output_tokens"} <= USAGE_NAMES
