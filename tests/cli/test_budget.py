"""`agentspend budget`: the file says it, the daemon adopts it, and loosening is a person's."""

import json
import sys

import pytest

from agentspend.cli import access, diagnostics
from agentspend.cli.budget import _left
from agentspend.cli.diagnostics import ExitCode
from agentspend.core.errors import AgentspendError
from tests.cli.conftest import Command
from tests.support.process import Home


@pytest.fixture(autouse=True)
def _home(here: Home) -> None:
    """Every test here shares one daemon; each uses budgets of its own."""


def edit(home: Home, name: str, before: str, after: str) -> None:
    """Change one limit in the file, as a person with an editor does."""
    head, found, tail = home.config.read_text().partition(f'name = "{name}"\n')
    assert found
    home.config.write_text(head + found + tail.replace(f'"{before}"', f'"{after}"', 1))


def test_set_shows_the_budget_and_the_smallest_useful_limit(agentspend: Command) -> None:
    """What was set is data on stdout; what a limit is good for is talk on stderr."""
    ran = agentspend("budget", "set", "daily", "25.00", "--window", "day")
    assert ran.code == 0
    head, row = ran.out.splitlines()
    assert " ".join(head.split()) == "BUDGET FOR WINDOW SPENT HELD FREE LIMIT RESETS IN"
    assert row.split()[:3] == ["daily", "everything", "day"]
    assert ran.err.startswith("a first Claude Code request may be held at: claude-")
    assert "is below" not in ran.err


def test_a_limit_too_small_for_a_first_request_is_told(agentspend: Command) -> None:
    """A strict budget below what a first request holds is set, and what would do is named."""
    ran = agentspend("budget", "set", "small", "0.05", "--window", "week")
    assert ran.code == 0
    assert "$0.0500 is below that for" in ran.err
    assert "→ agentspend budget raise small --to " in ran.err
    warned = agentspend("budget", "set", "told", "0.05", "--window", "week", "--mode", "warn")
    assert (warned.code, warned.err) == (0, "")


def test_a_budget_for_one_model_is_told_what_that_model_needs(agentspend: Command) -> None:
    """Also one that nobody starts with any more; no other model is of interest."""
    words = ("budget", "set", "old", "0.05", "--window", "week", "--scope")
    ran = agentspend(*words, "model=claude-haiku-4-5")
    assert ran.err.startswith("a first Claude Code request may be held at: claude-haiku-4-5 $")
    assert "," not in ran.err.splitlines()[0]
    assert "$0.0500 is below that for claude-haiku-4-5" in ran.err


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (["25", "daily"], "the name comes first, then the limit",
         "agentspend budget set daily 25 --window day"),
        (["daily", "lots"], "'lots' is not an amount of dollars", 'write it like "25.00"'),
        (["daily", "-5"], "-5 is below zero: write 0 or more",
         "agentspend budget set daily 25.00 --window day"),
        (["a/b", "5"], "'a/b' is not a name for a budget", "use letters, digits, - _ and ."),
        (["daily", "5", "--scope", "claude"], "scope 'claude' names no value",
         "write it like agent=claude, project=claude or tag=claude"),
        (["daily", "5", "--scope", "agent"], "scope 'agent' names no value",
         "write it like agent=VALUE"),
        (["daily", "5", "--scope", "ticket=A-1"], "'ticket' is not something a budget can be for",
         "use one of: member"),
        (["daily", "5", "--scope", "agnt=claude"], "'agnt' is not something a budget can be for",
         "use one of: member"),
        (["daily", "5", "--scope", "agent="], "scope 'agent' is empty", "write agent=VALUE"),
        (["daily", "5", "--scope", "agent=a", "--scope", "agent=b"], "'agent' is given twice",
         "a budget is for one of each"),
    ],
)  # fmt: skip
def test_what_cannot_be_set_is_taught(
    agentspend: Command, here: Home, words: list[str], said: str, hint: str
) -> None:
    """Each mistake is answered with how to write it, and the file stays as it was."""
    before = here.config.read_text()
    ran = agentspend("budget", "set", *words, "--window", "day")
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert said in ran.err
    assert f"→ {hint}" in ran.err
    assert here.config.read_text() == before


def test_a_window_that_is_none(agentspend: Command) -> None:
    """The windows there are get named."""
    ran = agentspend("budget", "set", "x", "5", "--window", "fortnight")
    assert ran.code == ExitCode.USAGE
    assert "use session, subagent, hour, day, week, month, total" in ran.err


def test_setting_again_keeps_the_warning_marks(agentspend: Command, here: Home) -> None:
    """Marks that a person wrote into the file survive a new limit."""
    agentspend("budget", "set", "marks", "5", "--window", "day")
    text = here.config.read_text()
    name = 'name = "marks"'
    here.config.write_text(text.replace(name, f"{name}\nwarn_percents = [95]"))
    assert agentspend("budget", "set", "marks", "4", "--window", "day").code == 0
    assert "warn_percents = [95]" in here.config.read_text()


def test_raise(agentspend: Command) -> None:
    """By an amount, or to a limit."""
    agentspend("budget", "set", "up", "5", "--window", "day")
    assert " $7.50 " in agentspend("budget", "raise", "up", "2.50").out
    assert " $40.00 " in agentspend("budget", "raise", "up", "--to", "40").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up2"], "give either an amount to add, or --to a limit"),
        (["up2", "1", "--to", "9"], "give either an amount to add, or --to a limit"),
        (["up2", "--to", "1"], "$1.00 is below the limit of $5.00"),
        (["up2", "0"], "that changes nothing: the limit of up2 is $5.00 already"),
        (["up2", "--to", "5"], "that changes nothing: the limit of up2 is $5.00 already"),
        (["up2", "x"], "'x' is not an amount of dollars"),
        (["upp2", "1"], "did you mean up2?"),
        (["zzz", "1"], "→ agentspend budget list"),
    ],
)
def test_raise_that_is_none(agentspend: Command, words: list[str], said: str) -> None:
    """A raise that raises nothing, or nothing there is, changes nothing."""
    agentspend("budget", "set", "up2", "5", "--window", "day")
    ran = agentspend("budget", "raise", *words)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert said in ran.err


def test_what_is_left_after_a_removal() -> None:
    """A team's caps hold on: that is not metering only."""
    assert _left(2, []) == "2 left"
    assert _left(0, []) == "no budget is left: metering only"
    assert (
        _left(0, ["team:org.month"]) == "none of yours is left, and team:org.month still in force"
    )


def test_remove(agentspend: Command, here: Home) -> None:
    """A removed budget is gone from the file and from what is in force."""
    agentspend("budget", "set", "brief", "5", "--window", "day")
    ran = agentspend("budget", "remove", "brief")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("budget brief is gone; ")
    assert "brief" not in here.config.read_text()
    assert "brief" not in agentspend("budget", "list").out
    assert agentspend("budget", "remove", "brief").code == ExitCode.USAGE


def test_a_raise_by_editing_the_file_waits(
    agentspend: Command, here: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file alone raises nothing: it waits, everybody is told, and a person's yes adopts it."""
    agentspend("budget", "set", "held", "5.00", "--window", "day")
    edit(here, "held", "5.00", "50.00")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    asked = agentspend("budget", "confirm")
    assert asked.code == ExitCode.USAGE
    assert "limit rises from $5.00 to $50.00" in asked.out
    assert "→ agentspend budget confirm --yes" in asked.err
    listed = agentspend("budget", "list", "--json").json()
    assert [each["budget"] for each in listed["waits"]] == ["held"]
    (line,) = [each for each in listed["budgets"] if each["name"] == "held"]
    assert line["limit_nusd"] == 5 * 10**9
    status = agentspend("status").out
    assert "! waits for you: budget held limit rises from $5.00 to $50.00" in status
    ran = agentspend("budget", "confirm", "--yes")
    assert ran.code == 0
    assert "$50.00" in ran.out
    assert agentspend("budget", "confirm", "--yes").err.startswith("nothing waits")


def test_a_raise_to_what_the_file_says_already(agentspend: Command, here: Home) -> None:
    """While the file's raise waits, the command is a person's yes to it."""
    agentspend("budget", "set", "yes", "5.00", "--window", "day")
    edit(here, "yes", "5.00", "51.00")
    ran = agentspend("budget", "raise", "yes", "--to", "51")
    assert (ran.code, "$51.00" in ran.out) == (0, True)
    assert agentspend("budget", "raise", "yes", "--to", "51").code == ExitCode.USAGE


def test_line_ends_of_windows_stay(
    agentspend: Command, here: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit keeps them, and a change that is refused leaves every byte as it was."""
    mine = here.config.read_bytes()
    windows = mine.replace(b"\n", b"\r\n")
    here.config.write_bytes(windows)
    assert agentspend("budget", "set", "crlf", "5", "--window", "day").code == 0
    written = here.config.read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n") > windows.count(b"\r\n")
    assert agentspend("budget", "remove", "crlf").code == 0

    def refused(op: str, **fields: object) -> object:
        if op == "budget.set":
            raise AgentspendError("an agent may not")
        return real(op, **fields)

    real = access.ask
    monkeypatch.setattr(access, "ask", refused)
    odd = b"\xef\xbb\xbf" + windows
    here.config.write_bytes(odd)
    assert agentspend("budget", "set", "crlf", "5", "--window", "day").code == ExitCode.FAILED
    assert here.config.read_bytes() == odd
    here.config.write_bytes(mine)


@pytest.mark.parametrize(("typed", "code"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_a_person_is_asked(
    agentspend: Command, here: Home, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    """On a terminal the question is put; anything but yes changes nothing."""
    agentspend("budget", "set", "asked", "6.00", "--window", "day")
    edit(here, "asked", "6.00", "66.00")
    monkeypatch.setattr(diagnostics.sys, "stdin", Typed(typed))
    ran = agentspend("budget", "confirm")
    assert ran.code == code
    assert "adopt? [y/N] " in ran.err
    agentspend("budget", "remove", "asked")


class Typed:
    """A terminal at which somebody types one line."""

    def __init__(self, text: str) -> None:
        self._text = text

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._text


def test_a_tightening_by_editing_the_file_holds_at_once(agentspend: Command, here: Home) -> None:
    """A lower limit needs nobody's yes: the next command finds it in force."""
    agentspend("budget", "set", "tight", "7.00", "--window", "day")
    edit(here, "tight", "7.00", "3.00")
    agentspend("budget", "confirm")
    (line,) = [
        each
        for each in agentspend("budget", "list", "--json").json()["budgets"]
        if each["name"] == "tight"
    ]
    assert line["limit_nusd"] == 3 * 10**9


def test_a_file_that_cannot_be_read_stops_a_change(agentspend: Command, here: Home) -> None:
    """While the file is broken no command rewrites it; the error names the line."""
    text = here.config.read_text()
    here.config.write_text(text + "\n[daemon]\nprt = 1\n")
    try:
        ran = agentspend("budget", "set", "x", "5", "--window", "day")
        assert ran.code == ExitCode.FAILED
        assert "config.toml" in ran.err
        assert here.config.read_text().endswith("prt = 1\n")
    finally:
        here.config.write_text(text)


def test_list_in_json(agentspend: Command) -> None:
    """The list's JSON has the budgets of `status`, and what waits."""
    found = agentspend("budget", "list", "--json").json()
    assert list(found) == ["v", "budgets", "waits"]
    assert found["budgets"] == json.loads(agentspend("status", "--json").out)["budgets"]
