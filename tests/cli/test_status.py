"""`agentspend status`: what a person reads first, in every width, with and without colours."""

import fcntl
import os
import pty
import struct
import sys
import termios
from typing import Any

import pytest

from agentspend.cli import status
from tests.cli.conftest import Command
from tests.support.process import Home

LINE = {
    "name": "daily", "scope": "everything", "window": "day", "mode": "hard", "limit_nusd": 10**10,
    "spent_nusd": 0, "held_nusd": 0, "free_nusd": 10**10, "over_nusd": 0,
    "resets_at": None, "session": "", "source": "",
}  # fmt: skip
FOUND = {
    "budgets": [LINE], "sessions": [], "today_nusd": 0, "waits": [], "gate_closed": "",
    "config_error": "",
}  # fmt: skip
SESSION = {
    "id": "s_1", "agent": "claude", "project": "acme/api", "branch": "main", "member": "ana",
    "tags": [], "pid": 1, "opened_us": 0, "requests": 3, "spent_nusd": 10**9,
    "subscription_nusd": 0, "held_nusd": 5 * 10**8, "waiting": [],
}  # fmt: skip


def shown(monkeypatch: pytest.MonkeyPatch, agentspend: Command, **change: Any) -> str:
    """What the command shows of such a snapshot."""
    found = {**FOUND, **change}
    monkeypatch.setattr(status.access, "ask", lambda *_, **__: found)
    ran = agentspend("status")
    assert (ran.code, ran.err) == (0, "")
    return ran.out


@pytest.fixture(autouse=True)
def _home(fresh: Home) -> None:
    """A home without a daemon."""


def test_nothing_set(monkeypatch: pytest.MonkeyPatch, agentspend: Command) -> None:
    """Without budgets it is metering only, with the command for a first cap."""
    out = shown(monkeypatch, agentspend, budgets=[])
    assert out.splitlines()[:2] == [
        "no budget is set: metering only",
        "→ agentspend budget set daily 25.00 --window day",
    ]


def test_rules_are_told_with_whoever_made_them(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command
) -> None:
    """A row each; without rules there is no table."""
    line = {"kind": "loop_guard", "for": "every session", "text": "pauses when …", "source": "",
            "session": ""}  # fmt: skip
    out = shown(monkeypatch, agentspend, rules=[line, {**line, "source": "key ci"}])
    assert "loop guard  every session  pauses when …  configuration" in out
    assert "key ci" in out
    assert "RULE" not in shown(monkeypatch, agentspend)


@pytest.mark.parametrize(
    ("spent", "held", "mark", "bar"),
    [
        (0, 0, "", "░" * 20),
        (1, 0, "", "█" + "░" * 19),
        (5 * 10**9, 10**9, "", "█" * 10 + "▒" * 2 + "░" * 8),
        (8 * 10**9, 0, "!", "█" * 16 + "░" * 4),
        (7 * 10**9, 10**9, "!", "█" * 14 + "▒" * 2 + "░" * 4),
        (10**10, 0, "✗", "█" * 20),
        (12 * 10**9, 0, "✗", "█" * 20),
    ],
)
def test_a_budget_is_a_bar_and_a_mark(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command, spent: int, held: int, mark: str, bar: str
) -> None:
    """The bar is spent, held and free; marks say near and spent without any colour."""
    line = {**LINE, "spent_nusd": spent, "held_nusd": held}
    row = shown(monkeypatch, agentspend, budgets=[line]).splitlines()[1]
    assert bar in row
    assert row.split()[0] == (mark or "daily")


def test_the_tightest_budget_is_first(monkeypatch: pytest.MonkeyPatch, agentspend: Command) -> None:
    """The budget that will refuse next leads; a warn budget says that it only warns."""
    lines = [
        {**LINE, "name": "calm"},
        {**LINE, "name": "told", "mode": "warn", "spent_nusd": 5 * 10**9},
        {**LINE, "name": "tight", "spent_nusd": 9 * 10**9},
    ]
    out = shown(monkeypatch, agentspend, budgets=lines)
    names = [next(w for w in row.split() if w.isalpha()) for row in out.splitlines()[1:4]]
    assert names == ["tight", "told", "calm"]
    assert "told (warn)" in out


def test_what_is_wrong_comes_first(monkeypatch: pytest.MonkeyPatch, agentspend: Command) -> None:
    """A closed gate, a bad configuration, waiting changes: each is above the figures."""
    out = shown(
        monkeypatch, agentspend, gate_closed="the disk is full", config_error="line 3: no",
        waits=[{"budget": "daily", "what": "budget daily is removed"},
               {"budget": "", "what": "models is removed"}],
    )  # fmt: skip
    assert out.splitlines()[:8] == [
        "✗ no request may leave: the disk is full",
        "  once that is mended the next request leaves  → agentspend doctor",
        "! the configuration was not taken over: line 3: no",
        "  the last good one is in force  → agentspend config show",
        "! waits for you: budget daily is removed",
        "! waits for you: models is removed",
        "  → agentspend budget confirm",
        "",
    ]


@pytest.mark.parametrize(("ahead_s", "told"), [(-1, False), (3_600, True)])
def test_a_clock_that_was_set_back(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command, ahead_s: int, *, told: bool
) -> None:
    """A day that has not begun yet by the clock: why "resets in 2 d" stands behind a daily cap."""
    monkeypatch.setattr(status, "now_us", lambda: 10**15)
    out = shown(monkeypatch, agentspend, day_starts_us=10**15 + ahead_s * 10**6)
    assert ("! this machine's clock is behind the ledger: windows stand still" in out) is told


@pytest.mark.parametrize(("since_ms", "told"), [(1_900, False), (2_000, False), (2_001, True)])
def test_a_request_that_waits(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command, since_ms: int, *, told: bool
) -> None:
    """A request in line for more than 2 s is told, with what it waits for."""
    waiting = [{"rid": "r_1", "budget": "daily", "since_ms": since_ms}]
    out = shown(monkeypatch, agentspend, sessions=[{**SESSION, "waiting": waiting}])
    assert ("! a request of claude has waited 2 s for budget daily: $10.00 is free" in out) is told


def test_a_request_that_waits_for_a_rate_limit(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command
) -> None:
    """It names the limit instead of a budget."""
    wait = {"rid": "r_1", "budget": "", "limit": "2 requests a minute", "since_ms": 9_000}
    out = shown(monkeypatch, agentspend, sessions=[{**SESSION, "waiting": [wait]}])
    assert "a request of claude has waited 9 s for the rate limit of 2 requests a minute" in out


def test_who_is_running(monkeypatch: pytest.MonkeyPatch, agentspend: Command) -> None:
    """A session is a row; subscription use is listed apart from real dollars."""
    listed = {**SESSION, "id": "s_2", "subscription_nusd": 2 * 10**9, "agent": ""}
    rows = shown(monkeypatch, agentspend, sessions=[SESSION, listed]).splitlines()
    first = next(row for row in rows if row.startswith("s_1"))
    assert first.split()[:8] == ["s_1", "claude", "acme/api", "main", "3", "$1.00", "$0.50", "-"]
    second = next(row for row in rows if row.startswith("s_2"))
    assert second.split()[1] == "-"
    assert "$2.00" in second
    assert rows[-1] == "today: $0.00 spent"


def test_names_are_never_markup_or_commands(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command
) -> None:
    """A branch or project named by somebody else cannot colour, hide or move anything."""
    nasty = {**SESSION, "branch": "[red]x[/]\\", "project": "a\x1b[2Jb\nc\u202e"}
    out = shown(monkeypatch, agentspend, sessions=[nasty])
    assert "[red]x[/]\\" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "a?[2Jb?c?" in out


def on_terminal(home: Home, columns: int, *words: str, **env: str) -> str:
    """What the real program writes to a terminal this wide."""
    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(home.user)
        os.execve(sys.executable, [sys.executable, "-m", "agentspend", *words], {**home.env, **env})
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    said = b""
    while True:
        try:
            chunk = os.read(handle, 65_536)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    os.waitpid(pid, 0)
    os.close(handle)
    return said.decode()


BUDGETS = "".join(
    f'[[budgets]]\nname = "{name}"\nlimit = "{limit}"\nwindow = "{window}"\n{scope}\n'
    for name, limit, window, scope in [
        ("laptop", "1250.00", "month", ""),
        ("opus-on-the-night-shift", "25.00", "rolling 5h", 'scope = { model = "claude-opus-*" }'),
        ("spent", "0", "day", ""),
    ]
)


@pytest.mark.parametrize("columns", [50, 60, 80, 100, 140])
def test_every_width_is_readable(fresh: Home, columns: int) -> None:
    """Each budget stays one line that fits, and no figure is ever cut."""
    fresh.config.write_text(fresh.config.read_text() + BUDGETS)
    said = on_terminal(fresh, columns, "status", COLUMNS=str(columns), NO_COLOR="1", TERM="xterm")
    rows = said.replace("\r", "").splitlines()
    budgets = [row for row in rows if "$" in row and "today" not in row]
    assert len(budgets) == 3
    assert all(len(row) <= columns for row in budgets)
    figures = sorted(word for row in budgets for word in row.split() if word.startswith("$"))
    assert set(figures) == {"$0.00", "$1,250.00", "$25.00"}
    assert "\x1b[" not in said
    if columns >= 140:
        assert "░" in said
        assert "opus-on-the-night-shift" in said


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_only_where_they_belong(
    fresh: Home, env: dict[str, str], *, coloured: bool
) -> None:
    """A terminal gets colours; NO_COLOR and a dumb terminal do not, and lose no mark."""
    fresh.config.write_text(fresh.config.read_text() + BUDGETS)
    said = on_terminal(fresh, 100, "status", **{"NO_COLOR": "", "TERM": "xterm", **env})
    assert ("\x1b[31m" in said) is coloured
    assert "✗" in said
    piped = fresh.run("status", NO_COLOR="")
    assert "\x1b" not in piped.stdout


def test_an_ascii_terminal(fresh: Home) -> None:
    """Where the encoding has no such characters, something is shown instead of a crash."""
    fresh.config.write_text(fresh.config.read_text() + BUDGETS)
    done = fresh.run("status", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "laptop" in done.stdout


@pytest.mark.parametrize(
    ("listed_nusd", "line"),
    [
        (0, "today: $1.00 spent"),
        (2 * 10**9, "today: $1.00 spent, $2.00 at list price on subscriptions"),
    ],
)
def test_what_a_subscription_covered_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command, listed_nusd: int, line: str
) -> None:
    """Never in one sum with dollars."""
    day = {"today_nusd": 10**9, "today_subscription_nusd": listed_nusd}
    assert shown(monkeypatch, agentspend, **day).splitlines()[-1] == line


def test_a_subscriptions_windows(monkeypatch: pytest.MonkeyPatch, agentspend: Command) -> None:
    """Beneath the sessions, where there are any."""
    window = {
        "provider": "anthropic", "account": "a1", "name": "7d", "model": "", "called": "week",
        "used_percent": 62, "resets_at": None, "status": "open", "seen_at": None,
    }  # fmt: skip
    rows = shown(monkeypatch, agentspend, sessions=[SESSION], windows=[window]).splitlines()
    assert rows[-4].split() == ["LOGIN", "INCLUDED", "USED", "RESETS"]
    assert rows[-3].split() == ["anthropic", "week", "62", "%", "used"]


@pytest.mark.parametrize(
    ("whole", "row", "told"),
    [
        (True, ["20%", "$4.00", "$0.00", "$16.00", "$20.00", "-"], "team:org: of your team"),
        (False, ["-", "$4.00", "$0.00", "$16.00", "$100.00", "-"],
         "granted of the LIMIT; more is had as it is spent"),
    ],
)  # fmt: skip
def test_a_teams_cap(
    monkeypatch: pytest.MonkeyPatch, agentspend: Command, whole: bool, row: list[str], told: str
) -> None:
    """Whole where its server told; else what lies here is not taken for what is left."""
    amounts = {"limit_nusd": 20 * 10**9, "spent_nusd": 4 * 10**9, "free_nusd": 16 * 10**9}
    line = {**LINE, **amounts, "name": "team:org", "source": "your team", "is_whole": whole,
            "cap_nusd": 20 * 10**9 if whole else 100 * 10**9}  # fmt: skip
    out = shown(monkeypatch, agentspend, budgets=[line])
    assert out.splitlines()[1].split()[-6:] == row
    assert told in out
