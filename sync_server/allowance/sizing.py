"""How much to grant, and when to ask it back ([D5] of the protocol study, all integers).

The float is kept even by an idle device, so that it can start a session offline. Money stranded
while a pool is full costs nobody anything; as the pool runs dry the shares shrink with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agentspend.core.allowance.accounts import Account
from agentspend.core.allowance.messages import Lacking, Want
from agentspend.core.errors import AgentspendError
from sync_server.allowance.pools import PoolState

LITTLE = 400
"""A quarter of a percent."""
A_FEW, MOST_ASKED = 8, 32
FEW = 8
"""An eighth of a cap."""
LEDGERS = 3
"""What ledgers that a device has left behind keep of a pool is bounded, too: by as much as so many
may have. Who restores a machine twice in a window is given as much as ever; who begins ledger after
ledger to keep money from the others is not."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """A team's choice; amounts in nano-USD. A larger `share` strands less when money is short.

    With a share of 1 a lone device would be granted all and asked to return it, for ever; so
    would the last few nano-dollars, but for `grain_nusd`: less is moved only when it is needed.
    """

    float_nusd: int = 10_000_000_000
    least_burn_nusd: int = 100_000_000
    most_nusd: int = 20_000_000_000
    grain_nusd: int = 1_000_000
    share: int = 3

    def __post_init__(self) -> None:
        """Refuse what the rules are not sound for."""
        if self.share < 2:
            raise AgentspendError(f"a share of 1/{self.share} is too large", "use 2 or more")


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many devices share a pool: enrolled, and seen working in the last half hour."""

    enrolled: int
    active: int


def target_nusd(
    want: Want, available_nusd: int, cap_nusd: int, crowd: Crowd, sizing: Sizing
) -> int:
    """How much should be free on a device.

    When a pool is dry, all that busy devices keep there together is a small part of its cap.
    """
    left_nusd = max(available_nusd, 0)
    least_nusd = min(sizing.least_burn_nusd, cap_nusd // (LITTLE * max(crowd.active, 1)))
    idle_nusd = min(sizing.float_nusd, left_nusd // (sizing.share * max(crowd.enrolled, 1)))
    share_nusd = left_nusd // (sizing.share * max(crowd.active, 1))
    burn_nusd = min(want.burn_nusd, max(least_nusd, share_nusd))
    return max(idle_nusd, burn_nusd, want.need_nusd)


def free_nusd(account: Account, want: Want) -> int:
    """What is free on the device, as far as the server can know."""
    rights_nusd = account.granted_nusd - account.returned_nusd - account.used_nusd
    return rights_nusd - want.held_nusd


def bound_nusd(pool: PoolState, own: Iterable[PoolState], sizing: Sizing) -> int | None:
    """How much of a pool may lie on a device whose member has caps of their own; None: any amount.

    In `own` counts all that the device spends: what is unspent there, in this window and in earlier
    ones, is all it can hold and spend anywhere. More would be of no use to it and lack others; so a
    cap of their own also bounds what somebody keeps from the rest by saying that they need it. The
    little beside is for a request that the own cap refuses: that one is to be named, not this pool.
    """
    unspent = (max(each.available_nusd, 0) + each.outstanding_nusd + each.past_nusd for each in own)
    least = min(unspent, default=None)
    return None if least is None else least + min(sizing.most_nusd, pool.cap_nusd // FEW)


def grant_nusd(
    account: Account,
    pool: PoolState,
    want: Want,
    crowd: Crowd,
    sizing: Sizing,
    most_here: int | None = None,
) -> int:
    """R8's amount: what to add to an account. Never more than is available in the pool, beside what
    was spent above the account's rights: that is committed already.

    Nothing while more than half of the target is free; at most `most_nusd` (or twice the need) is
    free on one device, and `most_here` lies there (`bound_nusd`).
    """
    target = target_nusd(want, pool.available_nusd, pool.cap_nusd, crowd, sizing)
    free = free_nusd(account, want)
    if free >= want.need_nusd and 2 * free >= target:
        return 0
    if pool.available_nusd <= 0:
        return 0
    most = max(sizing.most_nusd, 2 * want.need_nusd)
    over_nusd = max(0, account.used_nusd - account.granted_nusd + account.returned_nusd)
    more = min(target - free, pool.available_nusd + over_nusd, most - free)
    if most_here is not None:
        more = min(more, max(0, most_here + over_nusd - account.outstanding_nusd))
    return more if more >= sizing.grain_nusd or (more > 0 and free < want.need_nusd) else 0


def keep_nusd(
    account: Account, pool: PoolState, want: Want, crowd: Crowd, sizing: Sizing
) -> int | None:
    """How much a device should keep, when it should return the rest; None: all of it.

    Of a pool whose cap was lowered below what is committed, whoever speaks returns at least what
    is too much, also what it is about to need: the new cap is to hold as soon as it can.
    """
    target = target_nusd(want, pool.available_nusd, pool.cap_nusd, crowd, sizing)
    if pool.available_nusd < 0:
        return max(0, min(target, free_nusd(account, want) + pool.available_nusd))
    free = free_nusd(account, want)
    scarce = 4 * pool.available_nusd < pool.cap_nusd
    too_much = (scarce and 4 * free > 5 * target) or free > 3 * target
    return target if too_much and free - target >= sizing.grain_nusd else None


def lacks(account: Account, pool: PoolState, want: Want) -> Lacking:
    """Whether what is needed is there now, and if not, whether it lies on other devices.

    What little busy devices keep of a dry pool is not asked back.
    """
    lacking_nusd = want.need_nusd - free_nusd(account, want)
    if want.need_nusd <= 0 or lacking_nusd <= 0:
        return Lacking.NOTHING
    elsewhere_nusd = pool.outstanding_nusd - account.outstanding_nusd
    enough = lacking_nusd <= elsewhere_nusd + max(pool.available_nusd, 0)
    return Lacking.COMING if enough and elsewhere_nusd >= pool.cap_nusd // LITTLE else Lacking.DRY


def asked_back(lies_nusd: Iterable[tuple[str, int]], lacking_nusd: int) -> list[str]:
    """Which devices are asked for what is lacking, from those on which rights lie (richest
    first): few, that hold twice as much together, for a part of it is in use there. Many only where
    it lies about in crumbs, and nobody who has next to nothing."""
    found: list[str] = []
    sum_nusd = 0
    for device, nusd in lies_nusd:
        enough_nusd = lacking_nusd if len(found) >= A_FEW else 2 * lacking_nusd
        if sum_nusd >= enough_nusd or nusd * MOST_ASKED < lacking_nusd or len(found) == MOST_ASKED:
            break
        found.append(device)
        sum_nusd += nusd
    return found
