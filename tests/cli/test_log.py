"""`agentspend log`: entries as lines, the newest last, and as they come."""

import json
import select
import subprocess
import sys
from typing import IO

import pytest

from agentspend.cli import log
from agentspend.core.usage import ESTIMATES
from tests.cli.conftest import Command, spend
from tests.support.process import Home
from tui.facts import charge_of


@pytest.fixture(scope="module")
def busy(house: Home) -> Home:
    """A home with two sessions behind it."""
    assert house.run("budget", "set", "daily", "5", "--window", "day").returncode == 0
    spend(house, {}, {})
    spend(house, {})
    return house


@pytest.fixture(autouse=True)
def _home(busy: Home, here: Home) -> None:
    """Every test here reads the same ledger."""


def test_a_line_is_when_how_much_who_what(agentspend: Command) -> None:
    """A charge and a policy change each read as one line."""
    lines = agentspend("log").out.splitlines()
    assert lines[0].split()[0] == "1"
    assert "genesis" in lines[0]
    assert "budgets in force: daily $5.00 per day (config)" in lines[2]
    assert "settle    $0.0006  python  claude-haiku-4-5  in 6 out 100  r_" in lines[-1]


def test_a_downgrade_names_the_model_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the one that answered."""
    entry = {"seq": 9, "ts": 0, "kind": "settle", "amount_nusd": 10**9, "billing": "exact",
             "evidence": "provider_usage", "model": "claude-haiku-5-5", "usage": {},
             "downgraded_from": "claude-opus-5"}  # fmt: skip
    log._show(entry)
    assert "claude-haiku-5-5 (for claude-opus-5)" in capsys.readouterr().out


def test_how_many(agentspend: Command) -> None:
    """30 by default, -n for another number, 0 for all; oldest first."""
    everything = agentspend("log", "-n", "0").out.splitlines()
    assert agentspend("log", "-n", "2").out.splitlines() == everything[-2:]
    assert agentspend("log", "-n", "600").out.splitlines() == everything


def test_of_one_session_or_agent(agentspend: Command) -> None:
    """A filter counts its own entries, so the newest of a session are found behind any others."""
    entries = [json.loads(line) for line in agentspend("log", "--json").out.splitlines()]
    first = next(entry["session"] for entry in entries if entry["session"])
    for count in ("2", "0"):
        ran = agentspend("log", "--json", "-n", count, "--session", first)
        assert [json.loads(line)["session"] for line in ran.out.splitlines()] == [first, first]
    assert len(agentspend("log", "-n", "0", "--agent", "python").out.splitlines()) == 3
    ran = agentspend("log", "--agent", "codex")
    assert (ran.code, ran.out, ran.err) == (0, "", "no entry is one of --agent codex\n")


def test_follow(busy: Home) -> None:
    """-f shows what is there and then each entry as it is written, until it is stopped."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentspend", "log", "-f", "--json", "-n", "1"],
        env=busy.env, cwd=busy.user, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    before = json.loads(line_of(process.stdout))
    spend(busy, {}, {})
    for number in (1, 2):
        entry = json.loads(line_of(process.stdout))
        assert (entry["kind"], entry["seq"]) == ("settle", before["seq"] + number)
    process.send_signal(2)
    assert process.wait(20) == 130
    assert process.stderr.read() == b""


def test_follow_goes_on_with_the_next_daemon(busy: Home) -> None:
    """A daemon that stops is said once; what the next one writes comes, and nothing twice."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentspend", "log", "-f", "--json", "-n", "1"],
        env=busy.env, cwd=busy.user, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    before = json.loads(line_of(process.stdout))
    spend(busy, {})
    assert json.loads(line_of(process.stdout))["seq"] == before["seq"] + 1
    busy.kill()
    assert b"the daemon stopped: this goes on when it runs again" in line_of(process.stderr)
    spend(busy, {})
    entry = json.loads(line_of(process.stdout))
    assert (entry["kind"], entry["seq"]) == ("settle", before["seq"] + 2)
    process.send_signal(2)
    assert process.wait(20) == 130


def line_of(stream: IO[bytes]) -> bytes:
    """The next line, or a failure instead of a hang."""
    ready, _, _ = select.select([stream], [], [], 30)
    assert ready, "nothing came"
    return stream.readline()


def test_a_reader_that_leaves(busy: Home) -> None:
    """`agentspend log | head -1` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m agentspend log -n 0 | head -1; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", env={**busy.env, "PYTHONUNBUFFERED": "1"},
        cwd=busy.user, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
    assert done.returncode == 0


ENTRY = {"seq": 5, "ts": 0, "kind": "settle", "amount_nusd": 10**9, "billing": "exact",
         "evidence": "provider_usage", "model": "m", "usage": {}}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"billing": "ceiling", "evidence": "estimate"}, "$1.00 (estimate)  m"),
        ({"counted": "subscription"}, "$1.00 at list price  m"),
        ({"usage": {"cache_read_tokens": 40_000, "cache_write_5m_tokens": 2,
                    "cache_write_1h_tokens": 3}}, "m  cached 40,000 written 5"),
        ({"kind": "adjust", "amount_nusd": -(10**9), "text": "a person"}, "-$1.00  m  a person"),
        ({"kind": "note", "amount_nusd": None, "model": None, "text": "hello"}, "hello"),
        ({"kind": "policy", "amount_nusd": None, "model": None, "text": "command",
          "policy": {"budgets": []}}, "budgets in force: none (command)"),
    ],
)  # fmt: skip
def test_other_entries(
    capsys: pytest.CaptureFixture[str], change: dict[str, object], said: str
) -> None:
    """Estimates, subscription use, corrections and policies say what they are."""
    log._show({**ENTRY, **change})
    assert capsys.readouterr().out.rstrip().endswith(said)


@pytest.mark.parametrize("evidence", ESTIMATES)
def test_every_kind_of_estimate_is_found_by_one_word(evidence: str) -> None:
    """Also what a crash left, and a stream that broke off: `adjust` lowers them all, and so does
    the screen mark them."""
    entry = {**ENTRY, "evidence": evidence}
    assert log._flags_of(entry) == {"est"}
    charge = charge_of(entry)
    assert charge is not None
    assert charge.estimate
    assert log._flags_of(ENTRY) == set()


def test_a_filter_is_that_of_the_screen(here: Home, agentspend: Command) -> None:
    """By words and by amount; one that cannot be read is said."""
    everything = agentspend("log", "-n", "0", "--json").out.splitlines()
    settled = [text for text in everything if json.loads(text)["kind"] == "settle"]
    assert settled
    assert agentspend("log", "--filter", "kind:settle", "--json").out.splitlines() == settled
    ran = agentspend("log", "-n", "1", "--filter", "kind:settle", "--json")
    assert ran.out.splitlines() == settled[-1:]
    assert agentspend("log", "--filter", "kind:settle >1000").out == ""
    assert "not something to filter by" in agentspend("log", "--filter", "colour:red").err
