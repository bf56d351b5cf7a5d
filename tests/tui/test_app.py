"""Every key, in the app itself, over the recorded day."""

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import pytest
from textual.pilot import Pilot

from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars
from tests.tui import days
from tui.actions import ACTIONS
from tui.app import TopApp
from tui.replay import Replay
from tui.rows import View
from tui.screens.text import Detail, Help
from tui.source import Message, NotDone
from tui.widgets.line import Line


class Willing(Replay):
    """A recording that says it did what was asked."""

    async def do(self, action: str, **fields: Any) -> str:
        """Remember, and say so."""
        try:
            await super().do(action, **fields)
        except NotDone:
            return f"{action} done"
        raise AssertionError


def _app(**more: Any) -> TopApp:
    return TopApp(Willing(days.RECORDED, name="x"), zone=UTC, **more)


async def _ready(pilot: Pilot[None]) -> TopApp:
    await pilot.pause()
    app = pilot.app
    assert isinstance(app, TopApp)
    app.draw()
    await pilot.pause()
    return app


def _said(app: TopApp) -> str:
    return app.day.notes[-1].text


def _text(app: TopApp, name: str) -> str:
    return str(app.query_one(f"#{name}", Line).render())


async def test_keys_move_the_selection_and_it_follows_its_row() -> None:
    """j k g G and the arrows; after a new order the same row is selected."""
    async with _app().run_test(size=(100, 30)) as pilot:
        app = await _ready(pilot)
        rows = app.rows
        first = rows.selected
        await pilot.press("j", "down", "k")
        second = rows.selected
        assert second != first
        await pilot.press("S")
        assert rows.selected == second
        await pilot.press("G")
        assert rows.row is not None
        await pilot.press("g", "pagedown", "pageup")
        assert rows.selected == rows._rows[0].key


@pytest.mark.parametrize("view", View)
async def test_each_list_has_its_key(view: View) -> None:
    """1 to 6, and tab goes on to the next."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        await pilot.press(str(list(View).index(view) + 1))
        assert app.shown_view is view
        await pilot.press("tab")
        assert app.shown_view is list(View)[(list(View).index(view) + 1) % len(View)]


async def test_a_filter_holds_while_it_is_typed_and_esc_clears_it() -> None:
    """The language of `agentspend log`; one that cannot be read is said."""
    async with _app().run_test(size=(100, 30)) as pilot:
        app = await _ready(pilot)
        await pilot.press("slash", *"agent:codex")
        assert [row.fields["agent"] for row in app.rows._rows] == ["codex"]
        await pilot.press("enter")
        assert "/ agent:codex" in _text(app, "footer")
        await pilot.press("escape")
        assert len(app.rows._rows) == 6
        await pilot.press("slash", *"colour:red", "enter")
        assert "not something to filter by" in _said(app)


async def test_enter_opens_a_requests_story_and_an_agents_requests() -> None:
    """The detail of a request is `agentspend why`."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        await pilot.press("enter")
        assert (app.shown_view, app.filter_text) == (View.REQUESTS, "session:s_claude")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Detail)
        await pilot.press("escape")
        assert not isinstance(app.screen, Detail)


async def test_sorting_by_key_and_by_click() -> None:
    """s takes the next column, S turns it round, a click on a name sorts by that."""
    async with _app().run_test(size=(100, 30)) as pilot:
        app = await _ready(pilot)
        assert "SPENT▼" in _text(app, "head")
        await pilot.press("S")
        assert "SPENT▲" in _text(app, "head")
        await pilot.press("s")
        assert "LAST▲" in _text(app, "head")
        await pilot.click("#head", offset=(5, 0))
        assert "AGENT▼" in _text(app, "head")


async def test_space_freezes_what_is_shown_but_not_whether_it_is_enforced() -> None:
    """What came meanwhile is counted; that nothing is enforced is never hidden."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        await pilot.press("space")
        app.day.take({"event": "gone", "why": "the daemon stopped"}, app.source.now_us())
        app.draw()
        assert "frozen" in _text(app, "tabs")
        assert "not enforcing" in _text(app, "state")
        await pilot.press("space")
        assert "frozen" not in _text(app, "tabs")


async def test_a_raise_asks_does_and_can_be_taken_back() -> None:
    """b asks how much, says what it comes to, and does nothing before a yes; u undoes."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        source = app.source
        assert isinstance(source, Willing)
        await pilot.press("b", *"5", "enter")
        assert "its limit becomes $5.20" in _text(app, "footer")
        assert source.asked == []
        await pilot.press("y")
        await pilot.pause()
        assert source.asked == [("limit", {"name": "ci-bots", "limit": "5.2"})]
        assert "agentspend budget raise ci-bots 5" in _said(app)
        await pilot.press("u")
        await pilot.pause()
        assert source.asked[-1] == ("limit", {"name": "ci-bots", "limit": "0.2"})


async def test_no_is_no() -> None:
    """n and esc drop what was asked; words that are no amount are said."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        source = app.source
        assert isinstance(source, Willing)
        for answer in ("n", "escape"):
            await pilot.press("K")
            assert "stop everything?" in _text(app, "footer")
            await pilot.press(answer)
            assert "stop everything?" not in _text(app, "footer")
        await pilot.press("b", *"much", "enter")
        assert "not an amount" in _said(app)
        assert source.asked == []


async def test_pausing_and_cheaper_models_are_of_the_selected_session() -> None:
    """p and m name the session that is selected, with the command that does the same."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        source = app.source
        assert isinstance(source, Willing)
        await pilot.press("p", "y")
        await pilot.pause()
        await pilot.press("m", *"*haiku*", "enter", "y")
        await pilot.pause()
        assert source.asked == [
            ("pause", {"session": "s_claude"}),
            ("models", {"session": "s_claude", "allow": "*haiku*"}),
        ]


async def test_read_only_says_why_nothing_can_be_changed() -> None:
    """Nothing is hidden: the key says why it does nothing."""
    async with _app(read_only=True).run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        for key in ("b", "p", "K", "m", "a", "u"):
            await pilot.press(key)
            assert "--read-only" in _said(app)


async def test_help_names_every_key_and_a_request_of_the_team_says_why_not() -> None:
    """Disabled ones with their reason."""
    async with _app().run_test(size=(120, 60)) as pilot:
        app = await _ready(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, Help)
        named = {name for name, _ in app.screen._steps}
        assert {action.shown for action in ACTIONS} <= named
        await pilot.press("escape")
        await pilot.press("a")
        assert "in no team" in _said(app)


async def test_y_copies_the_command() -> None:
    """What is selected, as a command."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        await pilot.press("y")
        assert app.clipboard == "agentspend log --session s_claude"


async def test_a_click_does_what_the_key_does() -> None:
    """Tabs and the last line answer to the mouse."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        place = _text(app, "tabs").index("3 Models")
        await pilot.click("#tabs", offset=(place + 2, 0))
        assert app.shown_view is View.MODELS
        place = _text(app, "footer").index("? help")
        await pilot.click("#footer", offset=(place, 0))
        await pilot.pause()
        assert isinstance(app.screen, Help)


async def test_q_quits() -> None:
    """At once."""
    async with _app().run_test(size=(80, 24)) as pilot:
        app = await _ready(pilot)
        await pilot.press("q")
        assert app.return_code == 0


async def test_the_sums_on_the_screen_are_those_of_status() -> None:
    """The agents' money adds up to the day's, and budgets are the daemon's own figures."""
    async with _app().run_test(size=(120, 35)) as pilot:
        app = await _ready(pilot)
        rows = app.rows._rows
        assert sum(row.nusd for row in rows) == app.day.status["today_nusd"]
        shown = _text(app, "budgets")
        for line in app.day.status["budgets"]:
            assert dollars(line["limit_nusd"]) in shown


async def test_two_thousand_sessions_and_a_flood_leave_the_keys_alone() -> None:
    """Only what is seen is drawn: a key press draws at most two lines of the list."""
    source = Willing(days.RECORDED, name="x")
    app = TopApp(source, zone=UTC)
    async with app.run_test(size=(120, 35)) as pilot:
        await _ready(pilot)
        sessions = [
            {"id": f"s_{n}", "agent": "claude", "project": "p", "waiting": []} for n in range(2_000)
        ]
        app.day.take({**app.day.status, "event": "status", "sessions": sessions}, 1)
        app.draw()
        rows = app.rows
        drawn: list[int] = []
        rows.refresh_line = lambda y: drawn.append(y)  # type: ignore[method-assign]
        rows.move(1)
        assert len(rows._rows) > 2_000
        assert len(drawn) <= 2


async def test_a_wide_screen_has_room_for_the_selected_session() -> None:
    """Beside the live requests: who pays, what it took, what the next request may hold."""
    async with _app().run_test(size=(160, 45)) as pilot:
        app = await _ready(pilot)
        await pilot.pause()
        app.draw()
        told = _text(app, "inspector")
        assert "s_claude" in told
        assert "opus-daily" in told
        assert "may hold at most" in told
        await pilot.press("j")
        assert "s_codex" in _text(app, "inspector")


class Deaf(Replay):
    """A source that is told something it cannot follow."""

    async def watch(self) -> AsyncIterator[Message]:
        """The first message, then an error."""
        async for message in super().watch():
            yield message
            raise AgentspendError("the daemon that runs is version 0.0.9", "agentspend daemon stop")


async def test_what_its_source_cannot_go_on_from_ends_the_screen() -> None:
    """With the error, which the command tells below the prompt."""
    app = TopApp(Deaf(days.RECORDED, name="x"), zone=UTC)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
    assert app.return_value is not None
    assert app.return_value.hint == "agentspend daemon stop"
