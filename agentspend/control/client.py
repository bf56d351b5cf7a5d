"""Talk to the daemon: one request a line, one or more answers a line.

Standard library only, so that commands start fast. Every failure is an `AgentspendError` that says
what to run.
"""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agentspend.control.versions import NOT_UNDERSTOOD, in_versions
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable
from agentspend.core.limits import DRAIN_S, MAX_CONTROL_LINE_BYTES
from agentspend.wire.control import read_answer, write_request

Message = dict[str, Any]
TIMEOUT_S = 30.0
SAID_AFTER_S = 2.0
"""Who waits this long is told why."""
ASKS_A_SERVER = ("team.", "provider.")
tell: Callable[[str, str], None] | None = None
"""Takes words and their way out for a person; who talks to people sets it. Only the main thread
uses it: others wait behind an agent's own screen."""


class Connection:
    """One open conversation with the daemon. Close it, or use it in a `with`."""

    def __init__(self, path: Path, timeout_s: float | None = TIMEOUT_S) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except BlockingIOError as error:
            self._socket.close()
            kill = _ending(_pid_in(path.parent.parent / "ledger.lock"))
            raise DaemonSilent(
                "the daemon hangs: so many calls wait for it that it takes no more",
                f"end it: {kill}" if kill else "agentspend daemon logs",
            ) from error
        except OSError as error:
            self._socket.close()
            raise DaemonUnreachable(
                f"the daemon is not running (nothing answers at {path})", "agentspend daemon start"
            ) from error
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def wait_forever(self) -> None:
        """Take away the time limit: for streams that may be quiet for long."""
        self._socket.settimeout(None)

    def send(self, op: str, **fields: object) -> None:
        """Send one request: an operation of `wire.control.Op` and its fields."""
        try:
            self._socket.sendall(write_request(op, fields))
        except OSError as error:
            raise self._gone(error) from error

    def receive(self) -> Message | None:
        """The next answer, or None when the daemon hung up. Raises what the daemon refused."""
        try:
            line = self._lines.readline(16 * MAX_CONTROL_LINE_BYTES + 1)
        except OSError as error:
            raise self._gone(error) from error
        broken_off = not line.endswith(b"\n") and len(line) <= 16 * MAX_CONTROL_LINE_BYTES
        return None if broken_off else read_answer(line)

    def ask(self, op: str, **fields: object) -> Message:
        """One request, one answer. Not understood by a daemon of another version, it is told so."""
        self.send(op, **fields)
        self._tell_if_slow(op)
        try:
            answer = self.receive()
        except AgentspendError as error:
            if error.kind in NOT_UNDERSTOOD and op != "ping":
                raise in_versions(error, version_at(self._path)) from error
            raise
        if answer is None or answer.get("bye"):
            raise DaemonUnreachable("the daemon hung up before it answered", "agentspend status")
        return answer

    def _gone(self, error: OSError) -> DaemonUnreachable:
        if not isinstance(error, TimeoutError):
            return DaemonUnreachable(
                "the connection to the daemon broke", "agentspend daemon start"
            )
        who, kill = self._who()
        logs = "agentspend daemon logs"
        return DaemonSilent(
            f"{who} did not answer within {TIMEOUT_S:.0f} s",
            f"{logs}    or end it: {kill}" if kill else logs,
        )

    def _who(self) -> tuple[str, str]:
        """The daemon at the other end, and the command that ends it ("" where nobody knows)."""
        pid = _pid_of(self._socket)
        return f"the daemon (pid {pid})" if pid else "the daemon", _ending(pid)

    def _tell_if_slow(self, op: str) -> None:
        """Half a minute without a word looks like a command that does nothing."""
        limit_s = self._socket.gettimeout()
        if not _heard() or limit_s is None or limit_s <= SAID_AFTER_S:
            return
        if not select.select([self._socket], [], [], SAID_AFTER_S)[0]:
            who, kill = self._who()
            hangs = "Ctrl-C, then, if it hangs: "
            if op.startswith(ASKS_A_SERVER):
                hangs, kill = "", "it asks a server for you; Ctrl-C ends the wait"
            say(
                f"{who} has not answered for {SAID_AFTER_S:.0f} s; waiting {limit_s:.0f} s more",
                f"{hangs}{kill or 'agentspend daemon logs'}",
            )

    def wait_until_gone(self) -> None:
        """Until a daemon that was told to stop has let its last requests end."""
        self.wait_forever()
        if _heard() and not select.select([self._socket], [], [], SAID_AFTER_S)[0]:
            say(f"it lets requests in flight end first, {DRAIN_S:.0f} s at most", "")
        for _ in self.answers():
            pass

    def answers(self) -> Iterator[Message]:
        """Every further answer until the daemon hangs up."""
        while (message := self.receive()) is not None:
            yield message


def call(path: Path, op: str, **fields: object) -> Message:
    """One request on a connection of its own."""
    with Connection(path) as connection:
        return connection.ask(op, **fields)


def version_at(path: Path) -> str:
    """The version of the daemon that runs."""
    return str(call(path, "ping")["version"])


def say(text: str, hint: str) -> None:
    """Say something beside the answer, where somebody listens."""
    if tell is not None and _heard():
        tell(text, hint)


def _heard() -> bool:
    return tell is not None and threading.current_thread() is threading.main_thread()


def _ending(pid: int) -> str:
    """The command that ends a daemon which hangs, "" where nobody knows which process it is."""
    return f"kill -9 {pid}  (nothing is lost; the next command starts another)" if pid else ""


def _pid_in(lock: Path) -> int:
    """Who holds the ledger, by its lock's file; 0 where that says nothing."""
    try:
        return int(lock.read_text())
    except (OSError, ValueError):
        return 0


def _pid_of(end: socket.socket) -> int:
    """Who listens at the other end, 0 where the system does not say (macOS)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return 0
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)
