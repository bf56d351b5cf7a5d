"""Who is behind a virtual key's new session: the client's process, and the folder it works in.

A plain agent names neither its project nor its branch; its process does. Looked up for
each new connection, off the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentspend import git
from agentspend.agents.base import Caller
from agentspend.agents.identity import work_tree_head
from agentspend.agents.repository import repository_here
from agentspend.config.repository import Workplace
from agentspend.core.budgets import Budget
from agentspend.core.rules import NO_RULES
from agentspend.core.scopes import Payer
from agentspend.daemon.processes import born_us, client_pid, folder_of, same_process
from agentspend.daemon.roster import Roster, head_at
from agentspend.daemon.session_team import require_of_key, with_team
from agentspend.daemon.vault import Vault
from agentspend.daemon.workplaces import settled
from agentspend.mounts import may_hang
from agentspend.proxy.sessions import Session

Declare = Callable[[Mapping[str, tuple[Budget, ...]]], Awaitable[object]]


class KeyClients:
    """Begins the sessions of virtual keys, on disk first.

    `our_port` is the proxy's; `declare` adopts what repositories declare, by source; `teams` are
    those this device may spend for.
    """

    def __init__(
        self, roster: Roster, vault: Vault, our_port: Callable[[], int], declare: Declare,
        teams: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:  # fmt: skip
        self._roster = roster
        self._teams = teams
        self._declare = declare
        self._vault = vault
        self._our_port = our_port

    async def client(self, port: int) -> int:
        """The process whose connection comes from this port; 0 when nobody knows."""
        return await asyncio.to_thread(client_pid, port, self._our_port())

    async def again(self, session: Session, port: int) -> None:
        """A session came by another connection: its process may be another one by now."""
        if not await asyncio.to_thread(same_process, session.pid, session.born_us):
            pid = await self.client(port)
            session.pid, session.born_us = pid, await asyncio.to_thread(born_us, pid)

    async def begin(self, session: Session, pid: int) -> None:
        """Fill in what the client's process tells, and let the session in.

        Raises `AgentspendError` for a repository's file that cannot be used, and for a key whose
        team is not its member's.
        """
        teams = await self._teams()
        require_of_key(session.payer, teams)
        session.pid = pid
        session.born_us, folder = await asyncio.to_thread(_look, pid)
        if folder:
            place, head = await asyncio.to_thread(_work, Path(folder), session.payer)
            place = with_team(place, None, teams)
            await self._declare(place.declared)
            session.payer, session.head = place.payer, head_at(head)
            session.rules += place.rules
        await self._roster.open(session)
        await self._vault.ready()


def client_gone(session: Session) -> bool:
    """Whether the process that a session came from has ended; not where nobody knows it."""
    return bool(session.pid) and not same_process(session.pid, session.born_us)


def _look(pid: int) -> tuple[int, str]:
    return born_us(pid), folder_of(pid)


def _work(folder: Path, payer: Payer) -> tuple[Workplace, str]:
    """What a folder and its repository say of the work there, and where to see the branch change.

    A project that the key names stays the nearest one. On a network nothing is looked at.
    """
    if may_hang(folder):
        return Workplace(payer, NO_RULES, {}), ""
    caller = Caller({}, folder, Path.home())
    payer = replace(payer, branch=payer.branch or git.branch(folder, {}))
    here = repository_here(caller, payer.project)
    place = settled({"payer": payer.known(), "repository": here}, None)
    return place, work_tree_head(caller)
