"""When money runs out at the pace of late. Pure; for screens and `status`, never for admission."""

from collections.abc import Iterable

US_PER_H = 3_600_000_000
BURN_US = 1_800_000_000
"""The stretch the pace is taken from: half an hour smooths single requests, follows a fan-out."""

Charges = Iterable[tuple[int, int]]
"""What was charged and when: (UTC µs, nano-USD)."""


def burn_nusd_per_h(late_nusd: int) -> int:
    """The pace at which this much was spent within `BURN_US`, as nano-USD an hour."""
    return late_nusd * US_PER_H // BURN_US


def empty_at_us(free_nusd: int, burn_nusd_per_h: int, now_us: int) -> int | None:
    """When what is free is gone at this pace; None while nothing burns."""
    if burn_nusd_per_h <= 0:
        return None
    return now_us + max(0, free_nusd) * US_PER_H // burn_nusd_per_h


def buckets(charges: Charges, now_us: int, count: int, each_us: int) -> list[int]:
    """The charges of the last `count` stretches of `each_us`, oldest first; the last ends now."""
    found = [0] * count
    for at_us, nusd in charges:
        place = count - 1 - (now_us - at_us) // each_us
        if 0 <= place < count:
            found[place] += nusd
    return found
