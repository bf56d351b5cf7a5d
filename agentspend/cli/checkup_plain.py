"""What `doctor` says of plain agents: which of them come through us, and whether they still can."""

import shutil
from collections.abc import Iterator

from agentspend.agents import AGENTS
from agentspend.cli import access, plain_files, service
from agentspend.cli.checkup import Finding
from agentspend.cli.enabling import alias_of, answers, texts_of, token_in
from agentspend.core.errors import DaemonUnreachable


def plain_agents() -> Iterator[Finding]:
    """Each agent that was led here is looked at; those that were not are named."""
    folders = access.folders()
    led = [name for name in AGENTS if plain_files.record(folders.plain(name))]
    port = _port()
    for name in led:
        yield _led(name, port)
    if led and not service.installed():
        yield Finding(
            None,
            "the daemon is not started at login: until something starts it, plain"
            f" {_and(led)} cannot reach any model",
            "agentspend daemon install",
        )
    others = [name for name in AGENTS if name not in led and shutil.which(name)]
    if others:
        them = "them" if others[1:] else "it"
        yield Finding(
            None,
            f"plain {_and(others)}, and editors that start {them}, go past agentspend: only"
            " `agentspend run` is metered",
            f"agentspend enable {others[0]}",
        )


def _led(name: str, port: int) -> Finding:
    """Whether a plain agent's files still lead here, and whether it is let in."""
    token = token_in(texts_of(access.folders().plain(name)))
    again = f"agentspend enable {name}"
    if not token:
        return Finding(False, f"plain {name} was led here, but its files no longer say so", again)
    if port and not answers(port, token):
        return Finding(
            False, f"plain {name} leads here, but virtual key {alias_of(name)} is not let in", again
        )
    return Finding(True, f"plain {name} comes through agentspend (virtual key {alias_of(name)})")


def _port() -> int:
    """Where the daemon listens, 0 when it does not run."""
    try:
        return int(access.ask("ping")["port"])
    except DaemonUnreachable:
        return 0


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[1:] else "") + names[-1]
