"""What `agentspend enable` does: a plain agent is led here by a file of its own.

Shows what it would change, asks, makes sure that somebody is there, and only then writes.
"""

import difflib
import re
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import typer

from agentspend.agents import AGENTS
from agentspend.agents.base import Auth, Caller, KeySource, ProviderFacts, SessionFacts
from agentspend.agents.plain import PlainPlan, plain_for
from agentspend.cli import access, key, output, plain_files, service
from agentspend.cli.diagnostics import ExitCode, confirmed, say, warn
from agentspend.cli.plain_files import Step
from agentspend.core.errors import AgentspendError
from agentspend.core.printable import clean
from agentspend.core.virtual_keys import TOKEN_PREFIX, budget_name

STAND_IN = f"{TOKEN_PREFIX}{'x' * 43}"
"""In place of a token that is only made once a person agreed."""
_TOKEN = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}")
_IN_URL = re.compile(rf"/k/({_TOKEN.pattern})")
ANSWERS_WITHIN_S = 10


def enable(agent: str, *, undo: bool, yes: bool, dry_run: bool) -> None:
    """Lead a plain agent here, or undo it. Raises `AgentspendError`."""
    plain = plain_for(agent)
    if undo:
        _undo(agent, yes=yes, dry_run=dry_run)
        return
    service.require_fixed_port()
    access.daemon()
    folder = access.folders().plain(agent)
    port = int(access.ask("ping")["port"])
    token = _token_in_use(folder, port)
    plan, todo = _plan(agent, port, token or STAND_IN)
    if token and all(step.new == step.now for step in todo) and plain_files.in_place(plan):
        say(f"{agent} comes through agentspend already, by virtual key {alias_of(agent)}")
        return
    _show([(step.change.path, step.now, step.new) for step in todo])
    _remarks(agent, plan, todo)
    if dry_run:
        return
    if not confirmed("change it so?", yes=yes, instead=f"agentspend enable {agent} --yes"):
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    _be_there(agent, yes=yes)
    plan, todo = _plan(agent, port, token or _new_token(agent))
    plain_files.write(plan, todo, folder)
    pays = "the stored key pays" if plan.auth is Auth.KEY else f"{agent}'s own login or key pays"
    alias = alias_of(agent)
    say(f"plain {plain.name} comes through agentspend now, by virtual key {alias}; {pays}")
    say(f"→ agentspend budget set {budget_name(alias)} 25.00 --window day --scope key={alias}")
    say(f"→ agentspend enable {agent} --undo    takes it back")


def alias_of(agent: str) -> str:
    """The virtual key of a plain agent."""
    return f"plain-{agent}"


def token_in(texts: Iterable[str]) -> str:
    """The virtual key's token in an agent's files, "" where none leads here."""
    return next((found[1] for text in texts if (found := _IN_URL.search(text))), "")


def plan_of(agent: str, port: int, token: str, stored: Collection[str]) -> PlainPlan:
    """How an agent is led to this port and token; `stored` are the providers with a key."""
    facts = SessionFacts(
        base_url=f"http://127.0.0.1:{port}/k/{token}",
        token=token,
        scratch=access.folders().plain(agent),
        providers={
            name: ProviderFacts(
                KeySource.STORED if name in stored else KeySource.NONE,
                Auth(each.auth),
                each.base_url,
            )
            for name, each in access.config().providers.items()
        },
    )
    return plain_for(agent).plain(facts, Caller.here())


def answers(port: int, token: str) -> bool:
    """Whether somebody at this port lets the token in."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/k/{token}/", method="HEAD")
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=ANSWERS_WITHIN_S) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def texts_of(folder: Path) -> list[str]:
    """The texts of an agent's changed files, and of ours that they name."""
    paths = [kept.path for kept in plain_files.record(folder)]
    paths += sorted(folder.glob("*.env"))
    return [path.read_text(errors="replace") for path in paths if path.is_file()]


def _token_in_use(folder: Path, port: int) -> str:
    """The token that is in the files already and lets in, "" where a new one is needed."""
    token = token_in(texts_of(folder))
    return token if token and answers(port, token) else ""


def _plan(agent: str, port: int, token: str) -> tuple[PlainPlan, list[Step]]:
    plan = plan_of(agent, port, token, access.ask("keys.changed")["stored_keys"])
    return plan, plain_files.steps(plan, access.folders().plain(agent))


def _show(changes: Sequence[tuple[Path, bytes, bytes]]) -> None:
    """What would become of each file, as a diff; tokens are never shown."""
    for path, now, new in changes:
        before, after = (_TOKEN.sub(f"{TOKEN_PREFIX}…", each.decode("utf-8", "replace"))
                         for each in (now, new))  # fmt: skip
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=2
        )
        for line in lines:
            output.line(clean(line.replace("\t", "    ")))


def _remarks(agent: str, plan: PlainPlan, todo: Sequence[Step]) -> None:
    for text in plan.notes:
        say(text)
    for text in plan.warnings:
        warn(text)
    for step in todo:
        path = step.change.path
        if not _TOKEN.search(step.new.decode("utf-8", "replace")):
            continue
        if plain_files.open_to_others(step):
            say(f"{path} will be readable by you alone (0600): it holds the key's token")
        repository = plain_files.repository_of(path)
        if repository is not None:
            warn(f"{path} lies in the git repository {repository}: do not commit the token",
                 f"agentspend key rotate {alias_of(agent)}    if it ever was")  # fmt: skip


def _be_there(agent: str, *, yes: bool) -> None:
    """Have the daemon started at login, or say what happens without."""
    if service.installed():
        return
    question = "have the daemon started at every login?"
    if confirmed(question, yes=yes, instead=f"agentspend enable {agent} --yes"):
        service.install()
    else:
        warn(f"plain {agent} fails while no daemon runs", "agentspend daemon install")
    access.daemon()


def _new_token(agent: str) -> str:
    """A token of the agent's virtual key, which is made where there is none."""
    alias = alias_of(agent)
    there = any(each["alias"] == alias for each in access.ask("key.list")["keys"])
    made = (
        access.ask("key.rotate", alias=alias)
        if there
        else access.ask("key.create", alias=alias, settings={"agent": agent})
    )
    if made["state"] == "blocked":
        warn(f"virtual key {alias} is blocked", f"agentspend key unblock {alias}")
    return str(made["token"])


def _undo(agent: str, *, yes: bool, dry_run: bool) -> None:
    folder = access.folders().plain(agent)
    todo = list(plain_files.restorations(folder))
    if not todo:
        say(f"plain {agent} does not come through agentspend")
        return
    _show([(kept.path, now, base) for kept, now, base in todo])
    if dry_run:
        return
    access.daemon()
    access.ask("policy.may_loosen")
    if not confirmed("take it back?", yes=yes, instead=f"agentspend enable {agent} --undo --yes"):
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    plain_files.restore(folder)
    say(f"plain {agent} goes its own way again, unmetered")
    left = any(plain_files.record(access.folders().plain(each)) for each in AGENTS)
    if service.installed() and not left:
        say("the daemon is still started at every login")
        say("→ agentspend daemon uninstall    takes that back, too")
    try:
        key.delete(alias_of(agent))
    except AgentspendError as error:
        warn(f"its virtual key is still there: {error.message}", error.hint)
