"""What `doctor` looks at outside our house: keys, the agent's program, its settings, the shell."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from agentspend.agents.base import Auth, Caller, KeySource, ProviderFacts, SessionFacts
from agentspend.agents.network import PROXY_VARIABLES
from agentspend.cli import access
from agentspend.cli.checkup import Finding
from agentspend.cli.keys import stored
from agentspend.core.errors import LaunchError

VERSION_WITHIN_S = 10


def provider_keys() -> Iterator[Finding]:
    """There is a safe place for keys, and what it holds."""
    places = [f"{provider} in {source}" for provider, source in stored()]
    text = "; ".join(places) or "no provider key is stored; agents use their own login or key"
    yield Finding(True if places else None, text)


def claude_code() -> Iterator[Finding]:
    """Claude Code is there, and nothing on this machine would take it past us."""
    import shutil

    from agentspend.agents.claude import Claude

    if shutil.which("claude") is None:
        yield Finding(None, "Claude Code is not installed here")
        return
    config = access.config()
    facts = SessionFacts(
        base_url=f"http://127.0.0.1:{config.port}/s/doctor",
        token="doctor",  # noqa: S106 - a stand-in: nothing is started
        scratch=Path("/nonexistent"),
        providers={
            "anthropic": ProviderFacts(
                KeySource.STORED if stored() else KeySource.NONE,
                Auth(config.anthropic.auth),
                config.anthropic.base_url,
            )
        },
    )
    try:
        plan = Claude().plan((), facts, Caller.here())
    except LaunchError as error:
        yield Finding(False, error.message, error.hint)
        return
    paid = "the daemon's key" if plan.auth is Auth.KEY else "its own login"
    yield Finding(True, f"Claude Code {_version()} can be redirected, and pays with {paid}")
    for text in plan.warnings:
        yield Finding(None, text)


def surroundings() -> Iterator[Finding]:
    """What in this shell deserves a word."""
    proxies = [name for name in PROXY_VARIABLES if os.environ.get(name)]
    if proxies:
        yield Finding(
            None,
            f"{', '.join(proxies)} set: `run` keeps loopback out of it, and the daemon's own calls"
            " do not use it",
            "[network] proxy in the configuration, where the provider is reached through it",
        )
    if os.environ.get("ANTHROPIC_API_KEY"):
        yield Finding(
            None,
            "ANTHROPIC_API_KEY is in this shell; `run` takes it out of the agent's sight",
            "agentspend keys set anthropic keeps it out of the shell, too",
        )


def _version() -> str:
    """What `claude --version` says first."""
    try:
        said = subprocess.run(
            ["claude", "--version"], capture_output=True, text=True, timeout=VERSION_WITHIN_S,
            check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "(version unknown)"
    return said.split()[0] if said.split() else "(version unknown)"
