"""Everything the commands say on stderr, and the code they exit with.

Talk goes here, data goes to `cli.output`. Light on purpose: `agentspend run` uses it, so it knows
nothing of rich or typer. Colours carry meaning only: red stops you, yellow deserves a look, dim
is by the way; `NO_COLOR` or a pipe turns them off.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TextIO

from agentspend.core.errors import AgentspendError, DaemonUnreachable, Kind
from agentspend.core.folding import folded
from agentspend.core.printable import in_encoding


class ExitCode(IntEnum):
    """What a command's exit code says. `run` exits with the agent's own code instead."""

    OK = 0
    FAILED = 1
    USAGE = 2
    DAEMON_UNREACHABLE = 3
    INTERRUPT = 130


class UsageError(AgentspendError):
    """The command was written wrong: exit code 2."""


_MENDED = {
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some disk space",
    errno.EROFS: "set AGENTSPEND_HOME to a folder that can be written",
    errno.EACCES: "make it yours to read and write",
    errno.EPERM: "make it yours to read and write",
}
"""What changes the errors of a machine that a command cannot go on with."""
_WRITTEN_WRONG = (Kind.UNKNOWN_NAME, Kind.TEAM)
_CODES = {"red": "31", "yellow": "33", "green": "32", "dim": "2", "bold": "1"}


def coloured(stream: TextIO) -> bool:
    """Whether colours belong on this stream."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """`text` in red, yellow, green, dim or bold, where colours belong."""
    if not coloured(stream or sys.stderr):
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def say(text: str, colour: str = "") -> None:
    """One line of talk."""
    text = _folded(text)
    _write(f"{paint(text, colour) if colour else text}\n")


def warn(text: str, hint: str = "") -> None:
    """Something that deserves a look, and the way out."""
    _write_signed(text, "yellow")
    if hint:
        _write(f"{_folded(f'→ {hint}')}\n")


def tell(error: AgentspendError) -> None:
    """An error: what happened and the fact behind it, then the way out."""
    _write_signed(error.message, "red")
    if error.hint:
        _write(f"{_folded(f'→ {error.hint}')}\n")


def exit_code(error: AgentspendError) -> ExitCode:
    """The code an error ends a command with."""
    if isinstance(error, DaemonUnreachable):
        return ExitCode.DAEMON_UNREACHABLE
    written_wrong = isinstance(error, UsageError) or error.kind in _WRITTEN_WRONG
    return ExitCode.USAGE if written_wrong else ExitCode.FAILED


def of_machine(error: OSError) -> AgentspendError | None:
    """A file that the machine did not let us have, in words; None for what is no such thing."""
    if error.filename is None and error.errno not in _MENDED:
        return None
    what = "a file" if error.filename is None else os.fsdecode(error.filename)
    return AgentspendError(
        f"{what} cannot be used: {error.strerror}", _MENDED.get(error.errno or 0, "")
    )


@contextmanager
def as_written() -> Iterator[None]:
    """What is wrong with the words of a command line was written wrong: exit code 2."""
    try:
        yield
    except AgentspendError as error:
        raise UsageError(error.message, error.hint) from error


def confirmed(question: str, *, yes: bool, instead: str) -> bool:
    """Ask a person y/N. Without a terminal there is nobody to ask: `--yes` must say so.

    `instead` is the command that answers yes.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "this asks for a person's yes, and there is no terminal to ask on", instead
        )
    _write(f"{question} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def close_pipes() -> None:
    """Whoever read us is gone: say nothing more, also not at exit."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())


def columns(stream: TextIO) -> int:
    """How wide the stream's terminal is; what no terminal reads is never broken."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or UNFOLDED
    except (OSError, ValueError):
        return UNFOLDED


UNFOLDED = 1_000_000


def _write_signed(text: str, colour: str) -> None:
    sign = "agentspend:"
    _write(f"{_folded(f'{sign} {text}').replace(sign, paint(sign, colour), 1)}\n")


def _folded(text: str) -> str:
    return folded(text, columns(sys.stderr))


def _write(text: str) -> None:
    sys.stderr.write(in_encoding(text, sys.stderr.encoding))
    sys.stderr.flush()
