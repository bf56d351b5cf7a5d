"""What the bookkeeper is asked and what it answers: values, never exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from agentspend.core.admission import Ask, RefusalReason
from agentspend.core.conversation import Turn
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing


class Moment(NamedTuple):
    """One reading of the clocks: wall time in UTC µs, and a monotonic one for waiting."""

    wall_us: int
    mono_us: int


class HoldRequest(msgspec.Struct, frozen=True):
    """A request that wants to leave.

    `counted` is "billed" or "subscription". `arrived_us`, `deadline_us` and `asks_until_us` are
    monotonic: the first arrival decides the place in the line, also after a count; where no budget
    lets it pass, a person is asked until the latter (0: it is refused). `facts` is what a ledger
    entry needs if the daemon dies (provider, model, price version …) and what `why` tells.
    """

    rid: str
    payer: Payer
    counted: str
    ask: Ask
    arrived_us: int
    deadline_us: int
    facts: Mapping[str, object] = msgspec.field(default_factory=dict)
    asks_until_us: int = 0


class Held(msgspec.Struct, frozen=True):
    """Admitted: the hold is on disk. `output_tokens` below what was wanted means a clamp."""

    rid: str
    amount_nusd: int
    output_tokens: int
    held_us: int
    budgets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsCount:
    """Ask the provider to count the prompt, then come again with the tighter bound."""


class Asked(StrEnum):
    """What a person answered who was asked whether a budget may be raised."""

    NOT = ""
    NO = "no"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Refused:
    """Not admitted. Amounts in nano-USD; `resets_us` is UTC µs or None when it never resets.

    `source` is the repository's file that declares the budget, "" for the configuration. `asked`:
    what became of the question whether it may pass, "" where none was asked.
    """

    reason: RefusalReason
    budget: str
    scope: str
    window: str
    limit_nusd: int
    spent_nusd: int
    held_nusd: int
    needed_nusd: int
    resets_us: int | None
    source: str = ""
    asked: Asked = Asked.NOT

    @property
    def free_nusd(self) -> int:
        """What was left for a new hold."""
        return max(0, self.limit_nusd - self.spent_nusd - self.held_nusd)


@dataclass(frozen=True, slots=True)
class Waiting:
    """In line behind this budget; the answer comes when it is known."""

    rid: str
    budget: str


HoldAnswer = Held | NeedsCount | Refused


class Settlement(msgspec.Struct, frozen=True):
    """How a hold ends in a charge.

    `entry` holds the ledger fields that describe the response (model, usage, price, rates …);
    `turn` is what the conversation may rely on next time, under its HMAC; `story` is for `why`.
    `unbilled_models` are those that might have answered besides the one asked, and did not.
    """

    rid: str
    amount_nusd: int
    billing: Billing
    evidence: str
    entry: Mapping[str, object] = msgspec.field(default_factory=dict)
    turn: tuple[bytes, Turn] | None = None
    story: Mapping[str, object] = msgspec.field(default_factory=dict)
    unbilled_models: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True):
    """Something that was committed, for whoever listens: `kind` and its fields."""

    kind: str
    fields: Mapping[str, object]
