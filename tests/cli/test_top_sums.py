"""What stands on the screen is what `status --json` says, at every moment of a busy day."""

import asyncio
import json
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from agentspend.cli.top_source import Live
from agentspend.control import watching
from tests.cli.conftest import KEY, PYTHON, SPEND, Command
from tests.support.process import Home
from tui import budgets, views
from tui.app import TopApp
from tui.day import Day
from tui.format import cents, free_cents
from tui.now import Now
from tui.rows import View
from tui.source import Message
from tui.widgets.line import Line

SESSIONS, REQUESTS = 3, 12
SEEDS = (1, 2)
BUDGETS = ("daily 0.05 --window day", "each 0.02 --window session",
           "haikus 9 --window month --scope model=*haiku*")  # fmt: skip
NAMES = [each.name for each in views.AGENT_COLUMNS]
HELD_AT, REQUESTS_AT = NAMES.index("HELD"), NAMES.index("REQ")


def traffic(house: Home, seed: int) -> Iterator["subprocess.Popen[str]"]:
    """Sessions side by side: short and long answers, refusals among them, one after another."""
    dice = random.Random(seed)
    for _ in range(SESSIONS):
        words = [
            json.dumps({
                "times": dice.randint(1, 400),
                "max_tokens": dice.choice((200, 1_000, 8_000)),
                "behaviour": {"output_tokens": dice.randint(1, 180)},
            })
            for _ in range(REQUESTS)
        ]  # fmt: skip
        yield subprocess.Popen(
            [PYTHON, "-m", "agentspend", "run", "--", PYTHON, str(SPEND), *words],
            env=house.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip


def disagreements(day: Day, app: TopApp) -> list[str]:
    """Every sum that could be made of what is shown, against the daemon's own."""
    status, found = day.status, list[str]()

    def agree(what: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            found.append(f"{what}: {ours} on the screen, {theirs} in status")

    now = Now(app.source.now_us(), UTC, app.glyphs)
    rows = {view: views.table(view, day, now).rows for view in View}
    for view in (View.AGENTS, View.MODELS, View.PROJECTS):
        agree(view, sum(row.nusd for row in rows[view]), status["today_nusd"])
    held = {line["id"]: line["held_nusd"] for line in status["sessions"]}
    shown = {row.key: row.order[HELD_AT] for row in rows[View.AGENTS] if row.key in held}
    agree("held", shown, held)
    for line in status["sessions"]:
        own = next(row for row in rows[View.AGENTS] if row.key == line["id"])
        agree(
            line["id"], (own.nusd, own.order[REQUESTS_AT]), (line["spent_nusd"], line["requests"])
        )
    told = {(line["name"], line["session"]): line for line in status["budgets"]}
    for drawn in budgets.lines(day, now.us):
        theirs = told[drawn.name, drawn.session]
        for name in budgets.AMOUNTS:
            agree(f"{drawn.name} {name}", getattr(drawn, name), theirs[name])
    return found


class Watched(TopApp):
    """A screen that is drawn and checked after every single message, as fast as they come."""

    def __init__(self, source: Live) -> None:
        super().__init__(source, zone=UTC)
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self.over = False
        self.day = Checked(self)

    def check(self, event: str) -> None:
        """Draw, then compare."""
        if self.day.begun and not self.over and self.query(Line):
            self.draw()
            self.seen[event] += 1
            self.wrong += disagreements(self.day, self)
            shown = str(self.query_one("#budgets", Line).render())
            for line in self.day.status["budgets"]:
                words = f"{free_cents(line['free_nusd'])} left of {cents(line['limit_nusd'])}"
                if words not in shown:
                    self.wrong.append(f"{words} of {line['name']} is not in:\n{shown}")


class Checked(Day):
    """A day that has its screen checked whenever it changes."""

    def __init__(self, app: "Watched") -> None:
        super().__init__()
        self._app = app

    def take(self, message: Message, now_us: int) -> None:
        """Take it, and compare."""
        super().take(message, now_us)
        self._app.check(message["event"])


@pytest.mark.parametrize("seed", SEEDS)
async def test_sums_agree_at_every_moment(
    here: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """After every message while sessions spend side by side; at the end, with `status --json`."""
    monkeypatch.setattr(watching, "REFRESH_S", 0.001)
    for words in BUDGETS:
        assert agentspend("budget", "set", *words.split()).code == 0
    app = Watched(Live())
    async with app.run_test(size=(120, 40)) as pilot:
        running = list(traffic(here, seed))
        while any(process.poll() is None for process in running):
            await pilot.pause(0.02)
        for process in running:
            assert process.communicate()[1]
        status: dict[str, Any] = await asyncio.to_thread(here.json, "status")
        async with asyncio.timeout(30):
            while app.day.status.get("ledger_seq") != status["ledger_seq"]:
                await pilot.pause(0.02)
        app.over = True
        assert app.day.spending.total.nusd == status["today_nusd"] > 0
        kept = ("name", "spent_nusd", "held_nusd", "free_nusd", "limit_nusd")
        assert [[line[name] for name in kept] for line in app.day.status["budgets"]] == [
            [line[name] for name in kept] for line in status["budgets"]
        ]
    assert app.wrong == []
    assert {"status", "hold", "settle"} <= set(app.seen)
    assert KEY not in str(app.day.status)
