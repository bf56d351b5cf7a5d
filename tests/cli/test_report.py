"""`agentspend report`: what was spent, from a running daemon and from the file alike."""

import csv
import json
import subprocess
from typing import Any

import pytest

from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command, spend
from tests.support.process import Home, SandboxProcess

OPUS = {"model": "claude-opus-5", "behaviour": {"output_tokens": 700}}


@pytest.fixture(scope="module")
def busy(house: Home) -> Home:
    """A home with two sessions behind it: three requests, two models, a tag."""
    spend(house, {}, OPUS, words=("--tag", "ticket=ABC-1", "--project", "acme/web"))
    spend(house, {}, words=("--project", "acme/api"))
    return house


@pytest.fixture
def spent(busy: Home, here: Home) -> Home:
    """That home, as this process's own."""
    return here


def of(found: dict[str, Any], word: str) -> dict[str, int]:
    """What each line's real dollars are."""
    return {line[word]: line["billed_nusd"] for line in found["lines"]}


@pytest.fixture(params=["daemon", "file"])
def ledger(request: pytest.FixtureRequest, spent: Home) -> Home:
    """With a daemon that answers, and without one."""
    words = ("daemon", "start" if request.param == "daemon" else "stop")
    assert spent.run(*words).returncode in (0, ExitCode.DAEMON_UNREACHABLE)
    return spent


def test_the_sums_are_the_provider_s(
    ledger: Home, agentspend: Command, provider: SandboxProcess
) -> None:
    """By every word there is, to the nano-dollar."""
    bill = provider.bill()
    for by in ("day", "week", "month", "project", "branch", "agent", "model", "provider", "member",
               "team", "key", "tag:ticket", "project,model"):  # fmt: skip
        found = agentspend("report", "--by", by, "--json").json()
        assert found["total"]["billed_nusd"] == bill["nusd"]
        assert found["total"]["requests"] == bill["requests"] == 3
        assert sum(line["billed_nusd"] for line in found["lines"]) == bill["nusd"]
    assert set(of(agentspend("report", "--by", "project", "--json").json(), "project")) == {
        "acme/web", "acme/api",
    }  # fmt: skip
    today = agentspend("report", "today", "--json").json()["total"]["billed_nusd"]
    assert today == agentspend("status", "--json").json()["today_nusd"]


def test_filters(ledger: Home, agentspend: Command) -> None:
    """Each takes away; what is left is the same line as before."""
    models = of(agentspend("report", "--by", "model", "--json").json(), "model")
    opus = agentspend("report", "--where", "model=*opus*", "--json", "--by", "model").json()
    assert of(opus, "model") == {"claude-opus-5": models["claude-opus-5"]}
    web = agentspend("report", "--where", "project=web", "--by", "project", "--json").json()
    tagged = agentspend("report", "--where", "tag:ticket=ABC-1", "--json").json()
    assert web["total"] == tagged["total"]
    assert (web["where"], web["total"]["requests"]) == (["project=web"], 2)


def test_by_itself_it_is_this_month_by_day(ledger: Home, agentspend: Command) -> None:
    """And of a single day its projects."""
    head = agentspend("report").out.splitlines()[0]
    assert head.startswith("this month, ")
    assert head.endswith("by day")
    head, _, columns, *_ = agentspend("report", "today").out.splitlines()
    assert head.startswith("today, ")
    assert columns.split()[0] == "PROJECT"


def test_nothing_is_written_by_looking(spent: Home, agentspend: Command) -> None:
    """And no daemon is started."""
    spent.run("daemon", "stop")
    before = (spent.home / "ledger.db").read_bytes()
    assert agentspend("report", "all").code == 0
    assert (spent.home / "ledger.db").read_bytes() == before
    assert spent.pid() == 0


def test_a_sheet(ledger: Home, agentspend: Command, provider: SandboxProcess) -> None:
    """A head and the lines, no total that would be counted twice."""
    ran = agentspend("report", "--by", "project", "--csv")
    rows = list(csv.DictReader(ran.out.splitlines()))
    assert sum(int(row["billed_nusd"]) for row in rows) == provider.bill()["nusd"]
    assert [row["project"] for row in rows] == ["acme/web", "acme/api"]
    assert agentspend("report", "--by", "project", "--format", "csv").out == ran.out


def test_the_shape_others_build_on(spent: Home, agentspend: Command) -> None:
    """Fields may be added, none may go."""
    found = agentspend("report", "--by", "agent", "--json").json()
    assert next(iter(found)) == "v"
    assert {"by", "where", "since", "until", "zone", "lines", "total", "held_nusd",
            "held_requests", "running"} <= set(found)  # fmt: skip
    sums = {"requests", "billed_nusd", "subscription_nusd", "estimated_nusd", "input_tokens",
            "cache_read_tokens", "cache_write_tokens", "output_tokens"}  # fmt: skip
    assert set(found["total"]) == sums
    assert set(found["lines"][0]) == {"agent", *sums}


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["--by", "modle"], "'modle' is not something to add up by", "did you mean model?"),
        (["--where", "web"], "'web' says no value", "write web=VALUE"),
        (["tomorrow"], "'tomorrow' is not a period", "today, yesterday"),
        (["today", "--since", "7d"], "is a whole period", "give one of both"),
        (["--json", "--csv"], "one way at a time, not as json and csv", "--csv > spent.csv"),
        (["--chart", "--format", "csv"], "not as chart and csv", "--csv > spent.csv"),
    ],
)
def test_what_is_written_wrong(
    spent: Home, agentspend: Command, words: list[str], said: str, hint: str
) -> None:
    """Exit code 2, nothing on stdout, and the way out."""
    ran = agentspend("report", *words)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert said in ran.err
    assert hint in ran.err


def test_a_fresh_machine(fresh: Home, agentspend: Command) -> None:
    """Without a ledger it says how one begins, and makes nothing."""
    ran = agentspend("report")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("nothing was spent yet\n→ agentspend run claude\n")
    assert agentspend("report", "--json").json()["lines"] == []
    assert list(fresh.home.iterdir()) == [fresh.config]


def test_the_days_are_those_of_the_configuration(fresh: Home, agentspend: Command) -> None:
    """Its zone, not the machine's."""
    fresh.config.write_text('[daemon]\nzone = "Pacific/Auckland"\n')
    assert "(Pacific/Auckland)" in agentspend("report").out
    found = agentspend("report", "2026-06-01", "--json").json()
    assert found["since"] == "2026-06-01T00:00:00+12:00"


def test_in_a_pipe_that_closes(busy: Home) -> None:
    """`report | head -1` ends quietly."""
    done = subprocess.run(
        "agentspend report --by project | head -1; exit ${PIPESTATUS[0]}",
        shell=True, executable="/bin/bash", env=busy.env, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)


@pytest.mark.parametrize("word", ["report", "usage", "cost"])
def test_who_looks_for_costs_finds_it(house: Home, word: str) -> None:
    """In the list of commands, or by another name for it."""
    done = house.run("--help") if word == "report" else house.run(word)
    assert "report" in done.stdout + done.stderr
    assert json.dumps(word) not in done.stdout
