"""Which pools begin a new window now: the server's clock alone decides, and never back."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from agentspend.core.allowance.pools import index_of
from agentspend.core.windows import Window, WindowKind
from sync_server.allowance.journal import Opened
from sync_server.allowance.pools import PoolState


def due(pools: Iterable[tuple[PoolState, str]], now_us: int, zone: str) -> list[Opened]:
    """The lines that begin new windows. `pools` are states with the kind of their window."""
    lines = []
    for state, kind in pools:
        if state.ends_us is not None and state.ends_us <= now_us:
            index, here = index_of(Window(WindowKind(kind)), now_us, ZoneInfo(zone))
            if index > state.window:
                lines.append(Opened(state.id, state.cap_nusd, index, here.ends_us))
    return lines


def first(pool: str, cap_nusd: int, kind: str, now_us: int, zone: str) -> Opened:
    """The line that opens a new pool in the window that runs now."""
    index, here = index_of(Window(WindowKind(kind)), now_us, ZoneInfo(zone))
    return Opened(pool, cap_nusd, index, here.ends_us)
