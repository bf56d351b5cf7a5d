"""The server's policy as the books apply it: the member's teams, their pools, who is frozen.

A member has a home team, the first, and may belong to more. Each request is for exactly one of
them: its pools are those of that team, and those of everybody, of the member and of the device.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentspend.bookkeeper.pools import pool_of
from agentspend.core.allowance.pools import Pool
from agentspend.core.scopes import Payer

VIEWER = "viewer"
"""The role, as the server's policy names it, whose devices spend nothing."""


@dataclass(frozen=True, slots=True)
class TeamPolicy:
    """What is in force. `teams` are all the member's, the home team first; none is known before
    the server has said so. In those that are `frozen` nothing is spent, and by a member who
    `looks_only` nothing at all."""

    version: int = 0
    teams: tuple[str, ...] = ()
    frozen: frozenset[str] = frozenset()
    pools: tuple[Pool, ...] = ()
    looks_only: bool = False

    @property
    def caps(self) -> dict[str, int]:
        """The cap of each pool, in nano-USD."""
        return {pool.id: pool.cap_nusd for pool in self.pools}

    @property
    def home(self) -> str:
        """The team that pays where nobody names one; "" before the server has said."""
        return self.teams[0] if self.teams else ""

    def named(self, payer: Payer) -> Payer:
        """The payer with the team that pays, where it names none."""
        return payer if payer.team or not self.teams else replace(payer, team=self.home)

    def has(self, team: str) -> bool:
        """Whether the member may spend for this team."""
        return not self.teams or team in self.teams

    def concerns(self, pool: Pool, payer: Payer) -> bool:
        """Whether a pool can be one of this payer's, by its team alone."""
        return not pool.team or pool.team == (payer.team or self.home)

    def paid_by(self, pool: Pool) -> tuple[str, ...]:
        """The teams whose charges count in a pool, () for any; "" is a charge that names none."""
        if not pool.team:
            return ()
        return (pool.team, "") if pool.team == self.home else (pool.team,)


def policy_of(told: Mapping[str, Any]) -> TeamPolicy:
    """A policy as its server wrote it. `teams` in it are those besides the home team."""
    if not told:
        return TeamPolicy()
    parts = parts_of(told)
    return TeamPolicy(
        version=int(told.get("version", 0)),
        teams=tuple(name for name in parts if name),
        frozen=frozenset(name for name, part in parts.items() if part.get("frozen")),
        pools=tuple(_pools(parts.values())),
        looks_only=told.get("role") == VIEWER,
    )


def parts_of(told: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What a policy says for each of the member's teams, the home team's first."""
    further = {str(part["team"]): part for part in told.get("teams", ())}
    return {str(told.get("team", "")): told, **further}


def _pools(parts: Iterable[Mapping[str, Any]]) -> Iterable[Pool]:
    """Every pool once: those that all teams share stand in the home team's part."""
    told = (each for part in parts for each in part.get("pools", ()))
    return {pool.id: pool for pool in map(pool_of, told)}.values()


def turned(
    before: Mapping[str, int], policy: TeamPolicy, turns: Mapping[str, int]
) -> dict[str, int]:
    """How often each pool's cap became another, once more where this policy changes it."""
    changed = [name for name, nusd in policy.caps.items() if before.get(name, nusd) != nusd]
    return {**turns, **{name: turns.get(name, 0) + 1 for name in changed}}
