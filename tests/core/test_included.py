"""A subscription's windows as values: what stops a request, until when, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.included import (
    ALL_BP,
    PAID_OVERAGE,
    IncludedWindow,
    Stand,
    called,
    length_us,
    merged,
    percent_text,
    stopping,
)

NOW_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000
OPUS = "claude-opus-5"


def window(
    name: str = "5h",
    used_bp: int | None = 0,
    resets_us: int | None = NOW_US + HOUR_US,
    *,
    model: str = "",
    stand: Stand = Stand.OPEN,
    seen_us: int = NOW_US,
) -> IncludedWindow:
    """A window of one Claude login."""
    return IncludedWindow("anthropic", "a1", name, model, stand, used_bp, resets_us, seen_us)


@pytest.mark.parametrize(
    ("known", "stops"),
    [
        (window(used_bp=9_799), False),
        (window(used_bp=9_800), True),
        (window(used_bp=9_800, resets_us=NOW_US), False),
        (window(used_bp=9_800, resets_us=NOW_US + 1), True),
        (window(used_bp=None), False),
        (window(used_bp=None, stand=Stand.USED_UP), True),
        (window(used_bp=0, stand=Stand.NEAR), False),
        (window(PAID_OVERAGE, 0, stand=Stand.PAID), True),
        (window("7d_oi", ALL_BP, model=OPUS), True),
        (window("7d_oi", ALL_BP, model="claude-haiku-5-5"), False),
    ],
)
def test_what_stops_a_request(known: IncludedWindow, *, stops: bool) -> None:
    """The share, or the provider's word, of a window that has not started anew, of its model."""
    assert (stopping([known], OPUS, 9_800, NOW_US) is not None) is stops


def test_the_longest_stop_is_told() -> None:
    """Waiting for the five hours would only lead to the week's refusal."""
    day = window("7d", ALL_BP, NOW_US + 30 * HOUR_US)
    assert stopping([window(used_bp=ALL_BP), day, window("1d", 0)], OPUS, ALL_BP, NOW_US) == day
    paid = window(PAID_OVERAGE, None, stand=Stand.PAID)
    assert stopping([window(used_bp=ALL_BP), paid], OPUS, ALL_BP, NOW_US) == paid
    assert stopping([], OPUS, ALL_BP, NOW_US) is None


@pytest.mark.parametrize(
    ("name", "lasts_us"),
    [("5h", 5 * HOUR_US), ("7d_oi", 168 * HOUR_US), ("90m", 90 * 60_000_000), ("primary", None)],
)
def test_a_window_without_a_reset_ends_by_its_length(name: str, lasts_us: int | None) -> None:
    """Or after the shortest one, so that nobody is kept out for good by a word left out."""
    assert length_us(name) == lasts_us
    ends_us = window(name, resets_us=None).ends_us
    assert ends_us == NOW_US + (lasts_us or 5 * HOUR_US)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (window("5h"), "5-hour window"),
        (window("7d"), "week"),
        (window("1d"), "day"),
        (window("30d"), "month"),
        (window("3d"), "3-day window"),
        (window("90m"), "90-minute window"),
        (window("7d_oi", model=OPUS), f"week of {OPUS}"),
        (window("primary"), "primary window"),
        (window(PAID_OVERAGE), "paid overage"),
    ],
)
def test_what_people_call_it(known: IncludedWindow, words: str) -> None:
    """By its length, and the model where it is of one alone."""
    assert called(known) == words


@pytest.mark.parametrize(
    ("used_bp", "text"),
    [(None, "?"), (0, "0 %"), (6_250, "62 %"), (9_999, "99 %"), (10_000, "100 %")],
)
def test_a_share_is_never_rounded_up(used_bp: int | None, text: str) -> None:
    """100 % is said when it is true."""
    assert percent_text(used_bp) == text


def test_newer_words_replace_older_ones() -> None:
    """Only those about the same window: an answer need not speak of all of them."""
    five, week, opus = window(), window("7d", 5), window("7d_oi", 7, model=OPUS)
    newer = window(used_bp=30, seen_us=NOW_US + 1)
    assert set(merged([five, week, opus], [newer]).values()) == {newer, week, opus}


def test_paid_overage_is_over_when_no_longer_spoken_of() -> None:
    """An answer that says nothing at all changes nothing."""
    paid = window(PAID_OVERAGE, stand=Stand.PAID)
    assert list(merged([paid, window()], []).values()) == [paid, window()]
    assert list(merged([paid], [window()]).values()) == [window()]
    assert list(merged([window()], [paid]).values()) == [window(), paid]


windows = st.builds(
    window,
    st.sampled_from(["5h", "7d", "7d_oi", PAID_OVERAGE]),
    st.none() | st.integers(0, 12_000),
    st.none() | st.integers(NOW_US - HOUR_US, NOW_US + HOUR_US),
    model=st.sampled_from(["", OPUS]),
    stand=st.sampled_from(Stand),
)


@given(st.lists(windows, max_size=5), st.integers(1, ALL_BP), st.integers(1, ALL_BP))
def test_a_wider_margin_never_lets_more_through(
    known: list[IncludedWindow], one_bp: int, other_bp: int
) -> None:
    """Whatever is known, stopping earlier stops at least what stopping later does."""
    earlier, later = sorted((one_bp, other_bp))
    if stopping(known, OPUS, later, NOW_US) is not None:
        assert stopping(known, OPUS, earlier, NOW_US) is not None


@given(st.lists(windows, max_size=5), st.integers(1, ALL_BP))
def test_every_stop_ends(known: list[IncludedWindow], at_bp: int) -> None:
    """At the moment that is told, that window stops nothing any more."""
    found = stopping(known, OPUS, at_bp, NOW_US)
    if found is not None:
        assert found.ends_us > NOW_US
        assert stopping(known, OPUS, at_bp, found.ends_us) is None
