"""A team's cap as people see it: whole, not only what of it was granted to this device."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Shown:
    """What a line of a budget says: limit, spent, held and free, in nano-USD.

    `is_whole`: of the team's cap; else of this device's allowance, as much of the cap as it was
    granted so far.
    """

    limit_nusd: int
    spent_nusd: int
    held_nusd: int
    free_nusd: int
    is_whole: bool = False


def whole(ours: Shown, cap_nusd: int, spent_nusd: int, out_nusd: int, free_nusd: int) -> Shown:
    """The cap as the server told it a moment ago: what all spent, what was granted and is not
    spent, what it may still grant.

    What it may grant is free here too; what other devices were granted is held.
    """
    committed_nusd = spent_nusd + out_nusd
    known_nusd = max(spent_nusd, ours.spent_nusd)
    return replace(
        ours,
        limit_nusd=cap_nusd,
        spent_nusd=known_nusd,
        held_nusd=max(ours.held_nusd, committed_nusd - known_nusd - ours.free_nusd),
        free_nusd=ours.free_nusd + free_nusd,
        is_whole=True,
    )
