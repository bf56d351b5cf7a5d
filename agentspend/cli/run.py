"""`agentspend run`: an agent whose every call is metered and kept within its budgets.

Starts fast: no typer, no rich, no configuration, nothing but the standard library and the launcher.
The story is `run`, top to bottom; each part has a file of its own.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from agentspend.agents import ANY_COMMAND, launcher_for
from agentspend.agents.base import (
    Auth,
    Caller,
    KeySource,
    Launcher,
    LaunchPlan,
    ProviderFacts,
    SessionFacts,
)
from agentspend.agents.identity import identify, work_tree_head
from agentspend.cli import access, handover, run_words
from agentspend.cli.child import run_in_foreground
from agentspend.cli.run_args import RunArgs, parse
from agentspend.cli.session_link import SessionLink
from agentspend.control.client import Message


def main(words: Sequence[str]) -> int:
    """Run what the words after `run` say; returns the agent's own exit code."""
    asked = parse(list(words))
    launcher = launcher_for(asked.agent or ANY_COMMAND)
    return run(asked, launcher, handover.take_keys())


def run(asked: RunArgs, launcher: Launcher, keys: dict[str, str]) -> int:
    """Open a session, start the agent in it, and say at the end what it cost."""
    folders = access.folders()
    caller = Caller.here()
    payer = identify(asked.agent or PurePath(asked.command[0]).name, caller, asked.tags)
    session = f"s_{secrets.token_hex(8)}"
    payer = replace(payer, session=session, project=asked.project or payer.project)
    access.daemon()
    by_provider = {handover.KEY_VARIABLES[name]: key for name, key in keys.items()}
    fields = {"session": session, "payer": payer.known(), "keys": by_provider}
    fields["head"] = work_tree_head(caller)
    link = SessionLink(folders.socket, folders.log, fields)
    opened = _unlocked(link.open(), by_provider)
    scratch = folders.scratch / session
    providers = _providers(opened, keys)
    passed_on = {name for name, each in providers.items() if each.auth is Auth.PASSTHROUGH}
    own = {name: key for name, key in keys.items() if name not in handover.OURS}
    shown = {name: key for name, key in own.items() if handover.KEY_VARIABLES[name] in passed_on}
    caller = replace(caller, env={**caller.env, **shown})
    facts = SessionFacts(
        base_url=f"http://127.0.0.1:{opened['port']}/s/{opened['token']}",
        token=opened["token"],
        scratch=scratch,
        providers=providers,
        taken=frozenset(own),
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


def _unlocked(opened: Message, keys: dict[str, str]) -> Message:
    """Ask for the passphrase of the stored keys where one is needed and somebody can answer."""
    if not opened["locked"] or keys or not sys.stdin.isatty():
        return opened
    from getpass import getpass

    passphrase = getpass("passphrase of the stored provider keys (empty: go on without): ")
    if not passphrase:
        return opened
    return opened | access.ask("keys.changed", passphrase=passphrase)


def _providers(opened: Message, keys: Mapping[str, str]) -> dict[str, ProviderFacts]:
    """What the session knows of each provider: whose key there is, who authenticates, where to."""
    ours = {handover.OURS[name] for name in keys if name in handover.OURS}
    given = {handover.KEY_VARIABLES[name] for name in keys if name not in handover.OURS}
    found = {}
    for name, said in opened["providers"].items():
        source = (
            KeySource.STORED if name in ours or name in opened["stored_keys"] else KeySource.NONE
        )
        source = KeySource.ENVIRONMENT if name in given else source
        found[name] = ProviderFacts(source, Auth(said["auth"]), said["upstream"])
    return found


def _write_files(plan: LaunchPlan) -> None:
    """Write a plan's files where only this user can read them."""
    for path, content in plan.files.items():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
    for path, target in plan.links.items():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.symlink_to(target)
