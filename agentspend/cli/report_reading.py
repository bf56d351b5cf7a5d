"""The sums a report is made of, page by page: from the daemon, or from `cli.offline`."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from agentspend.cli.ledger_reading import Ask
from agentspend.core.windows import QUARTER_US
from agentspend.reports.periods import Period
from agentspend.reports.rollup import Row, sums_of


@dataclass(frozen=True, slots=True)
class Opening:
    """What a report begins with: now, the zone of its days, the moments of the first and the last
    charge (None: nothing was charged yet), and real dollars in flight."""

    now_us: int
    zone: tzinfo
    extent_us: tuple[int, int] | None
    held_nusd: int
    held_requests: int


def opening(ask: Ask) -> Opening:
    """Ask for it."""
    found = ask("spending")
    extent = found["extent"]
    return Opening(
        found["now_us"],
        _zone(found["zone"]),
        (extent[0] * QUARTER_US, extent[1] * QUARTER_US) if extent else None,
        found["held_nusd"],
        found["held_requests"],
    )


def rows(ask: Ask, words: Collection[str], period: Period) -> Iterator[Row]:
    """The sums of a period, for each set of these words; a set may come again on another page."""
    ends_us = period.ends_us
    until = None if ends_us is None else -(-ends_us // QUARTER_US)
    since: int | None = period.starts_us // QUARTER_US
    while since is not None:
        page: dict[str, Any] = ask("spending", words=sorted(words), since=since, until=until)
        names = page["names"]
        for row in page["rows"]:
            said = dict(zip(names, row, strict=False))
            yield said, sums_of(said["counted"], *row[len(names) :])
        since = page["next"]


def _zone(name: str) -> tzinfo:
    """A zone by its name; this machine's, where that has none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        import tzlocal

        return tzlocal.get_localzone()
