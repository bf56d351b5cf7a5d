"""How the screen behaves: calm, reachable by key and by mouse, and nothing moves by itself."""

import shlex
from datetime import UTC
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot

from tests.tui import days
from tests.tui.test_app import Willing, _ready, _said, _text
from tui.actions import ACTIONS
from tui.app import TopApp
from tui.deed import cheaper, requested
from tui.lines import window_lines
from tui.rows import Row, View
from tui.screens.text import Help
from tui.widgets.line import Line

NOW_US = days.RECORDED[-1]["at_us"]


def _app(**more: Any) -> TopApp:
    status = days._last_status(team=days.team_words())
    return TopApp(Willing([*days.RECORDED, status], name="x"), zone=UTC, **more)


def _seen(app: TopApp) -> tuple[object, ...]:
    """All that a key can change."""
    return (
        app.rows.selected, app.shown_view, app.filter_text, app.prompt.is_open, app.deeds.question,
        type(app.screen_stack[-1]), len(app.day.notes), app.frozen is None,
        _text(app, "head"), app.return_code,
    )  # fmt: skip


async def _as_at_first(app: TopApp, pilot: Pilot[None]) -> None:
    """Nothing open, nothing asked, the third of the agents selected."""
    while len(app.screen_stack) > 1:
        app.pop_screen()
    while app.prompt.is_open or app.deeds.question or app.filter_text:
        app.action_leave()
    if app.frozen is not None:
        app.action_freeze()
    app.action_view(View.AGENTS)
    app.rows.select_place(2)
    await pilot.pause()


async def test_every_key_does_something() -> None:
    """It moves, opens, asks or changes, or it says why not; also where a list is longer than its
    room, in which arrows would scroll."""
    async with _app().run_test(size=(120, 12)) as pilot:
        app = await _ready(pilot)
        for action in ACTIONS:
            for key in action.keys if action.name != "quit" else ():
                await _as_at_first(app, pilot)
                if key == "1":
                    app.action_view(View.TEAM)
                if key == "escape":
                    app.filter_text = "codex"
                before = _seen(app)
                await pilot.press(key)
                await pilot.pause()
                assert _seen(app) != before, (key, action.help)


async def test_every_key_can_be_clicked() -> None:
    """In the help each line does what its key does, wherever the last line has no room for it."""
    async with _app().run_test(size=(120, 60)) as pilot:
        app = await _ready(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        place = next(n for n, action in enumerate(ACTIONS) if action.name == "view('Team')")
        await pilot.click("#box Static", offset=(20, place))
        await pilot.pause()
        assert (app.shown_view, isinstance(app.screen, Help)) == (View.TEAM, False)
        words = [f"screen.run({number})" for number in range(len(ACTIONS))]
        assert words == [action_at(app, number) for number in range(len(ACTIONS))]


def action_at(app: TopApp, number: int) -> str:
    """What a click on a line of the help does."""
    cells = list(Help({}, app.glyphs)._table().columns[1].cells)
    assert isinstance(cells[number], Text)
    return str(cells[number].spans[0].style.meta["@click"])


async def test_what_is_asked_and_what_is_open_answers_to_the_mouse() -> None:
    """A budget, no, the filter's end, a frozen screen, and beside a box."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        row = _text(app, "budgets").splitlines().index(_line(app, "budgets", "laptop"))
        await pilot.click("#budgets", offset=(5, row))
        assert "raise laptop by dollars" in app.prompt.placeholder
        await pilot.press("escape", "K")
        await pilot.click("#footer", offset=(_text(app, "footer").index("n no"), 0))
        assert app.deeds.question == ""
        await pilot.press("slash", *"codex", "enter")
        await pilot.click("#footer", offset=(_text(app, "footer").index("esc clears"), 0))
        assert app.filter_text == ""
        await pilot.press("space")
        await pilot.click("#tabs", offset=(_text(app, "tabs").index("space resumes"), 0))
        assert app.frozen is None
        await pilot.press("question_mark")
        await pilot.pause()
        await pilot.click(offset=(1, 1))
        await pilot.pause()
        assert not isinstance(app.screen, Help)


async def test_any_budget_of_ones_own_can_be_raised() -> None:
    """The tightest is proposed, another is named; a team's is asked for; a warning is no cap."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        source = app.source
        assert isinstance(source, Willing)
        await pilot.press("b", *"laptop 5", "enter", "y")
        await pilot.pause()
        assert source.asked == [("limit", {"name": "laptop", "limit": "30"})]
        await pilot.press("b", *"nobody 5", "enter")
        assert "no budget 'nobody' is yours" in _said(app)
        app.deeds.begin("raise_budget", "team:org.month")
        assert "ask the team" in app.prompt.placeholder


async def test_the_kill_switch_and_asking_for_more_are_done_after_a_yes() -> None:
    """With the command that does the same, and where there is one the way back."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        source = app.source
        assert isinstance(source, Willing)
        await pilot.press("K", "c")
        assert (app.clipboard, source.asked) == ("agentspend pause --all", [])
        await pilot.press("y")
        await pilot.pause()
        await pilot.press("u")
        await pilot.pause()
        assert source.asked == [("pause", {"session": ""}), ("resume", {"session": ""})]
        await pilot.press("a", *"20 for the release", "enter", "y")
        await pilot.pause()
        assert source.asked[-1] == ("request", {"amount": "20", "reason": "for the release"})
        assert "agentspend team request 20 --reason 'for the release'" in _said(app)


@pytest.mark.parametrize(
    ("view", "session", "of"),
    [(View.AGENTS, "s_codex", {"team": "data"}), (View.TEAM, "", {"pool": "org.month"})],
)
async def test_a_raise_is_asked_for_what_is_looked_at(
    view: View, session: str, of: dict[str, str]
) -> None:
    """For the selected session's team where there are several; of the cap that is selected."""
    status = days._last_status(sessions=days.in_two_teams(), team=days.team_words())
    source = Willing([*days.RECORDED, status], name="x")
    async with TopApp(source, zone=UTC, view=view).run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        place, wanted = 0, of.get("pool", "")
        while (row := app.rows.row) and (row.session, row.fields.get("budget", "")) != (
            session, wanted
        ):  # fmt: skip
            place += 1
            app.rows.select_place(place)
        await pilot.press("a", *"20 why", "enter", "y")
        await pilot.pause()
        assert source.asked[-1] == ("request", {"amount": "20", "reason": "why", **of})
        (name, word), *_ = of.items()
        assert f"agentspend team request 20 --{name} {word} --reason why" in _said(app)


async def test_news_alone_draws_nothing() -> None:
    """However much comes between two ticks, it is drawn once; four ticks a second are the most."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        drawn: list[int] = []
        draw = app.draw

        def counted() -> None:
            drawn.append(app.day.version)
            draw()

        app.draw = counted  # type: ignore[method-assign]
        for n in range(1_000):
            hold = {"event": "hold", "rid": f"r{n}", "held_nusd": 5, "payer": {"session": "s_1"}}
            app.day.take(hold, NOW_US)
        assert drawn == []
        app._rests_until_s = 0
        app.draw_if_changed()
        app.draw_if_changed()
        assert len(drawn) == 1


async def test_nothing_moves_when_data_arrives() -> None:
    """Every line and every column stay where they are."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        before = _places(app)
        rows = len(app.rows._rows)
        for n in range(40):
            entry = {
                "seq": 90_000 + n, "kind": "settle", "rid": f"r_n{n}", "ts": NOW_US, "agent": "pi",
                "amount_nusd": 10**9 * n, "counted": "billed", "model": "m" * n,
                "session": f"s_n{n}", "usage": {"input_tokens": 10**n, "output_tokens": 5},
            }  # fmt: skip
            app.day.take({"event": "entries", "entries": [entry]}, NOW_US)
            app.draw()
        await _settle(pilot)
        assert len(app.rows._rows) == rows + 40
        assert _places(app) == before


async def test_a_small_screen_keeps_to_what_matters() -> None:
    """Two budgets, no rules, the list; what is left and until when is never cut off."""
    async with _app().run_test(size=(50, 18)) as pilot:
        app = await _ready(pilot)
        heights = {
            name: app.query_one(f"#{name}", Line).region.height
            for name in ("rule-budgets", "rule-events", "events", "budgets", "windows")
        }
        assert heights == {
            "rule-budgets": 0, "rule-events": 0, "events": 0, "budgets": 2, "windows": 0,
        }  # fmt: skip
        assert "left of" in _text(app, "money")
        assert "resets" in _text(app, "pace")


@pytest.mark.parametrize("height", [6, 8, 10, 14])
async def test_the_last_line_is_seen_however_low_the_screen(height: int) -> None:
    """It says how to leave, and what a yes would do."""
    async with _app().run_test(size=(80, height)) as pilot:
        app = await _ready(pilot)
        footer = app.query_one("#footer", Line)
        assert footer.region.bottom == height
        assert "q quit" in _text(app, "footer")
        await pilot.press("K")
        assert (footer.region.bottom, footer.region.height) == (height, 1)
        assert "y yes" in _text(app, "footer")
        await pilot.press("n", "slash")
        await pilot.pause()
        assert app.prompt.region.bottom == height


def test_a_command_to_copy_means_what_was_written() -> None:
    """Also where the shell would read something else into it."""
    reason = "it's $5; `ls`"
    asked = requested(f"20 {reason}").command
    assert shlex.split(asked) == ["agentspend", "team", "request", "20", "--reason", reason]
    kept = cheaper(Row("s_1", (), (), session="s_1"), "*'; ls'*").command
    assert shlex.split(kept) == ["agentspend", "models", "s_1", "--only", "*'; ls'*"]


@pytest.mark.parametrize("cells", [30, 50, 60, 80, 120])
async def test_a_question_shows_its_answers_at_any_width(cells: int) -> None:
    """However long the question; one who cannot see how to say no has been asked nothing."""
    async with _app().run_test(size=(cells, 24)) as pilot:
        app = await _ready(pilot)
        await pilot.press("K")
        asked = _text(app, "footer")
        assert asked.startswith(" stop ev")
        assert "y yes  n no" in asked[:cells]
        assert len(asked.rstrip()) <= cells


async def test_selected_and_at_work_are_two_signs() -> None:
    """Whatever a row is marked with, one sees which one is selected, also without colours."""
    async with _app().run_test(size=(100, 30)) as pilot:
        app = await _ready(pilot)
        signs = set()
        for place, row in enumerate(app.rows._rows):
            app.rows.select_place(place)
            y = place - app.rows.scroll_offset.y
            signs.add(app.rows._words(y)[:2])
            assert app.rows._words(y)[:3] == f"▸{row.mark or ' '} "
            others = [app.rows._words(n)[0] for n in range(len(app.rows._rows)) if n != y]
            assert set(others) == {" "}
        await pilot.pause()
        assert {"▸✗", "▸◐"} <= signs


@pytest.mark.parametrize("cells", [30, 40, 59, 60, 66, 76, 80, 100, 120])
async def test_a_frozen_screen_says_so_at_any_width(cells: int) -> None:
    """And what has no room is left out whole, not cut to a letter."""
    async with _app().run_test(size=(cells, 30)) as pilot:
        app = await _ready(pilot)
        assert "…" not in _text(app, "tabs")
        await pilot.press("space")
        assert "⏸ frozen" in _text(app, "tabs")
        assert "…" not in _text(app, "tabs")


def _places(app: TopApp) -> list[object]:
    names = ("tabs", "head", "rule-events", "footer")
    heads = _text(app, "head").replace("▼", " ").split("AGENT")[1]
    return [*(app.query_one(f"#{name}", Line).region for name in names), app.rows.region, heads]


async def _settle(pilot: Pilot[None]) -> None:
    await pilot.pause()


async def test_a_subscriptions_windows_are_shown() -> None:
    """How much of each is used and when it resets; its word where no share is told."""
    windows = [
        {"provider": "anthropic", "called": "5-hour window", "used_percent": 62, "status": "open",
         "resets_at": "2026-11-25T16:41:58+00:00"},
        {"provider": "anthropic", "called": "7-day window", "used_percent": None, "status": "near",
         "resets_at": None},
    ]  # fmt: skip
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        app.day.take(days._last_status(windows=windows), NOW_US)
        app.draw()
        shown = str(window_lines(app.day, app.now)).splitlines()
        assert shown[0].strip().startswith("anthropic 5-hour window: 62 % used, resets in")
        assert shown[1].strip() == "anthropic 7-day window: near"
        assert "62 % used" in _text(app, "windows")


def _line(app: TopApp, name: str, holds: str) -> str:
    return next(line for line in _text(app, name).splitlines() if holds in line)
