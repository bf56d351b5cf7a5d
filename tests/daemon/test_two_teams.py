"""A member of two teams, with a real server, daemon and provider: each session is for one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.helpers import KEY, paths, session
from tests.daemon.test_repository import ASK
from tests.support.process import Home, SandboxProcess
from tests.sync_server.house import DOLLAR, House, house_in

AGENT = ASK.replace("MODEL", repr("claude-sonnet-5"))
SHORT = 1_000
"""A cap in nano-USD that no request fits in."""


class Anna:
    """At home in backend, and in data too. `home` is her machine, `work` a folder on it."""

    def __init__(self, house: House, home: Home, work: Path) -> None:
        self.house, self.home, self.work = house, home, work

    async def run(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """One command, in the folder."""
        return await asyncio.to_thread(self.home.run, *words, cwd=self.work, **env)

    async def agent(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`run WORDS` an agent that asks once."""
        return await self.run("run", *words, "--", sys.executable, "-c", AGENT,
                              ANTHROPIC_API_KEY=KEY)  # fmt: skip

    async def paid(self) -> list[tuple[str, list[str]]]:
        """Which team each charge in her ledger was for, and the pools the server was told of."""
        rows = await asyncio.to_thread(self.home.json, "log")
        settled = [each for each in rows if each["kind"] == "settle"]
        stories = [await asyncio.to_thread(self.home.json, "why", each["rid"]) for each in settled]
        return [
            (each["team"], sorted(name for name in story["budgets"] if name.startswith("team:")))
            for each, story in zip(settled, stories, strict=True)
        ]

    def writes(self, text: str) -> None:
        """The folder's `.agentspend.toml`."""
        (self.work / ".agentspend.toml").write_text(text)


@pytest.fixture
async def anna(tmp_path: Path, provider: SandboxProcess) -> AsyncIterator[Anna]:
    """A server with caps for everybody and for either team, and her daemon in both teams."""
    provider.direct({"default": {}})
    work = tmp_path / "work"
    work.mkdir()
    async with house_in(tmp_path / "server") as house:
        with Home(tmp_path / "anna", provider.url) as home:
            found = await house.ask(
                "member.import", members=[{"member": "anna", "team": "backend;data"}]
            )
            await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
            for team in ("backend", "data"):
                await house.ask("cap.set", level="team", name=team, window="day",
                                cap_nusd=5 * DOLLAR)  # fmt: skip
            code = str(found["added"][0]["join"]).split()[4]
            made = Anna(house, home, work)
            done = await made.run("team", "join", house.base, code)
            assert done.returncode == 0, done.stderr
            assert "teams backend (home) and data" in done.stdout
            yield made


async def test_a_team_that_is_capped_out_stops_its_own_sessions_only(anna: Anna) -> None:
    """The refusal names its pool; the other team serves, and reports tell them apart."""
    served = await anna.agent("--team", "data")
    assert served.stdout == "200\n", served.stderr
    assert "for team data · " in served.stderr
    assert "team:team.backend.day" not in served.stderr
    await anna.house.ask("cap.set", level="team", name="data", window="day", cap_nusd=SHORT)
    await anna.run("team", "sync")

    refused = await anna.agent("--team", "data")
    served = await anna.agent()

    assert refused.stdout.startswith("40")
    assert "'team:team.data.day'" in refused.stdout
    assert served.stdout == "200\n", served.stdout
    assert "for team backend · " in served.stderr
    assert await anna.paid() == [
        ("data", ["team:org.month", "team:team.data.day"]),
        ("backend", ["team:org.month", "team:team.backend.day"]),
    ]
    await anna.run("team", "sync")
    lines = (await anna.house.ask("report", by="team"))["lines"]
    spent = {each["team"]: each["billed_nusd"] for each in lines}
    caps = {each["pool"]: each for each in (await anna.house.ask("cap.list"))["caps"]}
    for team in ("backend", "data"):
        assert caps[f"team.{team}.day"]["spent_nusd"] == spent[team] > 0
    assert caps["org.month"]["spent_nusd"] == sum(spent.values())
    assert (await anna.house.ask("verify"))["ok"]


async def test_a_repository_names_the_team_of_the_work_in_it(anna: Anna) -> None:
    """A person's word goes before it; a team she is not in stops `run` with the file and line."""
    anna.writes('project = "etl"\nteam = "data"\n')
    assert (await anna.agent()).stdout == "200\n"
    assert (await anna.agent("--team=backend")).stdout == "200\n"
    assert [team for team, _ in await anna.paid()] == ["data", "backend"]

    anna.writes('project = "etl"\nteam = "web"\n')
    done = await anna.agent()
    assert done.returncode == 1
    assert ".agentspend.toml line 2: team = 'web', and you are not in it" in done.stderr
    assert "your teams: backend (home), data" in done.stderr
    assert (await anna.agent("--team", "data")).stdout == "200\n"
    anna.writes('team = "No Team"\n')
    assert "line 1: team is not the name of a team" in (await anna.agent()).stderr


async def test_a_team_that_cannot_be_is_written_wrong(anna: Anna) -> None:
    """As every option that is: exit code 2, with the teams there are. The shell knows them too."""
    done = await anna.run(_AGENTSPEND_COMPLETE="complete_bash",
                          COMP_WORDS="agentspend run --team d", COMP_CWORD="3")  # fmt: skip
    assert done.stdout.split() == ["data"]
    told = json.loads((await anna.run("team", "status", "--json")).stdout)["team"]
    assert told["teams"] == [
        {"team": "backend", "frozen": False}, {"team": "data", "frozen": False},
    ]  # fmt: skip
    assert {pool["name"]: pool["team"] for pool in told["pools"]} == {
        "org.month": "", "team.backend.day": "backend", "team.data.day": "data",
    }  # fmt: skip
    done = await anna.agent("--team", "nosuch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--team nosuch, and you are not in it; your teams: backend (home), data" in done.stderr
    assert "→ agentspend run --team backend" in done.stderr
    await anna.run("team", "leave", "--yes")
    done = await anna.agent("--team", "data")
    assert (done.returncode, "this device is in no team" in done.stderr) == (2, True)
    assert "→ agentspend team join URL CODE" in done.stderr


async def test_what_an_agent_starts_is_for_its_own_session_s_team(anna: Anna) -> None:
    """Whatever the repository says where it starts it; asked for another one it is refused, and a
    session that is opened as if again is no way round."""
    inner = (sys.executable, "-m", "agentspend", "run")
    code = (sys.executable, "-c", AGENT)
    anna.writes('team = "backend"\n')
    done = await anna.run("run", "--team", "data", "--", *inner, "--", *code, ANTHROPIC_API_KEY=KEY)
    assert "200" in done.stdout, done.stderr
    assert [team for team, _ in await anna.paid()] == ["data"]
    other = await anna.run("run", "--team", "data", "--", *inner, "--team", "backend", "--", *code)
    assert other.returncode == 2
    assert "inside a session for team data" in other.stderr
    code_again = (
        "import json, sys; from pathlib import Path\n"
        "from agentspend.control.client import Connection\n"
        "line = Connection(Path(sys.argv[1]))\n"
        "asked = {'payer': {'team': 'backend'}, 'session': 's_again', 'token': 't' * 43}\n"
        "print(json.dumps(line.ask('session.open', **asked)['payer']))"
    )
    socket = str(paths(anna.home).socket)
    again = await anna.run("run", "--team", "data", "--", sys.executable, "-c", code_again, socket)
    assert json.loads(again.stdout.splitlines()[-1])["team"] == "data", again.stderr
    same = await anna.run("run", "--", *inner, "--team", "backend", "--", *code,
                          ANTHROPIC_API_KEY=KEY)  # fmt: skip
    assert "200" in same.stdout, same.stderr


async def test_a_session_whose_team_is_left_is_told_so(anna: Anna) -> None:
    """It is not moved to another one; `status` says which team each session is for."""

    def work() -> tuple[Any, str]:
        with session(anna.home, "s_1", team="data") as way:
            assert way.post().status == 200
            lines = {each["id"]: each for each in anna.home.json("status")["sessions"]}
            assert lines["s_1"]["team"] == "data"
            assert " data " in anna.home.run("status").stdout
            asyncio.run_coroutine_threadsafe(leave(), loop).result(30)
            anna.home.run("team", "sync")
            answer = way.post()
            return answer.status, answer.read().decode()

    async def leave() -> None:
        await anna.house.ask("member.remove_team", member="anna", team="data")

    loop = asyncio.get_running_loop()
    status, said = await asyncio.to_thread(work)
    assert status == 402
    assert "this session spends for team data, and you are not in it any more" in said
    assert (await anna.agent()).stdout == "200\n"
    caps = {each["pool"]: each for each in (await anna.house.ask("cap.list"))["caps"]}
    assert caps["team.data.day"]["out_nusd"] == 0


async def test_each_team_s_rules_are_for_its_own_sessions(anna: Anna) -> None:
    """Its lists of models and its prices; a frozen one is named, and the other goes on."""
    price = [{"model": "anthropic/claude-sonnet-5", "input": "30", "output": "150"}]
    deny = [{"deny": ["claude-opus-*"]}]
    await anna.house.ask("policy.set", team="data", rules={"models": deny, "prices": price})
    await anna.run("team", "sync")

    def asked() -> dict[str, list[Any]]:
        found = {}
        for team in ("backend", "data"):
            with session(anna.home, f"s_{team}", team=team) as way:
                answers = [way.post(model=f"claude-{name}") for name in ("opus-5", "sonnet-5")]
                found[team] = [(each.status, each.read().decode()) for each in answers]
        return found

    found = await asyncio.to_thread(asked)
    assert [status for status, _ in found["backend"]] == [200, 200]
    assert [status for status, _ in found["data"]] == [402, 200]
    assert "of your team data, says so" in found["data"][0][1]
    rows = await asyncio.to_thread(anna.home.json, "log")
    cost = {
        each["team"]: each["amount_nusd"]
        for each in rows
        if each["kind"] == "settle" and each["model"] == "claude-sonnet-5"
    }
    assert cost["data"] > 5 * cost["backend"]

    await anna.house.ask("freeze", team="data")
    assert "your team data is frozen" in (await anna.run("team", "sync")).stdout
    refused = await anna.agent("--team", "data")
    assert "your team data is frozen" in refused.stdout
    assert (await anna.agent()).stdout == "200\n"


async def test_a_raise_is_asked_of_the_team_that_the_work_is_for(anna: Anna) -> None:
    """As `run` has it: a person's word, else the repository's, else the home team; inside a session
    that one's. The answer says which team and cap, and what is left elsewhere does not matter."""
    await anna.house.ask("cap.set", level="team", name="data", window="day", cap_nusd=SHORT)
    await anna.house.ask("cap.set", level="team", name="backend", window="day", cap_nusd=SHORT)
    await anna.run("team", "sync")

    async def asked(*words: str) -> str:
        done = await anna.run("team", "request", "5", *words)
        return done.stdout.partition(" ")[2].partition(" ")[2] or done.stderr

    home, data = (f"for team {team} for more of team.{team}.day is open: a lead decides\n"
                  for team in ("backend", "data"))  # fmt: skip
    assert await asked("--reason", "1") == home
    assert await asked("--reason", "2", "--team", "data") == data
    anna.writes('team = "data"\n')
    assert await asked("--reason", "3") == data
    assert await asked("--reason", "4", "--team", "backend") == home
    told = "for more of org.month is open: a lead decides\n"
    assert await asked("--reason", "5", "--pool", "org.month") == told
    inner = ("agentspend", "team", "request", "5", "--reason", "6")
    done = await anna.run("run", "--team", "backend", "--", *inner)
    assert done.stdout.endswith(home)
    pools = [each["pool"] for each in (await anna.house.ask("request.list"))["requests"]]
    assert sorted(pools) == ["org.month", *["team.backend.day"] * 3, *["team.data.day"] * 2]

    wrong = await asked("--team", "web")
    assert "--team web, and you are not in it; your teams: backend (home), data" in wrong
    assert "→ agentspend team request AMOUNT --team backend" in wrong
    both = await anna.run("team", "request", "5", "--pool", "org.month", "--team", "data")
    assert (both.returncode, "--pool org.month" in both.stderr) == (2, True)


async def test_a_viewer_s_agent_is_told_why_and_the_allowance_is_back(anna: Anna) -> None:
    """For whatever team; a member again, she goes on."""
    assert (await anna.agent()).stdout == "200\n"
    await anna.house.ask("member.set_role", member="anna", role="viewer")
    await anna.run("team", "sync")
    for words in ((), ("--team", "data")):
        refused = await anna.agent(*words)
        assert "the role viewer may look but not spend" in refused.stdout
        assert "agentspend-server member set-role anna member" in refused.stdout
    assert {each["out_nusd"] for each in (await anna.house.ask("cap.list"))["caps"]} == {0}
    asked = await anna.run("team", "request", "5", "--reason", "a release")
    assert (asked.returncode, "set-role anna member" in asked.stderr) == (1, True)
    await anna.house.ask("member.set_role", member="anna", role="member")
    await anna.run("team", "sync")
    assert (await anna.agent()).stdout == "200\n"
