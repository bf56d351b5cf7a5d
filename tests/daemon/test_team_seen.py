"""A lead and a member with a real daemon each, and a real server: asked, answered, frozen."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from agentspend.cli.top_source import Live
from sync_server.service import Service
from tests.support.process import Home
from tests.sync_server.house import DOLLAR, House, house_in
from tui.app import TopApp
from tui.rows import View
from tui.team import overview_of, team_of

POOL = "team.backend.day"


class Team:
    """`lead` and `member` have joined."""

    def __init__(self, house: House, lead: Home, member: Home) -> None:
        self.house, self.lead, self.member = house, lead, member

    async def cap(self) -> int:
        """The member's cap as the server has it."""
        caps = {each["pool"]: each for each in (await self.house.ask("cap.list"))["caps"]}
        return int(caps[POOL]["cap_nusd"])


async def told(home: Home, *words: str) -> "subprocess.CompletedProcess[str]":
    """One command."""
    return await asyncio.to_thread(home.run, *words)


async def seen(home: Home) -> dict[str, Any]:
    """What `team status --json` says."""
    done = await told(home, "team", "status", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return dict(found["team"])


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    """A server with a cap of $5 a day, and two daemons in its team."""
    async with house_in(tmp_path / "server") as house:
        with ExitStack() as homes:
            await house.ask("team.create", team="backend")
            await house.ask("cap.set", level="team", name="backend", window="day",
                            cap_nusd=5 * DOLLAR)  # fmt: skip
            found = []
            for name, role in (("lee", "lead"), ("anna", "member")):
                home = homes.enter_context(Home(tmp_path / name))
                made = await house.ask("member.add", member=name, team="backend", role=role)
                code = str(made["invite"]["join"]).split()[4]
                done = await told(home, "team", "join", house.base, code)
                assert done.returncode == 0, done.stderr
                found.append(home)
            yield Team(house, *found)


async def test_a_question_is_asked_seen_answered_and_taken_back(team: Team) -> None:
    """Over the command line of two devices; by a lead, never by an agent; a freeze is said."""
    done = await told(team.member, "team", "request", "20", "--reason", "a release")
    assert done.returncode == 0, done.stderr
    known = await seen(team.lead)
    [asked] = known["overview"]["questions"]
    assert (known["frozen"], asked["member"], asked["reason"], asked["pool"]) == (
        False, "anna", "a release", POOL,
    )  # fmt: skip
    listed = await told(team.lead, "team", "requests")
    assert all(word in listed.stdout for word in (asked["request"], "anna", "$20.00", "a release"))

    told_status = json.loads((await told(team.member, "status", "--json")).stdout)
    [cap] = [each for each in told_status["budgets"] if each["name"] == f"team:{POOL}"]
    assert (cap["is_whole"], cap["limit_nusd"], cap["spent_nusd"]) == (True, 5 * DOLLAR, 0)
    assert cap["held_nusd"] + cap["free_nusd"] == 5 * DOLLAR
    assert cap["free_nusd"] > cap["allowance_nusd"]

    approve = ("team", "approve", asked["request"])
    refused = await told(team.member, *approve)
    assert (refused.returncode, "takes a lead" in refused.stderr) == (1, True)
    agent = await told(team.lead, "run", "--", sys.executable, "-m", "agentspend", *approve)
    assert "answer a request for a raise" in agent.stderr
    assert await team.cap() == 5 * DOLLAR

    approved = await told(team.lead, *approve, "--amount", "7")
    assert approved.stdout == f"{POOL} is $12.00 in this window\n"
    assert await team.cap() == 12 * DOLLAR
    again = await told(team.lead, "team", "reopen", asked["request"])
    assert (again.returncode, await team.cap()) == (0, 5 * DOLLAR)
    assert (await told(team.lead, "team", "deny", asked["request"])).returncode == 0

    await team.house.ask("freeze", team="backend")
    synced = await told(team.member, "team", "sync")
    assert "frozen: a lead has stopped all spending" in synced.stdout
    assert (await seen(team.member))["frozen"] is True
    assert "your team is frozen" in (await told(team.member, "status")).stdout


async def test_a_reserve_is_shown_apart_and_drawn_with_a_word(team: Team) -> None:
    """What is kept is not free; without a reason nothing is asked of the server."""
    await team.house.ask("reserve.set", pool=POOL, reserve_nusd=2 * DOLLAR)
    shown = await told(team.member, "team", "status")
    assert f"$2.00 of {POOL} is kept for an emergency" in shown.stderr
    [pool] = (await seen(team.member))["overview"]["pools"]
    assert pool["cap_nusd"] == pool["free_nusd"] + pool["out_nusd"] + pool["reserve_nusd"]
    draw = ("team", "reserve", POOL, "--reason")
    refused = await told(team.member, *draw, " ")
    assert (refused.returncode, "drawn with a reason" in refused.stderr) == (1, True)
    assert (await told(team.member, *draw, "production is down")).returncode == 0
    assert "emergency" not in (await told(team.member, "team", "status")).stderr
    again = await told(team.member, *draw, "and again")
    assert "was drawn by anna in this window" in again.stderr


async def test_a_request_whose_answer_is_lost_is_the_same_when_it_is_typed_again(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a restart; once it was answered, the next one is another."""
    does = Service.request

    def lost(service: Service, *words: Any) -> Any:
        does(service, *words)
        raise OSError("the answer is lost")

    ask = ("team", "request", "20", "--reason", "a release")
    with monkeypatch.context() as patch:
        patch.setattr(Service, "request", lost)
        assert (await told(team.member, *ask)).returncode == 1
    await told(team.member, "daemon", "stop")
    assert "is open: a lead decides" in (await told(team.member, *ask)).stdout
    assert len((await seen(team.lead))["overview"]["questions"]) == 1
    assert (await told(team.member, *ask)).returncode == 0
    assert len((await seen(team.lead))["overview"]["questions"]) == 2

    with monkeypatch.context() as patch:
        patch.setattr(Service, "request", lost)
        assert (await told(team.member, *ask[:2], "30")).returncode == 1
    [late] = [each for each in (await seen(team.lead))["overview"]["questions"]
              if each["amount_nusd"] == 30 * DOLLAR]  # fmt: skip
    assert (await told(team.lead, "team", "deny", late["request"])).returncode == 0
    heard = await told(team.member, *ask[:2], "30")
    told_no = f"request {late['request']} for more of {POOL} is refused: a lead has decided"
    assert told_no in heard.stdout


async def test_the_screen_hears_of_a_question_and_a_lead_approves_there(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By push, without asking anew; the answer is the server's, and the question goes."""
    monkeypatch.setenv("AGENTSPEND_HOME", team.lead.env["AGENTSPEND_HOME"])
    app = TopApp(Live(), zone=UTC, view=View.TEAM)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(lambda: bool(overview_of(app.day)))
        assert team_of(app.day)["role"] == "lead"
        assert not overview_of(app.day)["questions"]
        await told(team.member, "team", "request", "20", "--reason", "a release")
        await until(lambda: bool(overview_of(app.day)["questions"]))
        app.draw()
        await pilot.press("g", "A")
        await pilot.press("enter", "y")
        await until(lambda: not overview_of(app.day)["questions"])
        assert await team.cap() == 25 * DOLLAR
        # The answer comes on another line than the push.
        await until(lambda: any("is $25.00 in this window" in note.text for note in app.day.notes))
        app.draw()


async def until(what: Any) -> None:
    """Wait for a message that brings it."""
    async with asyncio.timeout(30):
        while not what():
            await asyncio.sleep(0.02)
