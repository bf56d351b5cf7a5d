"""`agentspend top` over a real daemon: what its source tells, and what it may change."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from agentspend.cli import top_source
from agentspend.cli.top_source import Live
from agentspend.core.errors import DaemonUnreachable
from tests.cli.conftest import PYTHON, SPEND, Command
from tests.support.process import Home
from tui.app import TopApp
from tui.day import Day
from tui.source import NotDone


def spend(house: Home, times: int = 1) -> None:
    """One session that asks so often."""
    words = ["{}"] * times
    done = subprocess.run(
        [PYTHON, "-m", "agentspend", "run", "--", PYTHON, str(SPEND), *words],
        env=house.env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def settled(agentspend: Command) -> int:
    """How many requests the ledger has seen."""
    lines = agentspend("log", "-n", "0", "--json").out.splitlines()
    return len([line for line in lines if json.loads(line)["kind"] == "settle"])


async def until(what: Callable[[], Any]) -> None:
    """Wait for a message that brings it."""
    async with asyncio.timeout(30):
        while not what():
            await asyncio.sleep(0.02)


async def follow(enough: Callable[[Day], bool]) -> Day:
    """The day, once the source has told so much of it."""
    source, day = Live(), Day()

    async def take() -> None:
        async for message in source.watch():
            day.take(message, source.now_us())
            if enough(day):
                return

    await asyncio.wait_for(take(), 30)
    return day


async def test_without_a_daemon_the_file_is_shown_and_nothing_is_enforced(fresh: Home) -> None:
    """And that is what it says."""
    day = await follow(lambda day: bool(day.why_not))
    assert (day.begun, day.enforcing) == (True, False)
    assert "no daemon runs" in day.why_not


async def test_the_screen_says_what_status_says(here: Home, agentspend: Command) -> None:
    """After real requests: the day's sum, the budgets, the session's own sum."""
    agentspend("budget", "set", "daily", "5.00", "--window", "day")
    await asyncio.to_thread(spend, here, 2)
    status = agentspend("status", "--json").json()
    requests = settled(agentspend)

    day = await follow(lambda day: day.spending.total.requests == requests)

    assert day.enforcing
    assert day.spending.total.nusd == status["today_nusd"] > 0
    assert [each["spent_nusd"] for each in day.status["budgets"]] == [
        each["spent_nusd"] for each in status["budgets"]
    ]


async def test_what_happens_while_it_is_open_is_told(here: Home, agentspend: Command) -> None:
    """A request is seen held and settled, and then in the sums."""
    agentspend("daemon", "start")
    source, day, seen = Live(), Day(), set[str]()

    async def take() -> None:
        async for message in source.watch():
            day.take(message, source.now_us())
            seen.add(message["event"])
            if "settle" in seen and message["event"] == "status":
                return

    taking = asyncio.get_running_loop().create_task(take())
    before = settled(agentspend)
    await until(lambda: day.begun and day.spending.total.requests >= before)
    await asyncio.to_thread(spend, here)
    await asyncio.wait_for(taking, 30)

    assert {"hold", "settle", "status"} <= seen
    assert day.spending.total.requests == before + 1
    assert day.spending.total.nusd == day.status["today_nusd"]


async def test_a_stopped_daemon_is_said_and_one_that_comes_back_is_followed(
    here: Home, agentspend: Command
) -> None:
    """Nothing is enforced meanwhile."""
    agentspend("daemon", "start")
    source, day, said = Live(), Day(), list[tuple[str, bool]]()

    async def take() -> None:
        async for message in source.watch():
            day.take(message, source.now_us())
            if message["event"] in ("top", "gone"):
                said.append((message["event"], day.enforcing))
            if len(said) == 3:
                return

    taking = asyncio.get_running_loop().create_task(take())
    await until(lambda: len(said) == 1)
    await asyncio.to_thread(agentspend, "daemon", "stop")
    await until(lambda: len(said) == 2)
    await asyncio.to_thread(agentspend, "daemon", "start")
    await asyncio.wait_for(taking, 30)

    assert said == [("top", True), ("gone", False), ("top", True)]


async def test_that_a_daemon_is_gone_is_said_once(
    fresh: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it takes calls until its ledger is closed; after the next one it is news again."""
    stops = DaemonUnreachable("the daemon stopped")
    talks = iter([["top"], [], [], ["top", "status"], [], ["top"]])

    async def follow(_: Path) -> AsyncIterator[dict[str, Any]]:
        for event in next(talks):
            yield {"event": event}
        raise stops

    monkeypatch.setattr(top_source, "follow", follow)
    monkeypatch.setattr(top_source, "KNOCK_AGAIN_S", 0.0)
    said: list[str] = []
    async for message in Live().watch():
        said.append(message["event"])
        if len(said) == 7:
            break
    assert said == ["top", "gone", "top", "status", "gone", "top", "gone"]


async def test_a_raise_from_the_screen_is_a_raise(here: Home, agentspend: Command) -> None:
    """It goes the way of `agentspend budget raise`; a budget nobody set is said."""
    agentspend("budget", "set", "screen", "1.00", "--window", "day")
    source = Live()
    assert "$2.50" in await source.do("limit", name="screen", limit="2.5")
    found = {line["name"]: line["limit_nusd"]
             for line in agentspend("status", "--json").json()["budgets"]}  # fmt: skip
    assert found["screen"] == 2_500_000_000
    with pytest.raises(NotDone, match="does not stand in your configuration"):
        await source.do("limit", name="nobody", limit="2.5")


async def test_a_pause_from_the_screen_is_a_pause(here: Home, agentspend: Command) -> None:
    """The kill-switch, and letting everybody go on; `status` knows of it meanwhile."""
    agentspend("daemon", "start")
    source = Live()
    assert await source.do("pause", session="") == "everybody is paused"
    assert list(agentspend("status", "--json").json()["paused"]) == [""]
    assert await source.do("resume", session="") == "everybody goes on"
    with pytest.raises(NotDone, match="no session 's_nobody' runs"):
        await source.do("pause", session="s_nobody")


async def test_only_cheaper_models_from_the_screen(here: Home, agentspend: Command) -> None:
    """A session that does not run is said, as by `agentspend models`."""
    agentspend("daemon", "start")
    with pytest.raises(NotDone, match="no session 's_nobody' runs"):
        await Live().do("models", session="s_nobody", allow="*haiku*")


async def test_the_app_runs_over_the_daemon(here: Home, agentspend: Command) -> None:
    """First frame, then the day; a request's story is that of `why`."""
    agentspend("daemon", "start")
    await asyncio.to_thread(spend, here)
    app = TopApp(Live(), zone=UTC)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: app.day.recent)
        await pilot.press("2", "enter")
        steps = await app.source.why(app.day.recent[-1].rid)
    assert dict(steps)["model"].startswith("anthropic/")


def test_a_pipe_is_told_to_use_status(here: Home, agentspend: Command) -> None:
    """A screen needs a terminal."""
    ran = agentspend("top")
    assert ran.code == 1
    assert "agentspend status" in ran.err


def test_a_list_nobody_has_is_said(here: Home, agentspend: Command) -> None:
    """With the ones there are."""
    ran: Any = agentspend("top", "--view", "colours")
    assert ran.code == 2
    assert "agents, requests" in ran.err
