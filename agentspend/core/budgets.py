"""Budget = scope × window × limit × mode: the value people set, and the account it is kept in."""

from dataclasses import dataclass
from enum import StrEnum

from agentspend.core.scopes import Scope
from agentspend.core.windows import Window

TEAM_PREFIX = "team:"
"""How a pool of the team's is called where budgets are; no budget's name holds a colon."""


class Mode(StrEnum):
    """`hard` refuses; `warn` only tells."""

    HARD = "hard"
    WARN = "warn"


class BoundKind(StrEnum):
    """`strict` never trusts the provider's cache; `warm` trusts one the previous turn proved."""

    STRICT = "strict"
    WARM = "warm"


class Counts(StrEnum):
    """`billed` counts real dollars only; `all` counts subscription use at list price too."""

    BILLED = "billed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget as adopted. `name` is unique; `limit_nusd` is in nano-USD.

    `warn_percents` are the shares of the limit at which people are told (ascending). `source` names
    who declares it: a repository's file, "" for the configuration.
    """

    name: str
    limit_nusd: int
    window: Window
    scope: Scope
    mode: Mode = Mode.HARD
    bound: BoundKind = BoundKind.STRICT
    counts: Counts = Counts.BILLED
    warn_percents: tuple[int, ...] = (50, 80)
    source: str = ""
