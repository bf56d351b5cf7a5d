"""What a report looks like: snapshots of the screen, at its usual width and at a narrow one."""

import io
from contextlib import redirect_stdout
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from agentspend.cli import report_lines
from agentspend.cli.report_lines import Report, answer, show_chart, show_table, tokens_text
from agentspend.cli.report_reading import Opening
from agentspend.reports.periods import read_period
from agentspend.reports.rollup import Line, Sums

USD = 10**9
BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_795_698_420_000_000  # 2026-11-26 14:07 in Berlin
WEB = Sums(41, 9 * USD + 610_000_000, 0, 450_000_000, 1_920_000, 14_100_000, 800_500, 61_000)
API = Sums(63, 4 * USD + 870_000_000, 2 * USD, 0, 2_400_000, 9_000_000, 0, 48_100)
NONE = Sums(2, 600_000, 0, 0, 850, 0, 0, 40)


def report(by: tuple[str, ...], *lines: Line, held: int = 0, where: tuple[str, ...] = (),
           word: str = "", extent: tuple[int, int] | None = (1, NOW)) -> Report:  # fmt: skip
    """A report as the command makes it."""
    begun = Opening(NOW, BERLIN, extent, held * 300_000_000, held)
    return Report(begun, read_period(word, "", "", NOW, BERLIN), by, where, lines, running=True)


PROJECTS = report(
    ("project",), Line(("github.com/acme/web",), WEB), Line(("github.com/acme/api",), API),
    Line(("",), NONE), held=2,
)  # fmt: skip
TABLE = """\
this month, 1 – 26 Nov 2026 (Europe/Berlin), by project

PROJECT              REQUESTS     IN  CACHED  WRITTEN    OUT    SPENT  LISTED
github.com/acme/web        41  1.92M   14.1M     800k  61.0k   ~$9.61
github.com/acme/api        63  2.40M   9.00M        0  48.1k    $4.87   $2.00
—                           2    850       0        0     40  $0.0006
total                     106  4.32M   23.1M     800k   109k  ~$14.49   $2.00

~ $0.45 of it is estimated: what was used was never told  → agentspend log -n 0 --filter est
LISTED is what subscriptions covered, at list price: no money
$0.60 more is held now, by 2 requests in flight
"""
CHART = """\
this month, 1 – 26 Nov 2026 (Europe/Berlin), by project

PROJECT                                                                              SPENT  LISTED
github.com/acme/web  ████████████████████████████████████████████████████████████   ~$9.61
github.com/acme/api  ██████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒                      $4.87   $2.00
—                    █                                                             $0.0006
total                                                                              ~$14.49   $2.00

~ $0.45 of it is estimated: what was used was never told  → agentspend log -n 0 --filter est
LISTED is what subscriptions covered, at list price: no money
$0.60 more is held now, by 2 requests in flight
"""


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def on_screen(show: report_lines.Show, made: Report, columns: int) -> str:
    """What stands on a terminal so wide, which shows no colours."""
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(screen):
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", str(columns))
        show(made)
    return screen.getvalue()


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Real dollars and list price apart, estimates marked, the total, what is held."""
    show_table(PROJECTS)
    assert capsys.readouterr().out == TABLE


def test_a_chart(capsys: pytest.CaptureFixture[str]) -> None:
    """The longest bar is the largest line."""
    show_chart(PROJECTS)
    assert capsys.readouterr().out == CHART


@pytest.mark.parametrize(
    ("columns", "heads"),
    [(80, "PROJECT REQUESTS IN CACHED WRITTEN OUT SPENT LISTED"),
     (60, "PROJECT REQUESTS IN OUT SPENT LISTED"), (44, "PROJECT SPENT LISTED"),
     (24, "PROJECT SPENT LISTED")],
)  # fmt: skip
def test_a_narrow_terminal_keeps_the_money(columns: int, heads: str) -> None:
    """Tokens go first, then requests; no row is wider than the screen, nothing is coloured."""
    out = on_screen(show_table, PROJECTS, columns)
    rows = out.splitlines()[2:7]
    assert " ".join(rows[0].split()) == heads
    assert rows[1].split()[-1] == "~$9.61"
    assert max(map(len, rows)) <= columns
    assert "\x1b" not in out


@pytest.mark.parametrize("columns", [100, 44, 30])
def test_a_chart_in_a_narrow_terminal(columns: int) -> None:
    """Bars become short, names are cut, amounts stay."""
    made = report(("branch",), Line(("feature/a-very-long-name-of-a-branch",), NONE))
    row = on_screen(show_chart, made, columns).splitlines()[3]
    assert row.endswith("█  $0.0006")
    assert ("…" in row) is (columns < 100)
    assert len(row) <= columns


def test_days_have_their_names_and_a_chart_their_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    """A day when nothing was spent takes its place on the axis, up to today."""
    days = report(("day",), Line(("2026-11-22",), NONE), Line(("2026-11-25",), NONE), word="7d")
    show_table(days)
    assert "2026-11-22 Sun" in capsys.readouterr().out
    show_chart(days)
    lines = capsys.readouterr().out.splitlines()[3:8]
    assert [line[:14] for line in lines] == [
        "2026-11-22 Sun", "2026-11-23 Mon", "2026-11-24 Tue", "2026-11-25 Wed", "2026-11-26 Thu",
    ]  # fmt: skip
    assert ["█" in line for line in lines] == [True, False, False, True, False]


def test_a_chart_keeps_what_was_spent_before_the_clock_was_put_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every line of the table is in the chart."""
    show_chart(report(("day",), Line(("2026-11-26",), NONE), Line(("2026-11-28",), NONE)))
    lines = capsys.readouterr().out.splitlines()[3:6]
    assert [line.split()[0] for line in lines] == ["2026-11-26", "2026-11-28", "total"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (report(("day",), extent=None), ["nothing was spent yet", "→ agentspend run claude"]),
        (report(("day",), word="last-month"),
         ["nothing was spent; the last charge was on 2026-11-26",
          "→ agentspend report all --by month"]),
        (report(("day",), where=("agent=codex",)),
         ["nothing was spent by that", "→ agentspend report all --by agent"]),
        (report(("day",), where=("tag=urgent",)),
         ["nothing was spent by that", "→ agentspend report all --by project"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("show", [show_table, show_chart])
def test_nothing_spent_says_what_to_do(
    capsys: pytest.CaptureFixture[str], show: report_lines.Show, made: Report, said: list[str]
) -> None:
    """On an empty ledger, in a period without charges, by a filter that nothing passes."""
    show(made)
    assert capsys.readouterr().out.splitlines()[1:] == said


@pytest.mark.parametrize("show", [show_table, show_chart])
def test_one_line_needs_no_total(
    capsys: pytest.CaptureFixture[str], show: report_lines.Show
) -> None:
    """It is its own."""
    show(report(("agent",), Line(("claude",), NONE)))
    assert "total" not in capsys.readouterr().out


def test_what_a_dead_daemon_left_held_is_not_in_flight(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody waits for it any more."""
    show_table(replace(PROJECTS, running=False))
    assert capsys.readouterr().out.splitlines()[-1] == (
        "$0.60 more is held by 2 requests that the daemon died with: its next start charges that"
        " in full"
    )


def test_somebody_s_words_are_never_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """A branch is no markup and moves no cursor."""
    show_table(report(("branch",), Line(("[red]x\x1b[2J",), NONE)))
    out = capsys.readouterr().out
    assert "[red]x" in out
    assert "\x1b" not in out


def test_json_has_all_of_it() -> None:
    """Whole numbers, and the moments it is about."""
    found = answer(PROJECTS)
    assert found["lines"][0] == {  # type: ignore[index]
        "project": "github.com/acme/web", "requests": 41, "billed_nusd": 9_610_000_000,
        "subscription_nusd": 0, "estimated_nusd": 450_000_000, "input_tokens": 1_920_000,
        "cache_read_tokens": 14_100_000, "cache_write_tokens": 800_500, "output_tokens": 61_000,
    }  # fmt: skip
    assert (found["since"], found["until"]) == (
        "2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00",
    )  # fmt: skip
    whole = answer(report(("project",), word="all"))
    assert (whole["since"], whole["until"], whole["lines"]) == (None, None, [])


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (850, "850"), (1_000, "1.00k"), (18_234, "18.2k"), (800_500, "800k"),
     (1_920_000, "1.92M"), (18_200_000_000, "18.2G")],
)  # fmt: skip
def test_tokens_in_short(count: int, text: str) -> None:
    """Three digits say how much it is."""
    assert tokens_text(count) == text
