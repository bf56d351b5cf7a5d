"""The shapes others build on, from the real program against a real daemon and provider.

They are fixed: a field may be added, none may go or change its meaning within version 1.
"""

import itertools
import json
from typing import Any

import pytest

from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command, spend
from tests.dialects.cases import HERE
from tests.support.process import Home, SandboxProcess

GOLDEN = (HERE / "golden" / "pricing-cases.jsonl").read_text("utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in GOLDEN]
ENTRY = {"seq", "kind", "session", "agent", "model", "usage", "amount_nusd", "billing", "evidence",
         "ts", "hash", "prev"}  # fmt: skip
BUDGET = {"name", "scope", "window", "mode", "limit_nusd", "spent_nusd", "held_nusd", "free_nusd",
          "resets_at"}  # fmt: skip


@pytest.fixture(scope="module")
def busy(house: Home) -> Home:
    """A home where an agent has spent under a budget."""
    done = house.run("budget", "set", "daily", "5.00", "--window", "day")
    assert done.returncode == 0, done.stderr
    spend(house, {}, {"behaviour": {"output_tokens": 700}}, words=("--tag", "team=blue"))
    return house


def test_daemon_status(busy: Home) -> None:
    """Who runs, and where; exit code 0 while it does."""
    found = busy.json("daemon", "status")
    assert list(found) == ["v", "running", "pid", "port", "socket", "version"]
    assert (found["v"], found["running"]) == (1, True)
    assert found["pid"] > 0
    assert 0 < found["port"] < 65_536
    assert found["socket"].endswith("control.sock")


def test_status(busy: Home, provider: SandboxProcess) -> None:
    """Budgets in nano-USD that add up to the provider's own bill; sessions; today."""
    found = busy.json("status")
    assert next(iter(found)) == "v"
    assert found["v"] == 1
    assert {"budgets", "sessions", "today_nusd"} <= set(found)
    (budget,) = found["budgets"]
    assert set(budget) >= BUDGET
    assert (budget["name"], budget["scope"]) == ("daily", "everything")
    assert (budget["window"], budget["mode"]) == ("day", "hard")
    assert budget["limit_nusd"] == 5 * 10**9
    assert budget["held_nusd"] == 0
    assert budget["spent_nusd"] == found["today_nusd"] == provider.bill()["nusd"]
    assert budget["free_nusd"] == budget["limit_nusd"] - budget["spent_nusd"]
    assert "T" in budget["resets_at"]
    assert found["sessions"] == []


def test_log(busy: Home, provider: SandboxProcess) -> None:
    """One entry a line, linked by hash, with every promised field, null where it says nothing."""
    entries: list[dict[str, Any]] = busy.json("log")
    for entry in entries:
        assert set(entry) >= ENTRY
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    for before, after in itertools.pairwise(entries):
        assert after["prev"] == before["hash"]
    charges = [entry for entry in entries if entry["kind"] == "settle"]
    assert len(charges) == 2
    assert sum(entry["amount_nusd"] for entry in charges) == provider.bill()["nusd"]
    assert {entry["billing"] for entry in charges} == {"exact"}
    assert {entry["evidence"] for entry in charges} == {"provider_usage"}
    assert charges[1]["usage"]["output_tokens"] == 700
    assert charges[0]["agent"] == "python"
    assert charges[0]["session"].startswith("s_")
    assert charges[0]["tags"] == ["team=blue"]


def test_log_speaks_only_json_on_stdout(busy: Home) -> None:
    """`log --json` prints nothing that is no entry, and nothing on stderr."""
    done = busy.run("log", "--json", "-n", "0")
    assert done.stderr == ""
    assert all(json.loads(line)["v"] == 1 for line in done.stdout.splitlines())


def test_budget_set(busy: Home) -> None:
    """NAME LIMIT --window W [--scope k=v …] [--mode hard|warn], as promised, changes the file."""
    done = busy.run("budget", "set", "ci", "2", "--window", "5h", "--scope", "agent=claude",
                    "--scope", "branch=main", "--mode", "warn")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = [each for each in busy.json("status")["budgets"] if each["name"] == "ci"]
    assert (line["scope"], line["window"]) == ("agent=claude branch=main", "rolling 5h")
    assert (line["mode"], line["limit_nusd"], line["resets_at"]) == ("warn", 2 * 10**9, None)
    assert 'scope = {agent = "claude", branch = "main"}' in busy.config.read_text()


def test_no_daemon(busy: Home) -> None:
    """Without a daemon its status says so, with the same fields, and exit code 3."""
    assert busy.run("daemon", "stop").returncode == 0
    done = busy.run("daemon", "status", "--json")
    assert done.returncode == ExitCode.DAEMON_UNREACHABLE
    found = json.loads(done.stdout)
    assert list(found) == ["v", "running", "pid", "port", "socket", "version"]
    assert (found["running"], found["pid"], done.stderr) == (False, 0, "")
    told = busy.run("daemon", "status")
    assert (told.returncode, told.stdout) == (ExitCode.DAEMON_UNREACHABLE, "")
    assert told.stderr.endswith("→ agentspend daemon start\n")


def words_of(case: dict[str, Any], folder: Any) -> list[str]:
    """The command line of a golden case, with its files written to `folder`."""
    answer = folder / "answer"
    answer.write_text(case["response"])
    words = ["prices", "explain", "--provider", case["provider"], "--api", case["api"],
             "--model", case["model"], "--at", case["timestamp"],
             "--http-status", str(case["http_status"]), "--json"]  # fmt: skip
    if "request" in case:
        (folder / "request.json").write_text(json.dumps(case["request"]))
        words += ["--request", str(folder / "request.json")]
    if "upstream_host" in case:
        words += ["--upstream-host", case["upstream_host"]]
    return [*words, str(answer)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_prices_explain_every_golden_case(
    here: Home, agentspend: Command, tmp_path: Any, case: dict[str, Any]
) -> None:
    """Each golden case, given as files, is billed as it says, in the promised shape."""
    found = agentspend(*words_of(case, tmp_path)).json()
    assert next(iter(found)) == "v"
    assert {"v", "billing", "usd", "nusd", "picousd", "usage", "lines"} <= set(found)
    expected = case["expected"]
    assert {name: found.get(name) for name in expected} == expected
    for line in found["lines"]:
        assert set(line) == {"what", "count", "rate_pusd", "picousd"}
        assert line["picousd"] == line["count"] * line["rate_pusd"]
    assert sum(line["picousd"] for line in found["lines"]) == (found["picousd"] or 0)
    assert (found["nusd"] or 0) == -(-(found["picousd"] or 0) // 1_000)


@pytest.mark.parametrize("case", CASES[:1] + CASES[-1:], ids=lambda case: case["id"])
def test_prices_explain_needs_no_daemon(house: Home, tmp_path: Any, case: dict[str, Any]) -> None:
    """The real program prices a file while nothing runs."""
    house.kill()
    done = house.run(*words_of(case, tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    expected = case["expected"]
    assert {name: found.get(name) for name in expected} == expected
    assert house.pid() == 0
