"""A real terminal, by tmux: type into it, wait until something shows."""

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

WITHIN_S = 60.0
BETWEEN_S = 0.1
# A shell that outlives Ctrl-C and keeps the window open; the command itself can be interrupted.
THEN_SAY_SO = 'trap : INT; "$@"; echo "[ended with $?]"; cat'
ENDED = re.compile(r"\[ended with (\d+)\]")


class Terminal:
    """One tmux server with one window."""

    def __init__(self, socket: Path, cwd: Path) -> None:
        self._socket = socket
        self._cwd = cwd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)

    def start(self, words: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a command in the window, which says its exit code and stays open after its end."""
        given = [f"{name}={value}" for name, value in env.items()]
        self._tmux(
            "new-session", "-d", "-x", "160", "-y", "50", "-c", str(self._cwd),
            "env", "-i", *given, "TERM=xterm-256color", "sh", "-c", THEN_SAY_SO, "sh", *words,
        )  # fmt: skip

    def type(self, text: str) -> None:
        """Type text as it stands."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press named keys: Enter, C-c, Escape."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """What the window shows, with what has scrolled out; wrapped lines are joined."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-200")

    def until(self, ready: Callable[[], bool], what: str) -> None:
        """Wait until something holds; fails with the screen when it does not come."""
        deadline = time.monotonic() + WITHIN_S
        while not ready():
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.screen()}"
            time.sleep(BETWEEN_S)

    def until_shown(self, *texts: str) -> None:
        """Wait until the screen shows all these texts, wherever its lines break."""
        for text in texts:
            wanted = _flat(text)
            self.until(lambda wanted=wanted: wanted in _flat(self.screen()), text)

    def until_ended(self) -> int:
        """Wait for the command's end; its exit code."""
        self.until(lambda: ENDED.search(self.screen()) is not None, "the end")
        found = ENDED.search(self.screen())
        assert found is not None
        return int(found[1])

    def _tmux(self, *words: str, check: bool = True) -> str:
        return subprocess.run(
            ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words],
            capture_output=True, text=True, check=check,
        ).stdout  # fmt: skip


def _flat(text: str) -> str:
    return "".join(text.split())
