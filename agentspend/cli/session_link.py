"""The line a `run` keeps open to the daemon: its session lives as long as this connection.

When the daemon dies, the link starts it again and opens the same session with the same token, so
that the agent goes on. An orderly stop ("bye") is somebody's wish: then the link only waits for a
daemon to come back, and starts none. Nor does it after so many starts that failed.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from agentspend.control.client import Connection, Message, call
from agentspend.control.start import ensure_daemon
from agentspend.core.errors import AgentspendError

# How long to wait before each try to bring a dead daemon back; after the last, somebody else must.
RESTARTS_AFTER_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
LOOK_AGAIN_S = 1.0

Start = Callable[[Path, Path], Message]


class SessionLink:
    """One session, across restarts of the daemon. `fields` are those of `session.open`."""

    def __init__(
        self, socket: Path, log: Path, fields: Message, start: Start = ensure_daemon
    ) -> None:
        self._socket = socket
        self._log = log
        self._fields = fields
        self._start = start
        self._over = threading.Event()
        self._is_up = threading.Event()
        self.opened: Message = {}

    def open(self) -> Message:
        """Open the session and watch over it; returns the daemon's answer."""
        connection = self._connect()
        self._is_up.set()
        self._fields = {**self._fields, "token": self.opened["token"]}
        name = str(self._fields["session"])
        threading.Thread(target=self._watch, args=(connection,), name=name, daemon=True).start()
        return self.opened

    def total(self) -> Message:
        """What the session did. From here on the daemon is not brought back any more.

        Where this line is down, another daemon may have let the session in again: it hears of the
        end by a last line that is hung up at once, or would keep the session open for good.
        """
        self._over.set()
        asked = {"session": self.opened["counts_as"]}
        if self._is_up.is_set():
            return call(self._socket, "session.total", **asked)
        with self._connect():
            return call(self._socket, "session.total", **asked)

    def _connect(self) -> Connection:
        connection = Connection(self._socket)
        try:
            self.opened = connection.ask("session.open", **self._fields)
        except AgentspendError:
            connection.close()
            raise
        connection.wait_forever()
        return connection

    def _watch(self, connection: Connection) -> None:
        """On its own thread: read until the daemon hangs up, then bring the session back."""
        found: Connection | None = connection
        while found is not None:
            meant = _wait_for_the_end(found)
            self._is_up.clear()
            found.close()
            found = self._look_again() if meant else self._bring_back()
            if found is not None:
                self._is_up.set()

    def _bring_back(self) -> Connection | None:
        """Start the daemon again and open the session on it; None when the session is over."""
        for delay_s in RESTARTS_AFTER_S:
            if self._over.wait(delay_s):
                return None
            try:
                self._start(self._socket, self._log)
                return self._connect()
            except (AgentspendError, OSError):
                continue
        return self._look_again()

    def _look_again(self) -> Connection | None:
        """Wait until somebody starts the daemon again."""
        while not self._over.wait(LOOK_AGAIN_S):
            try:
                return self._connect()
            except (AgentspendError, OSError):
                continue
        return None


def _wait_for_the_end(connection: Connection) -> bool:
    """Read until the daemon hangs up; True when it said goodbye first."""
    meant = False
    try:
        for message in connection.answers():
            meant = meant or bool(message.get("bye"))
    except (AgentspendError, OSError, ValueError):
        return meant
    return meant
