"""Lengths as people write them for another gateway, and the windows they mean here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.durations import length_s, window_of
from agentspend.core.errors import AgentspendError


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("1d", "day"), ("24h", "day"), ("daily", "day"), ("Daily", "day"), ("day", "day"),
        ("7d", "week"), ("1w", "week"), ("weekly", "week"),
        ("1mo", "month"), ("30d", "month"), ("monthly", "month"),
        ("1h", "hour"), ("hourly", "hour"),
        ("5h", "rolling 5h"), ("3d", "rolling 3d"), ("30m", "rolling 30m"), ("2w", "rolling 14d"),
        ("", "total"), ("total", "total"), ("session", "session"),
    ],
)  # fmt: skip
def test_a_duration_becomes_a_window(written: str, window: str) -> None:
    """Whole calendar units are calendar windows, as they are elsewhere; the rest rolls."""
    assert window_of(written).text() == window


@pytest.mark.parametrize("written", ["2mo", "30s", "0d", "often", "1", "-1d", "1.5h"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    """With how to write one."""
    with pytest.raises(AgentspendError, match="starts anew") as caught:
        window_of(written)
    assert "1mo" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("24h", 86_400), ("90d", 7_776_000), ("30m", 1_800), ("45s", 45), ("2w", 1_209_600),
     ("6mo", 15_552_000), (" 1D ", 86_400)],
)  # fmt: skip
def test_a_length_in_seconds(written: str, seconds: int) -> None:
    """Of a grace, or until a key ends; a month is 30 days."""
    assert length_s(written) == seconds


@pytest.mark.parametrize("written", ["", "0h", "soon", "1", "1y", "-1d", "99999d"])
def test_what_is_no_length_is_refused(written: str) -> None:
    """No length is ever nothing."""
    with pytest.raises(AgentspendError, match="is not a length of time"):
        length_s(written)


@given(st.integers(1, 9_999), st.sampled_from("smhd"))
def test_lengths_are_exact(count: int, unit: str) -> None:
    """As many units as were written."""
    assert length_s(f"{count}{unit}") == count * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[unit]
