"""What may mean that work goes past the meter, said as what it is: a sign, and what else it may be.

The server sees ledgers, not machines: whoever owns a machine and a provider key can go another way
(protocol study §2.2, A5), and only the provider's own bill proves it. Pure; moments are UTC µs.
"""

from dataclasses import dataclass
from enum import StrEnum

from agentspend.core.allowance.messages import Status
from sync_server.quotas import is_nearly_full

DAY_US = 86_400_000_000
SILENT_US = 3 * DAY_US
QUIET_US = 7 * DAY_US
GONE_US = 14 * DAY_US
MANY_LEDGERS, MANY_WITHIN_US = 3, 30 * DAY_US


class Sign(StrEnum):
    """A sign; `MEANS` says in words what is known, and what is not."""

    NEVER_SYNCED = "never_synced"
    SILENT = "silent"
    GONE = "gone"
    CLOCK = "clock"
    NEVER_SPENT = "never_spent"
    QUIET = "quiet"
    FORKED = "forked"
    MANY_LEDGERS = "many_ledgers"
    FLOODS = "floods"


MEANS = {
    Sign.NEVER_SYNCED: "it joined, and its daemon has never reported: agentspend may have been "
    "taken off, or never started again",
    Sign.SILENT: "not heard for days while another machine of the same member works: switched "
    "off, or its agents run without the daemon",
    Sign.GONE: "neither it nor another machine of the same member was heard for two weeks: a long "
    "holiday, or agentspend was taken off",
    Sign.CLOCK: "it dates what it spends more than a day ahead: a clock that is wrong, or one that "
    "was set so that reports of these days miss it",
    Sign.NEVER_SPENT: "its daemon reports, and no request ever came through it: nobody works "
    "there, or agents are started without agentspend",
    Sign.QUIET: "its daemon reports, and spends nothing for a week, though it did before: a "
    "holiday, or agents that now go another way",
    Sign.FORKED: "two ledgers under one name, each signed by its key: the machine was copied or "
    "put back while both ran; it gets no allowance",
    Sign.MANY_LEDGERS: "it began a ledger three times or more within thirty days: restored again "
    "and again, or its ledger is thrown away to hide what is in it",
    Sign.FLOODS: "it reports far more entries than work makes, and soon no more of it is taken for "
    "a while: a program that asks without end, or somebody who fills the server's disk",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server knows of one active device. `others_us`: when another machine of its member
    was heard last; `entries`: how many it has reported; `last_us`: when it last spent, by its
    clock; `ahead`: it has dated spending far ahead, which is not believed; `ledgers`: how many it
    has begun in `MANY_WITHIN_US`; `full_us`: when it has its whole share of the disk again."""

    enrolled_us: int
    seen_us: int
    others_us: int
    entries: int
    last_us: int | None
    ledgers: int
    status: Status
    ahead: bool = False
    full_us: int = 0


def signs(facts: Facts, now_us: int) -> list[Sign]:
    """The signs that one device shows, none for most."""
    found = []
    heard = facts.seen_us > facts.enrolled_us or facts.entries > 0
    if facts.status is Status.FORKED:
        found.append(Sign.FORKED)
    if facts.ledgers >= MANY_LEDGERS:
        found.append(Sign.MANY_LEDGERS)
    if is_nearly_full(facts.full_us, now_us):
        found.append(Sign.FLOODS)
    if facts.ahead:
        found.append(Sign.CLOCK)
    if not heard:
        if now_us - facts.enrolled_us >= DAY_US:
            found.append(Sign.NEVER_SYNCED)
        return found
    if now_us - facts.seen_us >= SILENT_US:
        if now_us - facts.others_us < DAY_US:
            found.append(Sign.SILENT)
        elif now_us - max(facts.seen_us, facts.others_us) >= GONE_US:
            found.append(Sign.GONE)
        return found
    if facts.last_us is None:
        if now_us - facts.enrolled_us >= QUIET_US:
            found.append(Sign.NEVER_SPENT)
    elif now_us - facts.last_us >= QUIET_US:
        found.append(Sign.QUIET)
    return found
