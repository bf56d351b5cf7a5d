"""A narrow terminal breaks between words, and never inside what is to be copied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.folding import folded


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("words that go on and on until the end", ["words that go on and", "on until the end"]),
        ("store one: `agentspend keys set anthropic`, or not",
         ["store one:", "`agentspend keys set anthropic`,", "or not"]),
        ("no budget applies  → agentspend budget set daily 25.00 --window day",
         ["no budget applies", "→ agentspend budget set daily 25.00 --window day"]),
        ("→ agentspend budget set daily 25.00", ["→ agentspend budget set daily 25.00"]),
        ("→ agentspend status    lists the questions that are open",
         ["→ agentspend status", "  lists the", "  questions that are", "  open"]),
        ("→ use letters, digits, - _ and .", ["→ use letters,", "  digits, - _ and ."]),
        ("→ agentspend keys unlock, or agentspend keys set x",
         ["→ agentspend keys unlock,", "  or", "  agentspend keys set x"]),
        ("→ end it: kill -9 4711  (nothing is lost)",
         ["→ end it:", "  kill -9 4711", "  (nothing is lost)"]),
        ("→ agentspend run [--tag K=V]… AGENT", ["→ agentspend run", "  [--tag K=V]… AGENT"]),
        ("✓ the ledger is on a local disk", ["✓ the ledger is on a", "  local disk"]),
        ("    → agentspend enable claude", ["    → agentspend enable claude"]),
        ("! somebody waits\n  → agentspend budget confirm",
         ["! somebody waits", "  → agentspend budget confirm"]),
        ("a `lonely backtick and more words here", ["a `lonely backtick", "and more words here"]),
        ("", [""]),
    ],
)  # fmt: skip
def test_a_narrow_terminal_breaks_between_words(text: str, lines: list[str]) -> None:
    """Words below stand under the words above; a command is never broken, a remark on it is."""
    assert folded(text, 20).split("\n") == lines


@given(st.text(st.sampled_from("ab `→\t:é,.!✓\n"), max_size=60), st.integers(1, 30))
def test_folding_loses_no_word(text: str, width: int) -> None:
    """Whatever the words, they come out in their order."""
    assert folded(text, width).split() == text.split()


@given(st.lists(st.text("abc", min_size=1, max_size=8), max_size=20), st.integers(10, 40))
def test_no_line_is_too_long(words: list[str], width: int) -> None:
    """Where every word has room, every line has."""
    assert all(len(line) <= width for line in folded(" ".join(words), width).split("\n"))
