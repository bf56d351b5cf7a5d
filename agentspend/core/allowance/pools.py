"""Pools as a device knows them, and the index of a window.

The server alone says which window is running; a device never works it out. The index is a number
that grows with every window of a kind, so that "later" needs no calendar.
"""

from dataclasses import dataclass
from datetime import date, tzinfo

from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Scope
from agentspend.core.windows import Span, Window, WindowKind, span

POOL_WINDOWS = (WindowKind.DAY, WindowKind.WEEK, WindowKind.MONTH, WindowKind.TOTAL)


@dataclass(frozen=True, slots=True)
class Pool:
    """A budget of the team: who pays into it, and how often it starts anew.

    `cap_nusd` is shown to people; the device is bound by what it was granted, never by the cap.
    `warns`: the team only watches it so far, and nothing needs rights in it. `team` is whose it is
    alone, of the member's teams; "" of everybody, or of this member or device.
    """

    id: str
    scope: Scope
    window: Window
    cap_nusd: int
    warns: bool = False
    team: str = ""

    def __post_init__(self) -> None:
        """Refuse a window that devices could not agree on."""
        if self.window.kind not in POOL_WINDOWS:
            raise AgentspendError(
                f"a pool cannot have the window {self.window.text()!r}",
                "use day, week, month or total; shorter limits are the device's own",
            )


def index_of(window: Window, now_us: int, zone: tzinfo) -> tuple[int, Span]:
    """The running window of a kind: its index, and the stretch of time it covers.

    Days count from 0001-01-01, weeks and months likewise; `total` has the one window 0.
    """
    here = span(window, now_us, zone)
    match window.kind:
        case WindowKind.DAY:
            return date.fromisoformat(here.key).toordinal(), here
        case WindowKind.WEEK:
            year, _, week = here.key.partition("-W")
            return date.fromisocalendar(int(year), int(week), 1).toordinal() // 7, here
        case WindowKind.MONTH:
            year, _, month = here.key.partition("-")
            return int(year) * 12 + int(month) - 1, here
        case WindowKind.TOTAL:
            return 0, here
        case _:
            raise ValueError(f"{window.text()!r} is no window of a pool")
