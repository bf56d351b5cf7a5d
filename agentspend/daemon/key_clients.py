"""Who is behind a virtual key's new session: the client's process, and the folder it works in.

A plain agent names neither its project nor its branch; its process does. Looked up once a session,
off the event loop.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agentspend.agents.base import Caller
from agentspend.agents.identity import identify, work_tree_head
from agentspend.core.scopes import Payer
from agentspend.daemon.processes import born_us, client_pid, folder_of
from agentspend.daemon.roster import Roster, head_at
from agentspend.daemon.vault import Vault
from agentspend.mounts import may_hang
from agentspend.proxy.sessions import Session


class KeyClients:
    """Begins the sessions of virtual keys, on disk first. `our_port` is the proxy's."""

    def __init__(self, roster: Roster, vault: Vault, our_port: Callable[[], int]) -> None:
        self._roster = roster
        self._vault = vault
        self._our_port = our_port

    async def begin(self, session: Session, client_port: int) -> None:
        """Fill in what the client's process tells, and let the session in."""
        pid, since_us, folder = await asyncio.to_thread(_look, client_port, self._our_port())
        session.pid, session.born_us = pid, since_us
        if folder and not session.payer.project:
            found, head = await asyncio.to_thread(_work, Path(folder))
            session.payer = replace(session.payer, project=found.project, branch=found.branch)
            session.head = head_at(head)
        await self._roster.open(session)
        await self._vault.ready()


def _look(client_port: int, our_port: int) -> tuple[int, int, str]:
    pid = client_pid(client_port, our_port)
    return pid, born_us(pid), folder_of(pid)


def _work(folder: Path) -> tuple[Payer, str]:
    """The project and branch of a folder, and where to see the branch change; not on a network."""
    if may_hang(folder):
        return Payer(), ""
    caller = Caller({}, folder, Path.home())
    return identify("", caller), work_tree_head(caller)
