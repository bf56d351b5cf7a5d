"""Small tools for tests of the real daemon: ask, wait for a state, hold a session, post."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentspend.config.paths import Paths
from agentspend.control.client import Connection, call
from tests.support.process import Home

WITHIN_S = 20.0
KEY = "sk-ant-api03-canary-93c1f7"
DAILY = '[[budgets]]\nname = "daily"\nlimit = "5.00"\nwindow = "day"\n'


def until(check: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> Any:
    """Ask again until the answer is true; returns it."""
    deadline_s = time.monotonic() + within_s
    while not (found := check()):
        assert time.monotonic() < deadline_s, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.01)
    return found


def paths(home: Home) -> Paths:
    """Where this home keeps everything."""
    return Paths.find(home.env)


def ask(home: Home, op: str, **fields: object) -> dict[str, Any]:
    """One question over the control socket, from this very process."""
    return call(paths(home).socket, op, **fields)


def budget(home: Home, name: str = "daily") -> dict[str, Any]:
    """One budget's line of `agentspend status --json`."""
    lines: list[dict[str, Any]] = home.json("status")["budgets"]
    return next(line for line in lines if line["name"] == name)


def set_port(home: Home, port: int) -> None:
    """Give the daemon a port that outlives it, as users have."""
    home.config.write_text(home.config.read_text().replace("port = 0", f"port = {port}"))


@dataclass(frozen=True, slots=True)
class Way:
    """One session's way in."""

    id: str
    token: str
    url: str

    def post(self, *, stream: bool = False, timeout_s: float = 30, **body: Any) -> Any:
        """Send a message with our token; returns the open answer, or the `HTTPError` it is."""
        turn = {"role": "user", "content": "say hi"}
        asked = {"model": "claude-opus-5", "max_tokens": 200, "messages": [turn], "stream": stream}
        request = urllib.request.Request(
            f"{self.url}/v1/messages",
            json.dumps({**asked, **body}).encode(),
            {"content-type": "application/json", "x-api-key": self.token,
             "user-agent": "claude-cli/2.1.332 (external, cli)"},
        )  # fmt: skip
        try:
            return urllib.request.urlopen(request, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            return error


@contextmanager
def session(home: Home, name: str = "s_test", team: str = "", **fields: Any) -> Iterator[Way]:
    """A session that this process holds open; whatever it starts is then inside the session."""
    with Connection(paths(home).socket) as line:
        payer = {"member": "ana", "agent": "claude", "session": name, "team": team}
        opened = line.ask(
            "session.open", session=name, payer=payer, auth="auto",
            **{"keys": {"anthropic": KEY}, **fields},
        )  # fmt: skip
        token = str(opened["token"])
        yield Way(name, token, f"http://127.0.0.1:{opened['port']}/s/{token}")


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def mode(path: Path) -> int:
    """A file's permission bits."""
    return os.stat(path).st_mode & 0o777
