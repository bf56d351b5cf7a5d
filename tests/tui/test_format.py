"""Figures as the screen writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.format import Glyphs, ago, bar, cents, fit, free_cents, left, percent, precise, tokens

USD = 10**9


def test_spent_is_rounded_up_and_free_down() -> None:
    """Nobody is shown more than there is."""
    assert cents(9_601_000_000) == "$9.61"
    assert free_cents(9_609_999_999) == "$9.60"
    assert (cents(0), cents(1), cents(-5 * USD)) == ("$0.00", "$0.01", "-$5.00")
    assert precise(41_150_001) == "$0.0412"
    assert cents(1_234_567 * USD) == "$1,234,567.00"


def test_three_digits_tell_tokens() -> None:
    """412, 18.2k, 1.92M: never longer than five cells below a thousand billion."""
    assert [tokens(n) for n in (0, 412, 1_820, 18_210, 182_100, 1_921_000, 10**9)] == [
        "0", "412", "1.82k", "18.2k", "182k", "1.92M", "1.00G",
    ]  # fmt: skip


def test_durations_have_one_unit() -> None:
    """Short enough for a column."""
    assert [ago(s) for s in (0, 1, 14, 61, 7_200, 100_000)] == ["now", "now", "14s", "1m", "2h",
                                                                "1d"]  # fmt: skip
    assert [left(s) for s in (-5, 27 * 60, 34_020, 12 * 86_400)] == ["0s", "27m", "9h27m", "12d"]


@given(
    spent=st.integers(0, 200 * USD), held=st.integers(0, 50 * USD), limit=st.integers(1, 200 * USD),
    cells=st.integers(3, 60),
)  # fmt: skip
def test_a_bar_is_as_wide_as_asked_and_full_only_when_nothing_is_left(
    spent: int, held: int, limit: int, cells: int
) -> None:
    """Anything spent or held shows; a bar that looks full is full."""
    drawn = bar(spent, held, limit, cells)
    assert cell_len(drawn) == cells + 2
    assert ("░" not in drawn) == (spent + held >= limit)
    assert ("█" in drawn) or spent == 0 or held > 0
    assert percent(spent + held, limit) >= 100 or "░" in drawn


@given(st.text(max_size=40), st.integers(1, 30))
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, cells: int) -> None:
    """Also for letters two cells wide: columns never move, and a terminal obeys none of them."""
    fitted = fit(text, cells)
    assert cell_len(fitted) == cells
    assert fitted.isprintable()
    assert Glyphs()(text).isprintable()


@pytest.mark.parametrize("text", ["▕███▒░▏", "● enforcing", "⏎ detail", "漢"])
def test_ascii_holds_no_other_character(text: str) -> None:
    """A terminal of ASCII only is given ASCII only."""
    assert Glyphs(ascii=True)(text).isascii()


def test_a_curve_is_scaled_to_its_largest() -> None:
    """Nothing is lowest, the largest highest; without anything it is flat."""
    assert Glyphs().curve([0, 1, 4, 8]) == "▁▂▅█"
    assert Glyphs().curve([0, 0]) == "▁▁"
    assert Glyphs(ascii=True).curve([0, 8]) == "_#"
