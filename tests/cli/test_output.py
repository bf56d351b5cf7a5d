"""What goes to stdout: versioned JSON, plain columns that fit, bars that add up."""

import io
import sys
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentspend.cli import output


def drawn(capsys: pytest.CaptureFixture[str], *args: object, **settings: object) -> list[str]:
    """The lines of a table."""
    output.table(*args, **settings)  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 30 columns, as far as width goes."""
    monkeypatch.setattr(output, "PIPE_WIDTH", 30)


def test_json_is_one_line_with_its_version_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of any language stay as they are."""
    output.answer({"name": "Zoë\n"})
    assert capsys.readouterr().out == '{"v":1,"name":"Zoë\\n"}\n'


def test_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Words to the left, figures to the right, nothing after the last word."""
    rows = [["a", "$1.00"], ["longer", "$10.00"]]
    assert drawn(capsys, ["NAME", ">COST"], rows) == [
        "NAME      COST",
        "a        $1.00",
        "longer  $10.00",
    ]
    assert drawn(capsys, ["", ">"], rows, head=False)[0] == "a        $1.00"


def test_a_narrow_place(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Spare columns go first, in their order; then words are cut; figures never."""
    columns, row = ["NAME", "FOR", ">COST"], ["n" * 12, "f" * 12, "$1,000.00"]
    assert drawn(capsys, columns, [row], spare=[1])[1] == f"{'n' * 12}  $1,000.00"
    cut = drawn(capsys, columns, [row])[1]
    assert cut.endswith("  $1,000.00")
    assert len(cut) == 30
    assert cut.count("…") == 2
    wrapped = drawn(capsys, ["", ""], [["key", "word " * 10]], wrap=True)
    assert "".join(wrapped).count("word") == 10
    assert max(map(len, wrapped)) <= 30


def test_wide_characters_count_double(narrow: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns stay aligned behind names of any script."""
    rows = drawn(capsys, ["N", ">C"], [["項目", "1"], ["ab", "2"]])
    assert rows[1:] == ["項目  1", "ab    2"]


CELLS = st.text(st.sampled_from("aB9 项目é$…[]\\"), max_size=9).map(str.strip)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5),
    st.sampled_from(["", "red", "yellow"]),
)
def test_rows_are_drawn_as_rich_draws_them(rows: list[tuple[str, str, str]], style: str) -> None:
    """Drawing by hand is for speed only: the same columns, in any script and style."""
    cells = [[output.styled(cell, style) for cell in row] for row in rows]
    out = io.StringIO()
    with redirect_stdout(out):
        output.table(["A", ">B", "C"], cells)
    whole = Table(box=None, pad_edge=False)
    whole.add_column("A", no_wrap=True)
    whole.add_column("B", justify="right", no_wrap=True)
    whole.add_column("C", no_wrap=True)
    for row in cells:
        whole.add_row(*row)
    console = Console(width=output.PIPE_WIDTH, file=io.StringIO(), emoji=False)
    with console.capture() as wanted:
        console.print(whole)
    assert out.getvalue().splitlines() == [line.rstrip() for line in wanted.get().splitlines()]


def test_figures_are_cut_only_where_nothing_else_is_left(
    narrow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line never grows past the terminal."""
    lines = drawn(capsys, [">A", ">B"], [["$" + "1" * 30, "$" + "2" * 30]])
    assert max(map(len, lines)) <= 30


def test_thousands_of_plain_rows_cost_no_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every price there is (`prices show`) is drawn without reading each cell as markup: that took
    seconds."""
    read: list[str] = []
    whole = Text.from_markup
    monkeypatch.setattr(Text, "from_markup", lambda text: read.append(text) or whole(text))
    assert len(drawn(capsys, ["A", ">B"], [["model", "1.25"]] * 2_000)) == 2_001
    assert len(read) == 2


def test_style_is_ours_only() -> None:
    """A style wraps the text; brackets in the text are text."""
    assert output.styled("[x]", "red") == "[red]\\[x][/]"
    assert output.styled("", "red") == ""


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_bar_is_whole_and_shows_what_is_there(spent: int, held: int, limit: int) -> None:
    """A bar has its length; anything spent shows, and nothing shows that is not there."""
    bar = output.bar(spent, held, limit)
    assert len(bar) == output.BAR_CELLS
    assert ("█" in bar) is (spent > 0)
    assert "▒" not in bar or held > 0
    if not spent + held:
        assert set(bar) == {"░"}


def test_a_reader_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed pipe ends the command without a word and with success."""

    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    closed = Closed()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(output, "close_pipes", lambda: None)
    with pytest.raises(SystemExit) as stopped:
        output.line("x")
    assert stopped.value.code == 0


def test_sentences_are_broken_between_words_where_somebody_reads_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data is not: what a pipe or a person copies is one line."""
    monkeypatch.setattr(output, "columns", lambda _: 24)
    output.sentence("✗ no request may leave: the disk is full")
    output.line("a line of data that is longer than that")
    assert capsys.readouterr().out.splitlines() == [
        "✗ no request may leave:", "  the disk is full", "a line of data that is longer than that",
    ]  # fmt: skip
