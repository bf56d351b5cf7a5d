"""The real programs as processes: daemon, commands and sandbox, all under one folder.

Nothing here touches the user's own home: `AGENTSPEND_HOME`, HOME and the XDG folders point into
the test's folder.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil

ROOT = Path(__file__).parents[2]
RUNS = ["daemon", "run"]
"""How the command line of a daemon ends. A checkout's folder may be called agentspend, too."""
AGENTS = ROOT / ".cache/agents/node_modules/.bin"
SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")


class SandboxProcess:
    """`python -m agentspend.sandbox` with its bill in a file."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.bill_path = folder / "bill.jsonl"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agentspend.sandbox", "--port", str(port),
             "--bill", str(self.bill_path), *options],
            stdout=subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        assert ready, "the sandbox did not start"
        self.port = int(json.loads(self._process.stdout.readline())["port"])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def bill(self) -> dict[str, Any]:
        """The provider's own bill: {"usd","nusd","requests","rows"}."""
        import urllib.request

        with urllib.request.urlopen(f"{self.url}/_sandbox/bill", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def direct(self, order: Mapping[str, Any]) -> None:
        """Tell it how to behave (`sandbox.script.Director.direct`)."""
        import urllib.request

        request = urllib.request.Request(
            f"{self.url}/_sandbox/behaviour", json.dumps(order).encode(), method="POST"
        )
        urllib.request.urlopen(request, timeout=10).close()


class Home:
    """One user's agentspend: configuration, ledger and daemon under `folder`."""

    def __init__(self, folder: Path, base_url: str = "", config: str = "", **env: str) -> None:
        self.folder = folder
        self.home = folder / "agentspend"
        self.user = folder / "user"
        for made in (self.home, self.user):
            made.mkdir(parents=True, exist_ok=True)
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in SECRETS},
            "AGENTSPEND_HOME": str(self.home),
            "HOME": str(self.user),
            "PATH": f"{Path(sys.executable).parent}:{AGENTS}:{os.environ['PATH']}",
            "NO_COLOR": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            **env,
        }
        provider = f'[providers.anthropic]\nbase_url = "{base_url}"\n' if base_url else ""
        self.config = self.home / "config.toml"
        self.config.write_text(f"[daemon]\nport = 0\n{provider}{config}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for process in _daemons():
            with suppress(psutil.Error, ProcessLookupError):  # it waited for the lock till now
                if process.environ().get("AGENTSPEND_HOME") == str(self.home):
                    process.kill()
                    _await_end(process)

    def run(
        self, *words: str, stdin: str | None = None, timeout_s: float = 90, cwd: Path | None = None,
        **env: str,
    ) -> "subprocess.CompletedProcess[str]":  # fmt: skip
        """Run `agentspend WORDS` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "agentspend", *words],
            env={**self.env, **env}, cwd=cwd or self.user, input=stdin, text=True,
            capture_output=True, timeout=timeout_s, check=False,
            **({} if stdin is not None else {"stdin": None}),
        )  # fmt: skip

    def json(self, *words: str) -> Any:
        """Run a command that must succeed, and read its JSON."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines if words[0] == "log" else lines[0]

    def pid(self) -> int:
        """The daemon's process id, 0 when none runs."""
        done = self.run("daemon", "status", "--json")
        return int(json.loads(done.stdout)["pid"]) if done.returncode == 0 else 0

    def kill(self) -> None:
        """SIGKILL the daemon of this home, if one runs, and wait until it is gone."""
        lock = self.home / "ledger.lock"
        text = lock.read_text().strip() if lock.exists() else ""
        if not text.isdigit():
            return
        try:
            process = psutil.Process(int(text))
            if process.cmdline()[-2:] == RUNS:
                process.kill()
                _await_end(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            pass


def _daemons() -> list[psutil.Process]:
    """Every daemon on this machine, whoever started it."""
    found = psutil.process_iter(["cmdline"])
    return [each for each in found if (each.info["cmdline"] or [])[-2:] == RUNS]


def _await_end(process: psutil.Process) -> None:
    """Until it has ended, reaped or not: it is nobody's child, and some inits reap each 2 s."""
    if not hasattr(os, "pidfd_open"):
        process.wait(10)
        return
    handle = os.pidfd_open(process.pid)
    try:
        ended, _, _ = select.select([handle], [], [], 10)
    finally:
        os.close(handle)
    assert ended, f"process {process.pid} did not end"
