"""Pools as a device knows them, and the index of a window."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.allowance.pools import POOL_WINDOWS, Pool, index_of
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window, WindowKind

DAY_US = 86_400_000_000
ZONES = ("UTC", "Europe/Berlin", "Pacific/Apia", "America/Havana", "Asia/Kathmandu")


@pytest.mark.parametrize("window", ["session", "hour", "rolling 5h"])
def test_a_window_devices_cannot_agree_on_is_refused(window: str) -> None:
    """Sessions and rolling windows are a device's own affair."""
    with pytest.raises(AgentspendError, match=window):
        Pool("p", Scope(), Window.parse(window), 1)


@given(
    st.sampled_from([kind for kind in POOL_WINDOWS if kind is not WindowKind.TOTAL]),
    st.sampled_from(ZONES),
    st.integers(800_000_000_000_000, 2_200_000_000_000_000),
)
def test_the_index_grows_from_window_to_window(kind: WindowKind, zone: str, now_us: int) -> None:
    """Within a window it stays, at its end it grows: no two windows share an account."""
    window, where = Window(kind), ZoneInfo(zone)
    index, here = index_of(window, now_us, where)
    assert here.ends_us is not None
    assert index_of(window, here.starts_us, where)[0] == index
    assert index_of(window, here.ends_us - 1, where)[0] == index
    assert index_of(window, here.ends_us, where)[0] > index


def test_months_are_counted_one_by_one() -> None:
    """December and January are neighbours; a total has one window for ever."""
    month, total = Window(WindowKind.MONTH), Window(WindowKind.TOTAL)
    january_us = 1_767_225_600_000_000
    first = index_of(month, january_us - DAY_US, ZoneInfo("UTC"))[0]
    assert index_of(month, january_us, ZoneInfo("UTC"))[0] == first + 1 == 2026 * 12
    assert index_of(total, january_us, ZoneInfo("UTC"))[0] == 0
