"""What the control API can do with virtual keys. No answer but a new key's holds a token."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.core.errors import Kind
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.roster import Roster
from agentspend.daemon.session_team import BY_HAND, require, teams_of
from agentspend.daemon.virtual_keys import KeyBook, lines
from agentspend.proxy.key_sessions import KeySessions
from agentspend.proxy.virtual_keys import Holder
from agentspend.store import virtual_keys as store
from agentspend.wire.control import Op


class KeyOperations:
    """Makes, shows and ends keys. What lets somebody in is a person's to do (`no_agent`)."""

    def __init__(
        self,
        book: KeyBook,
        bookkeeper: Bookkeeper,
        roster: Roster,
        sessions: KeySessions,
        no_agent: Callable[[Caller, str], None],
    ) -> None:
        self._book = book
        self._bookkeeper = bookkeeper
        self._roster = roster
        self._sessions = sessions
        self._no_agent = no_agent

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {
            Op.KEY_CREATE: self.create,
            Op.KEY_LIST: self.list_keys,
            Op.KEY_INFO: self.info,
            Op.KEY_BLOCK: self.block,
            Op.KEY_UNBLOCK: self.unblock,
            Op.KEY_UPDATE: self.update,
            Op.KEY_ROTATE: self.rotate,
            Op.KEY_DELETE: self.delete,
        }

    async def create(self, caller: Caller, message: Message) -> None:
        """Make a key; its token is in this answer and nowhere else."""
        self._no_agent(caller, "make a virtual key")
        alias, settings = str(message["alias"]), message["settings"]
        await self._require_team(settings, f"agentspend key create --alias {alias} --team {{}}")
        token = await self._book.create(alias, settings, int(message.get("expires_in_s", 0)))
        await caller.send({**await self._line(alias), "token": token})

    async def list_keys(self, caller: Caller, _: Message) -> None:
        """Every key that is not deleted."""
        keys = [holder.key for holder in self._book.all()]
        found = await self._bookkeeper.ask(lambda books, at: lines(books, at, keys))
        await caller.send({"keys": found})

    async def info(self, caller: Caller, message: Message) -> None:
        """One key, and what was spent with it so far."""
        alias = str(message["alias"])
        line = await self._line(alias)
        await caller.send({**line, **await self._spent(alias)})

    async def block(self, caller: Caller, message: Message) -> None:
        """Refuse a key's requests from now on: anybody's to do."""
        await self._book.block(str(message["alias"]))
        await caller.send(await self._line(str(message["alias"])))

    async def unblock(self, caller: Caller, message: Message) -> None:
        """Let a key's requests through again."""
        self._no_agent(caller, "unblock a virtual key")
        await self._book.unblock(str(message["alias"]))
        await caller.send(await self._line(str(message["alias"])))

    async def update(self, caller: Caller, message: Message) -> None:
        """Change a key's settings; its sessions begin anew under them."""
        self._no_agent(caller, "change a virtual key")
        alias, settings = str(message["alias"]), message["settings"]
        await self._require_team(settings, f"agentspend key update {alias} --team {{}}")
        holder = await self._book.update(alias, settings, int(message.get("expires_in_s", 0)))
        await self._end_sessions(holder)
        await caller.send(await self._line(alias))

    async def rotate(self, caller: Caller, message: Message) -> None:
        """A new token; the old ones work for the grace."""
        self._no_agent(caller, "have a virtual key's token")
        alias = str(message["alias"])
        token = await self._book.rotate(
            alias, int(message.get("grace_s", 0)), int(message.get("expires_in_s", 0))
        )
        await caller.send({**await self._line(alias), "token": token})

    async def delete(self, caller: Caller, message: Message) -> None:
        """End a key for good, and its sessions with it."""
        self._no_agent(caller, "delete a virtual key")
        holder = await self._book.delete(str(message["alias"]))
        await self._end_sessions(holder)
        await caller.send({"alias": holder.key.alias, "state": "deleted"})

    async def _require_team(self, settings: Mapping[str, Any], instead: str) -> None:
        """A key is for a team of this device's member, or for none by name."""
        if team := str(settings.get("team", "")):
            teams = await teams_of(self._bookkeeper)
            require(team, teams, f"{BY_HAND} {team}", instead, Kind.TEAM)

    async def _end_sessions(self, holder: Holder) -> None:
        for session_id in self._sessions.of(holder.number):
            await self._roster.close(session_id)

    async def _line(self, alias: str) -> dict[str, Any]:
        key = self._book.named(alias).key
        found = await self._bookkeeper.ask(lambda books, at: lines(books, at, [key]))
        return found[0]

    async def _spent(self, alias: str) -> dict[str, int]:
        """All of a key's charges, added up page by page."""
        requests = billed_nusd = listed_nusd = after = 0
        while True:
            page = partial(_page, alias=alias, after=after)
            last, count, billed, listed = await self._bookkeeper.ask(page)
            if not last:
                break
            requests, after = requests + count, last
            billed_nusd, listed_nusd = billed_nusd + billed, listed_nusd + listed
        return {
            "requests": requests,
            "spent_nusd": billed_nusd,
            "subscription_nusd": listed_nusd,
        }


def _page(books: Books, _: Moment, *, alias: str, after: int) -> tuple[int, int, int, int]:
    return store.charges(books.conn, alias, after)
