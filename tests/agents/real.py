"""A real agent, started by its launch plan, against the recorder instead of a daemon."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, Caller, KeySource, ProviderFacts, SessionFacts
from agentspend.cli.run import _write_files
from tests.agents.recorder import Recorder, Seen

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".cache/agents/bin"
TOKEN = "tok_session"
WITHIN_S = 90
TOGETHER = 3
KEY_CANARY = "canary-of-a-real-key"

# Where agents call besides a model: versions, plugins, telemetry, price lists.
HARMLESS = frozenset(
    {
        "ab.chatgpt.com:443", "api.github.com:443", "chatgpt.com:443", "github.com:443",
        "models.opencode.ai:443", "play.googleapis.com:443", "raw.githubusercontent.com:443",
        "registry.npmjs.org:443", "us.i.posthog.com:443", "pypi.org:443",
    }
)  # fmt: skip


@dataclass
class Trial:
    """One person's machine, with the recorder where the daemon would be."""

    folder: Path
    recorder: Recorder
    env: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def write(self, path: str, content: object) -> Path:
        """A file below the home folder: JSON unless it is text."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def run(
        self,
        *words: str,
        key: KeySource = KeySource.STORED,
        auth: Auth = Auth.AUTO,
        providers: Collection[str] = ("anthropic", "openai", "google"),
        taken: Collection[str] = (),
    ) -> "subprocess.CompletedProcess[str]":
        """Start an agent with these arguments to its end, as `agentspend run` does."""
        name, *args = words
        work = self.home / "work"
        work.mkdir(parents=True, exist_ok=True)
        proxies = dict.fromkeys(
            ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), self.recorder.url
        )
        env = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            **proxies,
            **self.env,
        }
        facts = SessionFacts(
            f"{self.recorder.url}/s/{TOKEN}",
            TOKEN,
            self.folder / "scratch",
            dict.fromkeys(providers, ProviderFacts(key, auth)),
            frozenset(taken),
        )
        caller = Caller(env, work, self.home, managed_dir=self.folder / "managed")
        plan = launcher_for(name).plan(args, facts, caller)
        _write_files(plan)
        return subprocess.run(
            plan.argv, env=plan.environment(env), cwd=work, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip

    def nothing_went_elsewhere(self) -> None:
        """Every model call came here, and under the session's token."""
        assert set(self.recorder.elsewhere()) <= HARMLESS
        assert all(
            call.path.startswith(f"/s/{TOKEN}/") or call.headers.get("x-agentspend-token") == TOKEN
            for call in self.recorder.calls()
        )


@dataclass(frozen=True)
class Outcome:
    """How a trial went, and where."""

    done: "subprocess.CompletedProcess[str]"
    trial: Trial

    @property
    def calls(self) -> list[Seen]:
        """The model calls that arrived."""
        return self.trial.recorder.calls()


Case = Callable[[Trial], "subprocess.CompletedProcess[str]"]


@contextmanager
def at_once(cases: Mapping[str, Case], **env: str) -> Iterator[dict[str, Outcome]]:
    """Every case on a machine of its own, some at a time: agents mostly wait as they start."""
    with ExitStack() as stack, ThreadPoolExecutor(TOGETHER) as pool:
        trials = {}
        for name in cases:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="as-", ignore_cleanup_errors=True)
            )
            recorder = stack.enter_context(Recorder())
            trials[name] = Trial(Path(folder), recorder, dict(env))
        running = {name: pool.submit(case, trials[name]) for name, case in cases.items()}
        yield {name: Outcome(run.result(), trials[name]) for name, run in running.items()}


def why_missing(name: str) -> str:
    """Why an agent's tests cannot run here, "" when they can."""
    if (BIN / name).exists():
        return ""
    note = ROOT / f".cache/agents/{name}.missing"
    told = note.read_text().strip() if note.exists() else ""
    return told or f"no {name}: scripts/install_test_agents.sh"
