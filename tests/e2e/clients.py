"""Every client that tests start through a real daemon, and how each is asked to say hi."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.agents.real import BIN
from tests.e2e.world import KEY, World

SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}
KEYS = {
    "ANTHROPIC_API_KEY": KEY,
    "OPENAI_API_KEY": "sk-proj-canary-of-a-key-000000000000",
    "GEMINI_API_KEY": "AIza-canary",
}
_AIDER = (
    "aider", "--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings",
    "--no-analytics", "--message", "say hi", "--model",
)  # fmt: skip
# pi and cline take an address from their own settings alone: this home is a test's own.
_PI = """mkdir -p ~/.pi/agent && cat >~/.pi/agent/models.json <<END
{"providers": {"ours": {"baseUrl": "$OPENAI_BASE_URL", "apiKey": "OPENAI_API_KEY",
 "api": "openai-completions", "models": [{"id": "gpt-4.1-mini"}]}}}
END
exec pi --provider ours --model gpt-4.1-mini -p 'say hi'"""
_CLINE = """cline auth -p openai-compatible -k "$OPENAI_API_KEY" -m gpt-4.1-mini \
-b "$OPENAI_BASE_URL" && exec cline 'say hi'"""


@dataclass(frozen=True)
class Client:
    """One client. `calls` are its requests for one hello, those that it does not show included.

    `tries` are its requests until it gives up on a refusal; `code` is its exit code then.
    """

    needs: str
    words: tuple[str, ...]
    calls: int = 1
    tries: int = 1
    code: int = 1
    hidden: str = ""


CLIENTS = {
    "claude": Client("", ("claude", "-p", "say hi")),
    "codex": Client(
        "codex", ("codex", "exec", "--skip-git-repo-check", "-m", "gpt-5.4-mini", "say hi")
    ),
    "gemini": Client(
        "gemini", ("gemini", "--skip-trust", "-p", "say hi"), 2, 2, hidden="gemini-3.5-flash-lite"
    ),
    "opencode with OpenAI": Client(
        "opencode", ("opencode", "run", "-m", "openai/gpt-5.4-mini", "say hi"), 2, 2,
        hidden="gpt-5.4-nano",
    ),
    "opencode with Anthropic": Client(
        "opencode", ("opencode", "run", "-m", "anthropic/claude-sonnet-4-5", "say hi"), 2, 2,
        hidden="claude-haiku-4-5",
    ),
    "aider with OpenAI": Client("aider", (*_AIDER, "openai/gpt-4.1-mini"), code=0),
    "aider with Anthropic": Client("aider", (*_AIDER, "sonnet"), code=0),
    "qwen": Client(
        "qwen", ("--", "qwen", "--auth-type", "openai", "-m", "gpt-4.1-mini", "-p", "say hi"), 2,
        hidden="gpt-4.1-mini",
    ),
    "pi": Client("pi", ("--", "sh", "-c", _PI)),
    "cline": Client("cline", ("--", "sh", "-c", _CLINE)),
}  # fmt: skip


def each(names: Sequence[str] = tuple(CLIENTS)) -> pytest.MarkDecorator:
    """A test for each of these clients, left out with its reason where one is not installed."""
    return pytest.mark.parametrize(
        "client",
        [
            pytest.param(
                CLIENTS[name],
                id=name,
                marks=pytest.mark.agent(*filter(None, [CLIENTS[name].needs])),
            )
            for name in names
        ],
    )


@contextmanager
def everywhere(folder: Path) -> Iterator[World]:
    """A machine where the sandbox is every provider, and every client is on PATH.

    What a client leaves running (cline starts a hub) ends with it.
    """
    with World(folder) as found:
        with found.home.config.open("a") as config:
            for name in ("openai", "google"):
                config.write(f'[providers.{name}]\nbase_url = "{found.sandbox.url}"\n')
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        try:
            yield found
        finally:
            _end_what_is_left(str(found.home.user))


def hello(world: World, client: Client) -> Any:
    """Ask a client to say hi."""
    world.sandbox.direct(SAYS)
    return world.run(*client.words, key="", **KEYS)


def _end_what_is_left(home: str) -> None:
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == home:
                process.kill()
        except (psutil.Error, OSError):
            continue
