"""The team on the screen: sums that agree, who may answer, and every answer's way back."""

from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui import days
from tests.tui.test_app import Willing, _ready, _said, _text
from tui import team
from tui.app import TopApp
from tui.day import Day
from tui.rows import Mark, Row, View
from tui.screens.text import Detail


def _app(words: dict[str, Any], **more: Any) -> TopApp:
    status = days._last_status(team=words)
    return TopApp(Willing([*days.RECORDED, status], name="x"), zone=UTC, view=View.TEAM, **more)


def _day(words: dict[str, Any]) -> Day:
    day = Day()
    day.status = {"budgets": [], "sessions": [], "team": words}
    return day


def _rows(words: dict[str, Any]) -> list[Row]:
    return team.rows(_day(words), days.RECORDED[-1]["at_us"])


def test_questions_come_first_and_members_stand_below_their_cap() -> None:
    """Most spent first; a question is one sentence across the columns."""
    rows = _rows(days.team_words())
    assert [row.key for row in rows] == [
        "r_1f3a", "r_77c0", "org.month", "org.month ben", "org.month ana", "org.month cleo",
        "team.api.week", "team.api.week ben", "team.api.week ana",
    ]  # fmt: skip
    assert rows[0].text.startswith("ben asks for $20.00 more of team.api.week: release on Friday")
    assert [row.under for row in rows[2:5]] == ["", "org.month", "org.month"]
    assert {row.key: row.mark for row in rows if row.mark} == {
        "r_1f3a": Mark.ASKS, "r_77c0": Mark.ASKS, "team.api.week": Mark.NEAR,
    }  # fmt: skip


def test_the_members_add_up_to_the_cap() -> None:
    """What is committed is spent and out; nobody's share is lost."""
    for pool in days.overview()["pools"]:
        rows = {row.key: row for row in _rows(days.team_words())}
        below = [row for row in rows.values() if row.under == pool["pool"]]
        whole = rows[pool["pool"]]
        for column in (3, 4, team.COMMITTED):
            assert sum(int(str(row.order[column])) for row in below) == whole.order[column]


def test_what_the_server_has_not_told_is_not_made_up() -> None:
    """Before its first word: what the policy says, and question marks."""
    rows = _rows(days.team_words(overview=None))
    assert [row.cells[0] for row in rows] == ["org.month", "team.api.week"]
    assert {row.cells[team.COMMITTED] for row in rows} == {"?"}
    assert rows[0].cells[2] == "$1,000.00"


def test_others_that_may_not_be_named_are_one_row() -> None:
    """With their sum."""
    seen = days.overview("member")
    seen["pools"][0] |= {"members": [], "others": 3, "others_nusd": 561_20 * days.CENT}
    rows = {row.key: row for row in _rows(days.team_words("member", overview=seen))}
    assert rows["org.month ~"].cells[0] == "  3 others"
    assert rows["org.month ~"].cells[3] == "$561.20"


def test_a_reserve_is_said_where_there_is_one() -> None:
    """Beside what is free: it is not."""
    now_us = days.RECORDED[-1]["at_us"]
    for kept in (0, 100 * days.CENT):
        seen = days.overview()
        seen["pools"][0] |= {"reserve_nusd": kept}
        words = days.team_words(overview=seen)
        [row] = [row for row in _rows(words) if row.key == "org.month"]
        said = dict(team.facts(row, _day(words), now_us))
        assert said.get("Reserve") == ("$1.00 for an emergency, not drawn" if kept else None)


async def test_a_lead_approves_from_the_screen_and_takes_it_back() -> None:
    """A proposes what was asked for, y does it, the command is said, u opens it again."""
    async with _app(days.team_words()).run_test(size=(120, 35)) as pilot:
        app, source = await _with(pilot)
        await pilot.press("g", "A")
        assert app.prompt.value == "20"
        await pilot.press("enter")
        assert "give ben $20.00 more of team.api.week, in this window?" in _text(app, "footer")
        assert source.asked == []
        await pilot.press("y")
        await pilot.pause()
        assert source.asked == [("approve", {"request": "r_1f3a", "amount": "20"})]
        assert "agentspend team approve r_1f3a --amount 20" in _said(app)
        await pilot.press("y")
        assert app.clipboard == "agentspend team approve r_1f3a --amount 20"
        await pilot.press("u")
        await pilot.pause()
        assert source.asked[-1] == ("reopen", {"request": "r_1f3a"})


async def test_what_a_member_wrote_is_shown_and_not_obeyed() -> None:
    """A reason and a label may hold escape sequences; an agent may have written them."""
    overview = days.overview()
    overview["questions"][0].update(reason="\x1b]0;mine\x07 please", label="\x1b[2Jlaptop")
    async with _app(days.team_words(overview=overview)).run_test(size=(160, 35)) as pilot:
        app, _ = await _with(pilot)
        await pilot.press("g")
        assert "?]0;mine? please" in _drawn(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "?[2Jlaptop" in _drawn(app)
        assert "\x1b" not in _drawn(app)


def _drawn(app: TopApp) -> str:
    """The whole screen's characters."""
    return "".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_a_lead_gives_another_amount_or_none() -> None:
    """The proposed amount can be typed over; D says no."""
    async with _app(days.team_words()).run_test(size=(120, 35)) as pilot:
        app, source = await _with(pilot)
        await pilot.press("g", "A", "backspace", "backspace", *"7.50", "enter", "y")
        await pilot.pause()
        assert source.asked == [("approve", {"request": "r_1f3a", "amount": "7.5"})]
        await pilot.press("D")
        assert "tell ben no?" in _text(app, "footer")
        await pilot.press("n")
        assert len(source.asked) == 1
        await pilot.press("D", "y")
        await pilot.pause()
        assert source.asked[-1] == ("deny", {"request": "r_1f3a"})


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (days.team_words("member"), "only a lead of the team answers, and you are a member"),
        (days.team_words(failed="no answer"), "the team server cannot be reached"),
        (days.team_words(overview={**days.overview(), "questions": []}), "nobody asks for more"),
        ({}, "this device is in no team"),
    ],
    ids=["member", "offline", "none", "no-team"],
)
async def test_who_cannot_answer_is_told_why(words: dict[str, Any], why: str) -> None:
    """The keys stay where they are, dim."""
    async with _app(words).run_test(size=(120, 35)) as pilot:
        app, source = await _with(pilot)
        for key in ("A", "D"):
            await pilot.press("g", key)
            assert _said(app) == f"not now: {why}"
        assert source.asked == []


async def test_a_cap_is_no_question() -> None:
    """The way to one is said."""
    async with _app(days.team_words()).run_test(size=(120, 35)) as pilot:
        app, _ = await _with(pilot)
        await pilot.press("G", "A")
        assert "select a question first" in _said(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Detail)


async def test_the_last_line_answers_to_the_mouse() -> None:
    """Approve, and yes: three clicks and no key but enter."""
    async with _app(days.team_words()).run_test(size=(120, 35)) as pilot:
        app, source = await _with(pilot)
        await pilot.click("#rows", offset=(5, 0))
        await pilot.click("#footer", offset=(_text(app, "footer").index("A approve"), 0))
        await pilot.pause()
        await pilot.press("enter")
        await pilot.click("#footer", offset=(_text(app, "footer").index("y yes"), 0))
        await pilot.pause()
        assert [name for name, _ in source.asked] == ["approve"]


async def test_a_lead_sees_that_somebody_asks_wherever_they_look() -> None:
    """In the first line and the events; a freeze takes the first line."""
    async with _app(days.team_words()).run_test(size=(80, 24)) as pilot:
        app, _ = await _with(pilot)
        await pilot.press("1")
        assert "? 2 ask (6)" in _text(app, "state")
        assert "ben asks for $20.00" in _text(app, "events")
        frozen = days._last_status(team=days.team_words(frozen=True))
        app.day.take(frozen, app.source.now_us())
        app.draw()
        assert "frozen by a lead" in _text(app, "state")


async def _with(pilot: Pilot[None]) -> tuple[TopApp, Willing]:
    app = await _ready(pilot)
    assert isinstance(app.source, Willing)
    return app, app.source
