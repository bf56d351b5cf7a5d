"""The teams of a device's member, and which of them an entry was spent for.

A device says it in its entry; that it may is our word. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentspend.wire.entry_reader import Read


@dataclass(frozen=True, slots=True)
class Belonging:
    """One member's teams. `home` is the first, `teams` all of them, `known` also those they have
    left; in `frozen` ones nobody spends. `owners` says of a pool whose alone it is, of these."""

    home: str = ""
    teams: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    owners: Mapping[str, str] = field(default_factory=dict)

    def team_of(self, said: Read) -> str:
        """Which team's spending an entry is: the one it names, if its member is or was in it.

        An entry that names none is that of the team whose rights it names, else the home team's;
        so is one that names a team it has no business with.
        """
        if said.team in self.known:
            return said.team
        for right in said.rights or ():
            owner = self.owners.get(right[0])
            if owner is not None:
                return owner
        return self.home

    def may_want(self, pool: str) -> bool:
        """Whether rights are granted in a pool: not for those of a team that is frozen, and of no
        other when all are."""
        owner = self.owners.get(pool)
        frozen = self.teams <= self.frozen if owner is None else owner in self.frozen
        return not (self.teams and frozen)

    def counts(self, said: Read, pool: str) -> bool:
        """Whether an entry can count in a pool, by its team alone."""
        owner = self.owners.get(pool)
        return owner is None or owner == self.team_of(said)
