"""`agentspend run`: an agent whose every call is metered and kept within its budgets.

Starts fast: no typer, no rich, no configuration, nothing but the standard library and the launcher.
The story is `run`, top to bottom; each part has a file of its own.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from agentspend.agents import ANY_COMMAND, launcher_for
from agentspend.agents.base import Caller, Launcher, LaunchPlan
from agentspend.agents.identity import identify, work_tree_head
from agentspend.agents.repository import repository_here
from agentspend.cli import access, handover, run_words
from agentspend.cli.child import run_in_foreground
from agentspend.cli.diagnostics import as_written, warn
from agentspend.cli.handover import Handed
from agentspend.cli.run_args import RunArgs, parse
from agentspend.cli.run_facts import session_facts
from agentspend.cli.session_link import SessionLink
from agentspend.control.client import Message, version_at
from agentspend.control.versions import unknown_to
from agentspend.core.scopes import Payer


def main(words: Sequence[str]) -> int:
    """Run what the words after `run` say; returns the agent's own exit code."""
    asked = parse(list(words))
    launcher = launcher_for(asked.agent or ANY_COMMAND)
    return run(asked, launcher, handover.take_keys(asked.providers))


def run(asked: RunArgs, launcher: Launcher, keys: Sequence[Handed]) -> int:
    """Open a session, start the agent in it, and say at the end what it cost."""
    folders = access.folders()
    caller = Caller.here()
    with as_written():
        payer = identify(asked.agent or PurePath(asked.command[0]).name, caller, asked.tags)
    session = f"s_{os.urandom(8).hex()}"
    payer = replace(payer, session=session, project=asked.project or payer.project, team=asked.team)
    access.daemon()
    by_provider = {each.provider: each.key for each in keys}
    fields = {"session": session, "payer": payer.known(), "keys": by_provider}
    fields |= {"head": work_tree_head(caller), "repository": repository_here(caller, asked.project)}
    fields["providers"] = list(asked.providers)
    link = SessionLink(folders.socket, folders.log, fields)
    opened = _unlocked(link.open(), by_provider)
    payer = replace(Payer.from_known(opened["payer"]), session=session)
    if asked.team and payer.team != asked.team:
        raise unknown_to(version_at(folders.socket), "--team")
    scratch = folders.scratch / session
    facts, caller = session_facts(opened, keys, caller, scratch, asked.providers)
    try:
        plan = launcher.plan(asked.command, facts, caller)
        _write_files(plan)
        run_words.before(plan, payer, access.ask("status"), opened, asked.providers)
        code = run_in_foreground(plan.argv, plan.environment(caller.env))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    run_words.after(link, payer, plan)
    return code


def _unlocked(opened: Message, keys: dict[str, str]) -> Message:
    """Ask for the passphrase of the stored keys where one is needed and somebody can answer."""
    if not opened["locked"] or keys:
        return opened
    if not sys.stdin.isatty():
        warn("the stored provider keys wait for their passphrase; going on without them",
             "agentspend keys unlock, or agentspend keys set NAME --plain-file")  # fmt: skip
        return opened
    from getpass import getpass

    passphrase = getpass("passphrase of the stored provider keys (empty: go on without): ")
    if not passphrase:
        return opened
    return opened | access.ask("keys.changed", passphrase=passphrase)


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
