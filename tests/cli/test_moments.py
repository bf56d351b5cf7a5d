"""Moments as people of this machine read them."""

import time
from collections.abc import Iterator

import pytest

from agentspend.cli import moments

AT_US = 1_795_608_000_000_000


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in Berlin at noon UTC."""
    with monkeypatch.context() as here:
        here.setenv("TZ", "Europe/Berlin")
        time.tzset()
        here.setattr(moments.time, "time_ns", lambda: AT_US * 1_000)
        yield
    time.tzset()


def test_a_moment_is_told_in_local_time() -> None:
    """The clock on the wall is the one that counts for a person."""
    assert moments.now_us() == AT_US
    assert moments.clock_text(AT_US) == "2026-11-25 13:00:00"


@pytest.mark.parametrize(
    ("before_s", "told"), [(0, "0 s"), (59, "59 s"), (600, "10 min"), (-5, "0 s")]
)
def test_how_long_ago(before_s: int, told: str) -> None:
    """Coarse words; a moment that lies ahead is now."""
    assert moments.ago_text(AT_US - before_s * 1_000_000) == told
