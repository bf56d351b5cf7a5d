"""What a session knows before its agent starts, from the daemon's answer and the caller's keys."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentspend.agents.base import (
    APIS_OF,
    Auth,
    Caller,
    KeySource,
    ProviderFacts,
    SessionFacts,
)
from agentspend.cli.handover import Handed
from agentspend.control.client import Message
from agentspend.core.errors import LaunchError


def session_facts(
    opened: Message,
    keys: Sequence[Handed],
    caller: Caller,
    scratch: Path,
    chosen: Sequence[str] = (),
) -> tuple[SessionFacts, Caller]:
    """The session as launchers see it, and the caller as the agent may know it.

    `opened` is the daemon's answer to `session.open`; `keys` are those that were taken out of the
    caller's environment, `chosen` the providers that were asked for. Keys that the agent itself
    authenticates with are put back. Raises `LaunchError` for a chosen provider without a key.
    """
    own = [each for each in keys if not each.ours]
    found = _providers(opened, keys)
    providers = {**found, **_chosen(chosen, opened, found)}
    passed_on = {name for name, each in providers.items() if each.auth is Auth.PASSTHROUGH}
    shown = {each.variable: each.key for each in own if each.provider in passed_on}
    facts = SessionFacts(
        base_url=f"http://127.0.0.1:{opened['port']}/s/{opened['token']}",
        token=opened["token"],
        scratch=scratch,
        providers=providers,
        taken=frozenset(each.variable for each in own),
        statusline=_statusline() if opened.get("statusline") else "",
    )
    return facts, replace(caller, env={**caller.env, **shown})


def _statusline() -> str:
    """The command of our line, by this program's own interpreter."""
    return shlex.join([sys.executable, "-m", "agentspend", "statusline"])


def _providers(opened: Message, keys: Sequence[Handed]) -> dict[str, ProviderFacts]:
    """What the session knows of each provider: whose key there is, who authenticates, where to."""
    ours = {each.provider for each in keys if each.ours}
    given = {each.provider for each in keys if not each.ours}
    found = {}
    for name, said in opened["providers"].items():
        source = KeySource.NONE
        if name in ours or name in opened["stored_keys"]:
            source = KeySource.STORED
        source = KeySource.ENVIRONMENT if name in given else source
        found[name] = ProviderFacts(
            source, Auth(said["auth"]), said["upstream"], tuple(said["urls"])
        )
    return found


def _chosen(
    names: Sequence[str], opened: Message, found: Mapping[str, ProviderFacts]
) -> dict[str, ProviderFacts]:
    """The facts of the chosen providers in the place of those whose APIs they answer for.

    There is nothing to guess about who pays: the choice was made. Raises `LaunchError` for one
    without a key.
    """
    taken = {}
    for name in reversed(names):
        said, facts = opened["providers"][name], found[name]
        if facts.auth is Auth.NONE:
            facts = replace(facts, key=KeySource.STORED)
        if facts.auth is not Auth.PASSTHROUGH:
            if facts.key is KeySource.NONE:
                raise LaunchError(f"no key of {name} is stored", f"agentspend keys set {name}")
            facts = replace(facts, auth=Auth.KEY)
        for slot, spoken in APIS_OF.items():
            where = next((said["urls"][each] for each in spoken if each in said["urls"]), "")
            if where:
                taken[slot] = replace(facts, upstream=where)
    return taken
