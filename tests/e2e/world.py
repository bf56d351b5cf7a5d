"""A person's machine and a provider, both real processes, and how their books compare."""

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.support.process import Home, SandboxProcess

KEY = "sk-ant-api03-canary-of-a-provider-key"
# No call home, no update: what is left are the calls to the model.
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
# Whoever runs the tests may sit behind a proxy, or run them from inside an agent.
NOT_INHERITED = ("CLAUDE", "ANTHROPIC", "AGENTSPEND", "GITHUB_", "GITLAB_", "CI_", "TMUX")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "ENABLE_TOOL_SEARCH")


class World:
    """One user's home with agentspend in it, and the sandbox as the provider."""

    def __init__(self, folder: Path, config: str = "", **env: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.sandbox = SandboxProcess(folder, "--record")
        self.home = Home(folder, self.sandbox.url, config)
        kept = {
            name: value
            for name, value in self.home.env.items()
            if not name.startswith(NOT_INHERITED) and name.upper() not in PROXIES
        }
        home = {"AGENTSPEND_HOME": str(self.home.home)}
        self.home.env = {**kept, **QUIET, **home, **env}
        self.work = self.home.user / "work"
        self.work.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.home.kill()
        self.sandbox.__exit__()

    def run(self, *words: str, key: str = KEY, **env: str) -> "subprocess.CompletedProcess[str]":
        """`agentspend run WORDS` from the work folder, with a key in the environment."""
        given = {"ANTHROPIC_API_KEY": key} if key else {}
        return self.home.run("run", *words, cwd=self.work, **{**given, **env})

    def claude(self, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """`agentspend run claude -p "say hi" ARGS`."""
        return self.run("claude", "-p", "say hi", *args, **env)

    def cap(self, limit: str, name: str = "daily") -> None:
        """Set a hard budget as a person does."""
        done = self.home.run("budget", "set", name, limit, "--window", "day")
        assert done.returncode == 0, done.stderr

    def write(self, path: str, content: object) -> Path:
        """A file of the user's, JSON unless it is text."""
        file = self.home.user / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return file

    def settled(self) -> list[dict[str, Any]]:
        """Our ledger's charges."""
        return [entry for entry in self.home.json("log") if entry["kind"] == "settle"]

    def ours(self) -> dict[str, int]:
        """Nano-USD by the provider's request id, as our ledger has it."""
        return {entry["request_id"]: entry["amount_nusd"] for entry in self.settled()}

    def theirs(self) -> dict[str, int]:
        """Nano-USD by request id, as the provider's own bill has it."""
        return {row["request_id"]: row["nusd_up"] for row in self.sandbox.bill()["rows"]}

    def agree(self, at_least: int = 1) -> None:
        """Both books hold the same requests at the same cost, to the nano-dollar."""
        assert self.ours() == self.theirs()
        assert sum(self.ours().values()) == self.sandbox.bill()["nusd"]
        assert len(self.ours()) >= at_least

    def seen(self, method: str = "POST") -> list[dict[str, Any]]:
        """The requests that reached the provider."""
        with urllib.request.urlopen(f"{self.sandbox.url}/_sandbox/requests", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["requests"]
        return [item for item in found if item["method"] == method]


def last_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The last thing a run said."""
    return done.stderr.strip().splitlines()[-1]
