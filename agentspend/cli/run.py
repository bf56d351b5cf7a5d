"""`agentspend run`: an agent whose every call is metered and kept within its budgets.

Starts fast: no typer, no rich, nothing but the standard library and the launchers. The story is
`run`, top to bottom; each part has a file of its own.
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from agentspend.agents.base import Auth, Caller, KeySource, LaunchPlan, SessionFacts
from agentspend.agents.generic import Generic
from agentspend.agents.identity import identify
from agentspend.cli import access, handover, run_words
from agentspend.cli.child import run_in_foreground
from agentspend.cli.diagnostics import UsageError
from agentspend.cli.run_args import RunArgs, parse
from agentspend.cli.session_link import SessionLink

if TYPE_CHECKING:
    from agentspend.agents.base import Launcher

AGENTS = ("claude",)


def main(words: Sequence[str]) -> int:
    """Run what the words after `run` say; returns the agent's own exit code."""
    asked = parse(list(words))
    launcher = _launcher(asked.agent)
    keys = handover.take_keys()
    return run(asked, launcher, keys)


def run(asked: RunArgs, launcher: "Launcher", keys: dict[str, str]) -> int:
    """Open a session, start the agent in it, and say at the end what it cost."""
    folders, config = access.folders(), access.config()
    caller = Caller.here()
    payer = identify(asked.agent or PurePath(asked.command[0]).name, caller, asked.tags)
    session = f"s_{secrets.token_hex(8)}"
    payer = replace(payer, session=session, project=asked.project or payer.project)
    auth = Auth(config.anthropic.auth)
    access.daemon()
    fields = {
        "session": session,
        "payer": payer.known(),
        "auth": auth.value,
        "keys": _by_provider(keys) if auth is not Auth.PASSTHROUGH else {},
    }
    link = SessionLink(folders.socket, folders.log, fields)
    opened = link.open()
    scratch = folders.scratch / session
    if auth is Auth.PASSTHROUGH:
        caller = replace(caller, env={**caller.env, **keys})
    facts = SessionFacts(
        base_url=f"http://127.0.0.1:{opened['port']}/s/{opened['token']}",
        token=opened["token"],
        scratch=scratch,
        key=_key_source(keys, opened["stored_keys"]),
        auth=auth,
        upstream=config.anthropic.base_url,
    )
    try:
        plan = launcher.plan(asked.command, facts, caller)
        _write_files(plan)
        run_words.before(plan, payer, access.ask("status"))
        code = run_in_foreground(plan.argv, plan.environment(caller.env))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    run_words.after(link, payer, plan.argv[0])
    return code


def _launcher(agent: str) -> "Launcher":
    if not agent:
        return Generic(AGENTS)
    if agent == "claude":
        from agentspend.agents.claude import Claude

        return Claude()
    raise UsageError(
        f"no agent {agent!r} is known; known: {', '.join(AGENTS)}",
        f"agentspend run -- {agent} …    runs any command",
    )


def _key_source(keys: dict[str, str], stored: Sequence[str]) -> KeySource:
    if keys:
        return KeySource.ENVIRONMENT
    return KeySource.STORED if "anthropic" in stored else KeySource.NONE


def _by_provider(keys: dict[str, str]) -> dict[str, str]:
    return {handover.KEY_VARIABLES[name]: key for name, key in keys.items()}


def _write_files(plan: LaunchPlan) -> None:
    """Write a plan's files where only this user can read them."""
    for path, content in plan.files.items():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
