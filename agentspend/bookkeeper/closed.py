"""Teams that nothing can be spent for, in the words of a budget: a seat where nothing ever fits."""

from agentspend.bookkeeper.rooms import Seat
from agentspend.core.budgets import TEAM_PREFIX, Budget
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window, WindowKind
from agentspend.store.accounts import Account

NO_ACCOUNT = Account(
    id=-1, budget="", generation=0, window_key="", starts_us=0, ends_us=None, mode="hard",
    limit_nusd=0, spent_nusd=0, held_nusd=0, over_nusd=0,
)  # fmt: skip
"""Nothing can be held here but a request that costs nothing."""
FROZEN = f"{TEAM_PREFIX}frozen."
"""A lead stopped all spending of the team that follows."""
LEFT = f"{TEAM_PREFIX}left."
"""The session spends for the team that follows, and its member is in it no more."""


def frozen(team: str) -> Seat:
    """The seat of a team that a lead has frozen."""
    return _closed(FROZEN, team)


def left(team: str) -> Seat:
    """The seat of a team that the member does not belong to."""
    return _closed(LEFT, team)


def is_closed(budget: str) -> bool:
    """Whether this is such a seat's budget: no person's raise helps there."""
    return budget.startswith((FROZEN, LEFT))


def _closed(prefix: str, team: str) -> Seat:
    return Seat(Budget(f"{prefix}{team}", 0, Window(WindowKind.TOTAL), Scope()), NO_ACCOUNT)
