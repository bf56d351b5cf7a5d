"""Nothing that somebody chose reaches a terminal as a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.printable import clean, in_encoding


@given(st.text())
def test_nothing_in_a_name_reaches_the_terminal(text: str) -> None:
    """Whatever somebody calls a branch, what is shown can be printed, letter for letter."""
    assert clean(text).isprintable()
    assert [b for a, b in zip(text, clean(text), strict=True) if a.isprintable()] == [
        letter for letter in text if letter.isprintable()
    ]


def test_a_sequence_is_seen_for_what_it_is() -> None:
    """What would have set a title or the clipboard can be read."""
    assert clean("\x1b]0;mine\x07 \u202eplease") == "?]0;mine? ?please"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "✗ daily ▕█░▏ → Zoë …"),
        (None, "✗ daily ▕█░▏ → Zoë …"),
        ("ascii", "x daily [#.] > Zo? ~"),
        ("latin-1", "x daily [#.] > Zoë ~"),
    ],
)
def test_our_signs_in_any_encoding(encoding: str | None, shown: str) -> None:
    """A bar of question marks says nothing; names keep what the stream can write."""
    assert in_encoding("✗ daily ▕█░▏ → Zoë …", encoding) == shown
