"""Plain launches: an agent's own files lead to us, so that it comes here without `run`.

Each launcher's `plain` says which files it takes; `cli.enabling` shows, asks and writes. What a
file of the user's cannot reach is said in the plan's `notes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, cast

from agentspend.agents import AGENTS, launcher_for
from agentspend.agents.base import Auth, Caller, SessionFacts
from agentspend.agents.network import PROXY_VARIABLES, spares_loopback
from agentspend.core.errors import Kind, LaunchError

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """Values to set in a file, by their paths of keys. `kind`: json, jsonc, toml, yaml, dotenv."""

    path: Path
    kind: str
    values: Mapping[Keys, str]


@dataclass(frozen=True, slots=True)
class PlainPlan:
    """Which files lead an agent to us. `files` are whole files of ours, beside our own data.

    `notes` and `warnings` are sentences for stderr; `auth` is KEY where the virtual key stands in
    for a provider key that the daemon puts on.
    """

    changes: tuple[FileChange, ...]
    files: Mapping[Path, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    auth: Auth = Auth.PASSTHROUGH


class Plain(Protocol):
    """A launcher that can lead its plain agent to us."""

    name: str
    providers: tuple[str, ...]

    def plain(self, facts: SessionFacts, caller: Caller) -> PlainPlan:
        """Plan it. `facts` are a virtual key's; `LaunchError` for what would lead past us."""
        ...


def plain_for(name: str) -> Plain:
    """How an agent is led to us for good; `LaunchError` names the known ones."""
    if name not in AGENTS:
        near = get_close_matches(name, AGENTS, n=1)
        raise LaunchError(
            f"{name!r} cannot be led here by a file of its own; known: {', '.join(AGENTS)}",
            f"did you mean agentspend enable {near[0]}?" if near else
            "agentspend key create --alias NAME    makes a key for any client's base URL",
            kind=Kind.UNKNOWN_NAME,
        )  # fmt: skip
    return cast("Plain", launcher_for(name))


def at_home(caller: Caller) -> Caller:
    """The caller as a start in the home folder: no project's files have a say."""
    return replace(caller, cwd=caller.home)


def proxy_warnings(caller: Caller) -> tuple[str, ...]:
    """A company's proxy that plain agents would ask for the way to this very machine."""
    proxied = any(caller.env.get(name) for name in PROXY_VARIABLES)
    spared = caller.env.get("no_proxy") or caller.env.get("NO_PROXY", "")
    if not proxied or spares_loopback(spared):
        return ()
    told = (
        "a proxy is set in this environment: add 127.0.0.1 to NO_PROXY and no_proxy in your shell's"
        " profile, or the agent asks the proxy for agentspend"
    )
    return (told,)
