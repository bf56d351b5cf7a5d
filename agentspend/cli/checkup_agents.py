"""What `doctor` looks at outside our house: keys, and each agent that is installed here.

An agent is looked at by planning a start as `agentspend run` does; nothing is started but
`AGENT --version`.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from agentspend.agents import AGENTS, launcher_for
from agentspend.agents.base import Auth, Caller, SessionFacts
from agentspend.agents.network import PROXY_VARIABLES
from agentspend.cli import access
from agentspend.cli.checkup import Finding
from agentspend.cli.handover import Handed, keys_in
from agentspend.cli.keys import stored
from agentspend.cli.run_facts import session_facts
from agentspend.core.errors import LaunchError

VERSION_WITHIN_S = 20
CALLED = {
    "claude": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "opencode": "OpenCode",
    "aider": "aider",
}
ELSEWHERE = {
    "claude": "what Claude Code does on claude.ai (--cloud, the web, Slack)",
    "codex": "what Codex does in OpenAI's cloud (`codex cloud`, the web)",
}
"""What no launcher can bring through us, by agent: it runs at the vendor."""
_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.-]*")


def provider_keys() -> Iterator[Finding]:
    """There is a safe place for keys, and what it holds."""
    places = [f"{provider} in {source}" for provider, source in stored()]
    text = "; ".join(places) or "no provider key is stored; agents use their own login or key"
    yield Finding(True if places else None, text)


def agents() -> Iterator[Finding]:
    """Each agent that is here can be brought through us, or what keeps it from that."""
    here = [name for name in AGENTS if shutil.which(name)]
    facts, caller = _as_run_would()
    with ThreadPoolExecutor(len(AGENTS)) as pool:
        versions = dict(zip(here, pool.map(_version, here), strict=True))
    for name in here:
        yield from _agent(name, versions[name], facts, caller)
    away = [text for name, text in ELSEWHERE.items() if name in here]
    if away:
        yield Finding(None, f"not metered, nor can it be: {'; '.join(away)}")
    missing = [CALLED[name] for name in AGENTS if name not in here]
    if missing:
        yield Finding(None, f"not installed here: {', '.join(missing)}")


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
    for each in keys_in(os.environ, (), {}):
        if not each.ours:
            yield Finding(
                None,
                f"{each.variable} is in this shell; `run` takes it out of the agent's sight",
                f"agentspend keys set {each.provider} keeps it out of the shell, too",
            )


def _agent(name: str, version: str, facts: SessionFacts, caller: Caller) -> Iterator[Finding]:
    """How a start of this agent would go now."""
    try:
        plan = launcher_for(name).plan((), facts, caller)
    except LaunchError as error:
        yield Finding(False, f"{CALLED[name]}: {error.message}", error.hint)
        return
    paid = "the daemon's key" if plan.auth is Auth.KEY else "its own login or key"
    yield Finding(True, f"{CALLED[name]} {version} can be redirected, and pays with {paid}")
    for text in (*plan.warnings, *plan.notes, *plan.once):
        named = text.startswith(CALLED[name])
        yield Finding(None, text if named else f"{CALLED[name]}: {text}")


def _as_run_would() -> tuple[SessionFacts, Caller]:
    """A session and its caller as `run` would have them; no daemon is asked."""
    config, here = access.config(), Caller.here()
    keys: list[Handed] = keys_in(here.env, (), {})
    taken = {each.variable for each in keys}
    env = {name: value for name, value in here.env.items() if name not in taken}
    opened = {
        "port": config.port,
        "token": "doctor",
        "stored_keys": [provider for provider, _ in stored()],
        "providers": {
            name: {
                "auth": each.auth,
                "upstream": each.base_url,
                "urls": {dialect: each.url(dialect) for dialect in each.dialects},
            }
            for name, each in config.providers.items()
        },
    }
    return session_facts(opened, keys, replace(here, env=env), Path("/nonexistent/doctor"))


def _version(name: str) -> str:
    """What `AGENT --version` says, as far as it looks like a version."""
    try:
        said = subprocess.run(
            [name, "--version"], capture_output=True, text=True, timeout=VERSION_WITHIN_S,
            check=False, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "(version unknown)"
    found = _VERSION.search(said)
    return found[0] if found else "(version unknown)"
