"""`agentspend statusline`: one line, at once, whatever is there."""

import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agentspend.cli import statusline
from agentspend.cli.statusline import line
from tests.cli.conftest import PYTHON, SPEND, Command
from tests.daemon.helpers import paths
from tests.support.process import Home

USD = 10**9
NOW_S = 1_795_608_000
BUDGET = {
    "name": "daily", "window": "day", "limit_nusd": 25 * USD, "spent_nusd": 18 * USD,
    "held_nusd": USD, "free_nusd": 6 * USD, "resets_us": None,
}  # fmt: skip
TOLD = {
    "session": {"spent_nusd": 420_000_000, "subscription_nusd": 0, "requests": 3},
    "today_nusd": 18 * USD, "budget": BUDGET, "burn_nusd_per_h": 2_310_000_000, "windows": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, "$0.42 · daily ▕████████░░▏ $6.00 left · $2.31/h"),
        ({"session": None}, "$18.00 today · daily ▕████████░░▏ $6.00 left · $2.31/h"),
        ({"budget": None, "burn_nusd_per_h": 0}, "$0.42 · no budget"),
        ({"session": {"spent_nusd": 0, "subscription_nusd": USD}, "budget": None,
          "burn_nusd_per_h": 0, "windows": [{"name": "5h", "used_percent": 62},
                                            {"name": "7d", "used_percent": None}]},
         "$1.00 listed · no budget · 5h 62%"),
        ({"budget": {**BUDGET, "free_nusd": 0, "spent_nusd": 25 * USD, "held_nusd": 0}},
         "$0.42 · ✗ daily ▕██████████▏ $0.00 left · $2.31/h"),
        ({"budget": {**BUDGET, "spent_nusd": 0, "held_nusd": 21 * USD, "free_nusd": 4 * USD}},
         "$0.42 · ! daily ▕▒▒▒▒▒▒▒▒▒░▏ $4.00 left · $2.31/h"),
        ({"asks": ["daily"]},
         "? waits for more of daily · $0.42 · daily ▕████████░░▏ $6.00 left · $2.31/h"),
        ({"budget": {**BUDGET, "name": "team:frozen", "limit_nusd": 0, "spent_nusd": 0,
                     "held_nusd": 0, "free_nusd": 0}},
         "$0.42 · ✗ team:frozen ▕██████████▏ $0.00 left · $2.31/h"),
        ({"budget": {**BUDGET, "name": "team:org.month", "cap_nusd": 2_000 * USD, "grows": True}},
         "$0.42 · team:org.month $6.00 here of the team's $2,000.00 · $2.31/h"),
    ],
)  # fmt: skip
def test_what_the_line_says(change: dict[str, Any], shown: str) -> None:
    """Cost, the tightest budget with its bar, the pace, a subscription's windows."""
    assert line({**TOLD, **change}, "plain", NOW_S) == shown


def test_a_daemon_that_does_not_answer_is_not_one_that_is_gone(fresh: Home) -> None:
    """What it enforces it still enforces."""
    door = paths(fresh).socket
    door.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        listener.listen(5)
        done = fresh.run("statusline", "--format", "plain", stdin="")
    assert (done.returncode, done.stdout) == (0, "… agentspend: the daemon does not answer\n")


@pytest.mark.parametrize("last", [b'{"v":1,"bye":true}\n', b'{"v":1,"sess'])
def test_one_that_stops_before_it_has_answered_is_gone(
    fresh: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    """Its goodbye is no answer, nor is half of one."""
    monkeypatch.setattr(statusline, "WITHIN_S", 30.0)
    door = paths(fresh).socket
    door.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        listener.listen()

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(last)

        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(answer)
            ran = agentspend("statusline", "--format", "plain")
            answered.result()
    assert (ran.code, ran.out) == (0, "○ agentspend: no daemon runs, nothing is enforced\n")


def test_colours_are_those_of_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """ANSI for Claude Code, its own marks for tmux, none where they are unwanted."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[2m" in line(TOLD, "claude", NOW_S)
    assert "#[dim]" in line(TOLD, "tmux", NOW_S)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in line(TOLD, "claude", NOW_S)


def test_a_daemon_that_is_gone_is_said(fresh: Home, agentspend: Command) -> None:
    """One line and exit code 0: an agent's screen must not break."""
    ran = agentspend("statusline", "--format", "plain")
    assert (ran.code, ran.out) == (0, "○ agentspend: no daemon runs, nothing is enforced\n")


def test_a_format_nobody_knows_is_a_mistake(fresh: Home, agentspend: Command) -> None:
    """With the ones there are."""
    ran = agentspend("statusline", "--format", "html")
    assert ran.code == 2
    assert "claude, tmux, plain" in ran.err


PATIENT = """
import sys
from agentspend.cli import statusline
statusline.WITHIN_S = 30.0
sys.exit(statusline.main(["--format", "plain"]))
"""
"""It waits a quarter of a second for a daemon; a machine with other work may need longer."""


def test_inside_a_session_it_is_the_sessions_cost(
    here: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token in the agent's base URL says which session; outside one the day is shown."""
    monkeypatch.setattr(statusline, "WITHIN_S", 30.0)
    agentspend("budget", "set", "daily", "5.00", "--window", "day")
    inside = f"{PYTHON} {SPEND} '{{}}' >/dev/null && {PYTHON} -c '{PATIENT}'"
    done = subprocess.run(
        [PYTHON, "-m", "agentspend", "run", "--", "sh", "-c", inside],
        env=here.env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    total = [json.loads(text)["amount_nusd"]
             for text in agentspend("log", "-n", "1", "--json").out.splitlines()]  # fmt: skip
    assert done.stdout.startswith(f"${-(-total[0] // 100_000) / 10_000:.4f} · daily ▕")
    assert "today" in agentspend("statusline", "--format", "plain").out


def test_it_reads_what_claude_code_says_and_survives_nonsense(here: Home) -> None:
    """Broken JSON on stdin is no reason to say nothing."""
    for said in ('{"session_id":"x"}', "{", "[]", ""):
        done = subprocess.run(
            [PYTHON, "-m", "agentspend", "statusline", "--format", "plain"],
            env=here.env, input=said, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stdout.count("\n")) == (0, 1)


def test_it_starts_without_anything_but_the_standard_library() -> None:
    """Eighty milliseconds are spent soon: neither typer nor rich, and no event loop."""
    code = (
        "import sys; sys.argv=['agentspend','statusline']; from agentspend.__main__ import main;"
        "main(); print(sorted({'typer','rich','asyncio','msgspec','aiohttp','textual','tomlkit'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input="", capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_installing_changes_our_configuration_alone(fresh: Home, agentspend: Command) -> None:
    """And --undo takes it out again."""
    assert agentspend("statusline", "--install").code == 0
    assert "claude = true" in fresh.config.read_text()
    assert agentspend("statusline", "--install", "--undo").code == 0
    assert "statusline" not in fresh.config.read_text()
    assert agentspend("statusline", "--undo").code == 2
