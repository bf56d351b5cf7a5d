"""Budgets as lines: which comes first, and when it is empty."""

from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len

from tests.tui.test_day import _day, _entry
from tui.budgets import left_of, lines, text, tightest
from tui.day import Day
from tui.format import Glyphs
from tui.headline import headline
from tui.now import Now
from tui.rows import Mark

USD = 10**9
NOW_US = int(datetime(2026, 11, 25, 14, 0, tzinfo=UTC).timestamp()) * 1_000_000


def _budget(name: str, spent: int, limit: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "scope": "everything", "terms": {}, "window": "day", "mode": "hard",
        "counts": "billed", "limit_nusd": limit, "spent_nusd": spent, "held_nusd": 0,
        "free_nusd": max(0, limit - spent), "resets_at": "2026-11-26T00:00:00+00:00",
        "session": "", **more,
    }  # fmt: skip


def _with(
    *budgets: dict[str, Any], charges: tuple[tuple[int, str], ...] = (), **status: Any
) -> Day:
    day = _day()
    entries = [
        _entry(n, nusd, ts=NOW_US - 60_000_000, agent=agent)
        for n, (nusd, agent) in enumerate(charges, 5)
    ]
    day.take({"event": "entries", "entries": entries}, NOW_US)
    told = {
        "event": "status",
        "running": True,
        "budgets": list(budgets),
        "sessions": [],
        "today_nusd": 0,
    }
    told |= status
    day.take(told, NOW_US)
    return day


def test_what_is_empty_first_comes_first() -> None:
    """A budget counts only the pace of what counts in it; warn budgets come last."""
    day = _with(
        _budget("soft", 99 * USD, 100 * USD, mode="warn"),
        _budget("codex", 0, 9 * USD, terms={"agent": "codex"}, scope="agent=codex"),
        _budget("all", 0, 10 * USD),
        charges=((USD, "claude"),),
    )
    found = lines(day, NOW_US)
    assert [line.name for line in found] == ["all", "codex", "soft"]
    assert [line.burn_nusd_per_h for line in found] == [2 * USD, 0, 2 * USD]
    assert found[0].empty_us == NOW_US + 5 * 3_600_000_000


def test_the_tightest_is_one_that_everything_counts_in() -> None:
    """One of some agents stops only those, however little is left; alone, it is the one."""
    some = _budget("ci", 9, 10, scope="agent=ci", terms={"agent": "ci"})
    found = tightest(lines(_with(some, _budget("all", 1, 10)), NOW_US))
    assert found is not None
    assert found.name == "all"
    alone = tightest(lines(_with(some), NOW_US))
    assert alone is not None
    assert alone.name == "ci"


def test_an_allowance_is_not_taken_for_what_is_left_of_a_cap() -> None:
    """Where its server has not told, it is what lies here, and comes after what is known."""
    told = {"cap_nusd": 20 * USD, "is_whole": False}
    day = _with(_budget("team:org", 2 * USD, 3 * USD, **told), _budget("all", USD, 50 * USD))
    shown = {line.name: line for line in lines(day, NOW_US)}
    assert left_of(shown["team:org"]) == "$1.00 here of $20.00"
    assert left_of(shown["all"]) == "$49.00 left of $50.00"
    found = tightest(lines(day, NOW_US))
    assert found is not None
    assert found.name == "all"


def test_the_tightest_is_a_hard_one() -> None:
    """And never a session's own while another is set."""
    own = _budget("each", 9, 10, window="session", session="s_1")
    day = _with(own, _budget("all", 1, 10), _budget("soft", 10, 10, mode="warn"))
    found = tightest(lines(day, NOW_US))
    assert found is not None
    assert found.name == "all"
    assert tightest([]) is None


def test_marks_say_near_and_spent() -> None:
    """! from nine tenths, ✗ when all of it is spent."""
    day = _with(_budget("a", 89, 100), _budget("b", 90, 100), _budget("c", 100, 100))
    assert {line.name: line.mark for line in lines(day, NOW_US)} == {
        "a": Mark.NONE, "b": Mark.NEAR, "c": Mark.REFUSED,
    }  # fmt: skip


def test_a_line_is_exactly_as_wide_as_the_screen() -> None:
    """At every width, whatever the names."""
    day = _with(_budget("a-budget-with-a-very-long-name", 5 * USD, 1_000 * USD))
    [line] = lines(day, NOW_US)
    assert {cells: cell_len(text(line, cells, NOW_US)) for cells in (60, 80, 120, 160)} == {
        60: 60, 80: 80, 120: 120, 160: 160,
    }  # fmt: skip


def test_a_frozen_team_of_several_is_named() -> None:
    """The others go on."""
    teams = [{"team": "web", "frozen": False}, {"team": "data", "frozen": True}]
    day = _with(_budget("daily", 0, USD), team={"teams": teams, "frozen": False})
    found = headline(day, Now(NOW_US, UTC, Glyphs()), 120)
    assert ("✗ data frozen" in found.state, found.state_meaning) == (True, "")


def test_of_several_teams_each_budget_has_its_own_pace() -> None:
    """And none of theirs is the one that everything counts in; with one team its cap is."""
    web = _budget("team:team.web.day", 9 * USD, 10 * USD, team="web")
    data = _budget("team:team.data.day", 0, 10 * USD, team="data")
    org = _budget("team:org.day", 9 * USD, 90 * USD, team="")
    teams = [{"team": name, "frozen": False} for name in ("web", "data")]
    day = _with(web, data, org, team={"teams": teams})
    charge = {**_entry(5, USD, ts=NOW_US - 60_000_000, agent="claude"), "team": "web"}
    day.take({"event": "entries", "entries": [charge]}, NOW_US)
    found = {line.name: line.burn_nusd_per_h for line in lines(day, NOW_US)}
    assert found == {
        "team:team.web.day": 2 * USD, "team:team.data.day": 0, "team:org.day": 2 * USD,
    }  # fmt: skip
    first = [tightest(lines(each, NOW_US)) for each in (
        day, _with(web, data, team={"teams": teams}), _with(web, org, team={"teams": teams[:1]})
    )]  # fmt: skip
    assert [line.name for line in first if line] == [
        "team:org.day", "team:team.web.day", "team:team.web.day",
    ]  # fmt: skip


def test_what_is_left_is_never_cut() -> None:
    """Of a large limit what is left stands alone, rather than the ends of two sums."""
    (line,) = lines(_with(_budget("huge", 1 * USD, 1_500_000 * USD)), NOW_US)
    for cells in (60, 80, 100, 120, 200):
        shown = text(line, cells, NOW_US)
        assert "$1,499,999.00" in shown
        assert cell_len(shown) == cells
