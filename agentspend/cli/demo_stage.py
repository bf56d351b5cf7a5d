"""Where the demo plays: a folder of its own, a sandbox provider, a daemon, and a client.

Nothing of the user's is read or changed; everything is gone afterwards.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agentspend.cli import access
from agentspend.config.paths import HOME
from agentspend.control.client import Connection
from agentspend.core.errors import AgentspendError

MODEL = "claude-opus-5"
PROMPT_LINE = "def total(rows): return sum(row.amount for row in rows)  # one pass, no copy\n"
CONFIG = """[daemon]
port = 0

[providers.anthropic]
base_url = "http://127.0.0.1:{port}"

[admission]
wait_s = 4

[[budgets]]
name = "demo"
limit = "{limit}"
window = "day"
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the client got back: the status and, for a refusal, its message."""

    status: int
    message: str = ""


class Stage:
    """Use it in a `with`: the provider and the daemon run inside."""

    def __init__(self, limit: str) -> None:
        self._limit = limit
        self._folder = tempfile.TemporaryDirectory(prefix="agentspend-demo-")
        self._env = {name: os.environ.get(name) for name in (HOME, "AGENTSPEND_ANTHROPIC_KEY")}
        self.warnings: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        home = Path(self._folder.name)
        os.environ[HOME] = str(home)
        os.environ["AGENTSPEND_ANTHROPIC_KEY"] = "sk-ant-demo"
        self._provider = subprocess.Popen(
            [sys.executable, "-m", "agentspend.sandbox", "--seed", "7"], stdout=subprocess.PIPE
        )
        assert self._provider.stdout is not None
        said = self._provider.stdout.readline()
        if not said:
            raise AgentspendError("the sandbox provider did not start", "agentspend doctor")
        self._provider_port = int(json.loads(said)["port"])
        config = CONFIG.format(port=self._provider_port, limit=self._limit)
        (home / "config.toml").write_text(config)
        self.open_session()
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        with suppress(AgentspendError):
            access.ask("stop")
        self._provider.terminate()
        self._provider.wait(10)
        for name, value in self._env.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._folder.cleanup()

    def open_session(self) -> dict[str, Any]:
        """Start the daemon where none runs, and open a session as `agentspend run` does."""
        found = access.daemon()
        self._session = Connection(Path(found["socket"]))
        payer = {"agent": "demo", "session": "s_demo", "project": "demo"}
        opened = self._session.ask("session.open", session="s_demo", payer=payer, keys={})
        self._port, self._token = found["port"], opened["token"]
        watching = threading.Thread(target=self._watch, args=(Path(found["socket"]),), daemon=True)
        watching.start()
        return found

    def end_session(self) -> None:
        """End the session: while it lives, nothing that it started may raise a budget."""
        self._session.close()

    def ask(self, prompt_kb: int, max_tokens: int, **behaviour: Any) -> Answered:
        """One request through the proxy, read to its end. `behaviour` is the provider's."""
        turn = {"role": "user", "content": PROMPT_LINE * (prompt_kb * 1024 // len(PROMPT_LINE))}
        body = {"model": MODEL, "max_tokens": max_tokens, "stream": True, "messages": [turn]}
        headers = {
            "Content-Type": "application/json",
            "x-api-key": self._token,
            "User-Agent": "claude-cli/demo",
        }
        if behaviour:
            headers["x-sandbox-behaviour"] = json.dumps(behaviour)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            path = f"/s/{self._token}/v1/messages"
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            return Answered(0, "the connection broke")
        finally:
            connection.close()
        if answer.status == 200:
            return Answered(200)
        return Answered(answer.status, json.loads(text)["error"]["message"])

    def ask_many(
        self, count: int, each: Callable[[int], Answered], done: Callable[[], None]
    ) -> Sequence[Answered]:
        """Requests all at once; `done` is called as each ends."""

        def one(number: int) -> Answered:
            answered = each(number)
            done()
            return answered

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))

    def billed_nusd(self) -> int:
        """What the provider's own bill says, in nano-USD."""
        url = f"http://127.0.0.1:{self._provider_port}/_sandbox/bill"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(json.load(answer)["nusd"])

    def budget(self) -> dict[str, Any]:
        """The demo's budget as `agentspend status` tells it."""
        found: dict[str, Any] = access.ask("status")["budgets"][0]
        return found

    def kill_daemon(self) -> int:
        """SIGKILL it; returns what pid it had."""
        pid = int(access.ask("ping")["pid"])
        os.kill(pid, signal.SIGKILL)
        for _ in self._session.answers():
            pass
        self._session.close()
        return pid

    def _watch(self, socket: Path) -> None:
        """Collect the warnings that the daemon announces."""
        try:
            with Connection(socket) as connection:
                connection.wait_forever()
                connection.send("watch")
                for message in connection.answers():
                    if message.get("event") == "warning":
                        self.warnings.append(message)
        except (AgentspendError, OSError, ValueError):
            return
