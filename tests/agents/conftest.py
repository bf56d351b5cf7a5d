"""Shared by the launcher tests: a machine of its own for each, with nothing on it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentspend.agents.base import Auth, Caller, KeySource, ProviderFacts, SessionFacts

TOKEN = "tok_session"
BASE_URL = f"http://127.0.0.1:4141/s/{TOKEN}"


@dataclass
class Machine:
    """A home, a working folder and a PATH; `put` writes a file, `caller` looks from there."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    platform: str = "linux"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def managed(self) -> Path:
        return self.root / "managed"

    def put(self, path: str, content: Mapping[str, Any] | str) -> Path:
        """Write a file below the root: an object as JSON, one key a line."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        file.write_text(text)
        return file

    def caller(self, **env: str) -> Caller:
        return Caller(
            {"PATH": str(self.root / "bin"), **self.env, **env},
            self.work,
            self.home,
            self.platform,
            self.managed,
        )

    def facts(
        self,
        key: KeySource = KeySource.STORED,
        auth: Auth = Auth.AUTO,
        taken: Collection[str] = (),
        providers: Collection[str] = ("anthropic",),
        others: Collection[str] = (),
    ) -> SessionFacts:
        """A session with this key and choice for these providers; `others` are set up besides."""
        each = dict.fromkeys(providers, ProviderFacts(key, auth))
        speaks = ("openai_chat",)
        each |= {name: ProviderFacts(key, Auth.AUTO, f"https://{name}.test", speaks)
                 for name in others}  # fmt: skip
        return SessionFacts(BASE_URL, TOKEN, self.root / "scratch", each, frozenset(taken))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty machine where every agent is installed, and one that we do not know."""
    found = Machine(tmp_path)
    found.work.mkdir(parents=True)
    for name in ("claude", "codex", "gemini", "opencode", "aider", "some-agent"):
        found.put(f"bin/{name}", "#!/bin/sh\n").chmod(0o755)
    return found
