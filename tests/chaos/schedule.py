"""What happens when in a run: drawn from a seed before it begins, so that a seed tells a story."""

from dataclasses import dataclass
from random import Random

KILL_SERVER, KILL_DAEMON = "server killed", "daemon killed"
CUT_OFF, CLONE, RESTORE = "device cut off for long", "home cloned", "home restored"
LOWER, RAISE, REQUEST = "cap lowered", "cap raised", "raise asked for and approved"
REPLAY, LULL = "old requests played again", "storm pauses"
FREEZE, VIEWER = "team frozen for a while", "member may only look for a while"
WRITE_OFF, PUT_BACK = "old ledgers written off", "server restored from a backup"
OVER, ANEW, ASIDE = "copied over the file", "file removed and copied", "home moved aside"
WAYS = (OVER, ANEW, ASIDE)
"""How a backup is put back. The first keeps the file's inode, the second often gets it again."""

EVERY_S = {
    KILL_SERVER: 7.0,
    KILL_DAEMON: 3.5,
    CUT_OFF: 12.0,
    CLONE: 25.0,
    RESTORE: 14.0,
    LOWER: 12.0,
    RAISE: 6.0,
    REQUEST: 11.0,
    REPLAY: 2.0,
    LULL: 20.0,
    FREEZE: 20.0,
    VIEWER: 20.0,
    WRITE_OFF: 15.0,
    PUT_BACK: 20.0,
}
"""The mean time between two of a kind, in the short run; see `pace`."""
SHORT_S = 60.0
MOST_CLONES = 4


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens. `device` is a number; `share` a draw from 0 to 1 for its size."""

    at_s: float
    kind: str
    device: int = 0
    share: float = 0.0
    way: str = ""


def plan(seed: int, lasts_s: float, devices: int) -> list[Event]:
    """Every event of a run, in order. Of each kind at least two happen, or at its pace more."""
    chance = Random(f"{seed} schedule")
    events = []
    for kind, every_s in EVERY_S.items():
        count = max(2, round(lasts_s / (every_s * pace(lasts_s))))
        if kind == CLONE:
            count = min(count, MOST_CLONES)
        if kind == RESTORE:
            count = max(count, len(WAYS))
        victims = _victims(chance, count, devices)
        for number, device in enumerate(victims):
            at_s = lasts_s * (number + chance.uniform(0.1, 0.9)) / count
            way = WAYS[number % len(WAYS)] if kind == RESTORE else ""
            events.append(Event(at_s, kind, device, chance.random(), way))
    return sorted(events, key=lambda event: event.at_s)


def pace(lasts_s: float) -> float:
    """A long run is less dense: its point is what many small things add up to."""
    return 1.0 if lasts_s <= SHORT_S else 1.6


def _victims(chance: Random, count: int, devices: int) -> list[int]:
    """Whose turn it is: everybody's before anybody's again."""
    found: list[int] = []
    while len(found) < count:
        found += chance.sample(range(devices), devices)
    return found[:count]
