"""What goes to stderr: talk, warnings, errors with their way out, and questions."""

import io
import sys
from types import SimpleNamespace

import pytest

from agentspend.cli import diagnostics
from agentspend.cli.diagnostics import ExitCode, UsageError
from agentspend.core.errors import AgentspendError, ConfigError, DaemonUnreachable
from tests.cli.conftest import Command
from tests.support.process import Home


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """stderr as a terminal that likes colours."""
    found = Terminal()
    monkeypatch.setattr(diagnostics, "sys", SimpleNamespace(stderr=found, stdin=None))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return found


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AgentspendError("x"), ExitCode.FAILED),
        (ConfigError("x"), ExitCode.FAILED),
        (UsageError("x"), ExitCode.USAGE),
        (AgentspendError("x", kind="unknown_name"), ExitCode.USAGE),
        (AgentspendError("x", kind="team"), ExitCode.USAGE),
        (AgentspendError("x", kind="persons_only"), ExitCode.FAILED),
        (AgentspendError("x", kind="a newer daemon's word"), ExitCode.FAILED),
        (DaemonUnreachable("x"), ExitCode.DAEMON_UNREACHABLE),
    ],
)
def test_an_error_has_its_exit_code(error: AgentspendError, code: ExitCode) -> None:
    """Scripts can tell a mistake, a missing daemon and everything else apart."""
    assert diagnostics.exit_code(error) is code


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (PermissionError(13, "Permission denied", "/h/a"), "/h/a cannot be used: Permission denied",
         "make it yours to read and write"),
        (OSError(28, "disk full", "/h/a"), "/h/a cannot be used: disk full",
         "free some disk space"),
        (OSError(28, "No space left on device"), "a file cannot be used: No space left on device",
         "free some disk space"),
        (IsADirectoryError(21, "Is a directory", "/h/a"), "/h/a cannot be used: Is a directory",
         ""),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_had_is_said_in_words(error: OSError, said: str, hint: str) -> None:
    """Which file, why, and what changes it."""
    found = diagnostics.of_machine(error)
    assert found is not None
    assert (found.message, found.hint) == (said, hint)


def test_other_errors_of_the_system_are_not_explained_away() -> None:
    """What has to do with no file is a fault of ours, and must be seen as one."""
    assert diagnostics.of_machine(OSError(9, "Bad file descriptor")) is None


def test_an_error_is_told_with_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """What happened, then the command that changes it; nothing on stdout, no colour in a pipe."""
    diagnostics.tell(AgentspendError("no room", "agentspend budget raise daily 5"))
    diagnostics.warn("look", "there")
    diagnostics.say("hi")
    assert capsys.readouterr() == (
        "",
        "agentspend: no room\n→ agentspend budget raise daily 5\nagentspend: look\n→ there\nhi\n",
    )


def test_colours_mean_something(terminal: Terminal) -> None:
    """Red stops, yellow deserves a look; the words are the same without."""
    diagnostics.tell(AgentspendError("no"))
    diagnostics.warn("look")
    assert terminal.getvalue() == (
        "\x1b[31magentspend:\x1b[0m no\n\x1b[33magentspend:\x1b[0m look\n"
    )


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_turned_off(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """NO_COLOR and a dumb terminal leave plain words."""
    monkeypatch.setenv(name, value)
    assert diagnostics.paint("x", "red") == "x"
    assert not diagnostics.coloured(terminal)


def test_an_encoding_without_arrows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot show a character shows another, and the command goes on."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, "ascii"))
    diagnostics.warn("ü", "x")
    sys.stderr.flush()
    assert raw.getvalue() == b"agentspend: ?\n> x\n"


@pytest.mark.parametrize(
    ("typed", "agreed"), [("y", True), ("Yes", True), ("n", False), ("", False), ("yep", False)]
)
def test_a_question(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal, typed: str, *, agreed: bool
) -> None:
    """Only yes is yes."""
    monkeypatch.setattr(diagnostics.sys, "stdin", Terminal(f"{typed}\n"))
    assert diagnostics.confirmed("sure?", yes=False, instead="") is agreed
    assert terminal.getvalue() == "sure? [y/N] "


def test_a_question_nobody_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal only --yes agrees, and the command with it is named."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError) as raised:
        diagnostics.confirmed("sure?", yes=False, instead="agentspend do --yes")
    assert raised.value.hint == "agentspend do --yes"
    assert diagnostics.confirmed("sure?", yes=True, instead="")


def test_what_is_wrong_with_the_words_is_a_usage_error() -> None:
    """A value that the core refuses was written wrong on the command line."""
    with pytest.raises(UsageError, match="no amount"), diagnostics.as_written():
        raise AgentspendError("no amount", "write one")


def test_a_full_disk_ends_a_command_in_words(
    fresh: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback: the file, the reason and the way out, and the file as it was."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = fresh.config.read_bytes()
    monkeypatch.setattr("agentspend.config.edit.os.fsync", full)
    ran = agentspend("statusline", "--install")
    assert (ran.code, ran.out) == (ExitCode.FAILED, "")
    assert ran.err == (
        f"agentspend: {fresh.config} cannot be used: No space left on device\n"
        "→ free some disk space\n"
    )
    assert fresh.config.read_bytes() == before


def test_a_narrow_terminal_breaks_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What happened, and what stands in the way out beside the command to copy."""
    monkeypatch.setattr(diagnostics, "columns", lambda _: 30)
    hint = "agentspend budget set daily 25.00 --window day    and some words"
    diagnostics.warn("some words that go on until the end", hint)
    diagnostics.tell(AgentspendError("no", "some words that go on until the end"))
    assert capsys.readouterr().err.splitlines() == [
        "agentspend: some words that go", "on until the end",
        "→ agentspend budget set daily 25.00 --window day", "  and some words",
        "agentspend: no",
        "→ some words that go on until", "  the end",
    ]  # fmt: skip


def test_what_no_terminal_reads_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """A log or a pipe gets one line a message."""
    diagnostics.warn("word " * 100, "do that")
    assert len(capsys.readouterr().err.splitlines()) == 2
