"""Teams that nothing can be spent for, in the words of a budget: a seat where nothing ever fits."""

from agentspend.bookkeeper.rooms import Seat
from agentspend.bookkeeper.team_policy import TeamPolicy
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
VIEWER = f"{TEAM_PREFIX}viewer."
"""The member that follows may only look, for whatever team."""


def closed(policy: TeamPolicy, member: str, team: str) -> Seat | None:
    """The seat that stops everything a member would spend for a team; None where none does."""
    if policy.looks_only:
        return _closed(VIEWER, member)
    if not policy.has(team):
        return _closed(LEFT, team)
    return _closed(FROZEN, team) if team in policy.frozen else None


def is_closed(budget: str) -> bool:
    """Whether this is such a seat's budget: no person's raise helps there."""
    return budget.startswith((FROZEN, LEFT, VIEWER))


def _closed(prefix: str, team: str) -> Seat:
    return Seat(Budget(f"{prefix}{team}", 0, Window(WindowKind.TOTAL), Scope()), NO_ACCOUNT)
