"""What the control API tells of the daemon and its ledger. Answers are plain JSON values."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import agentspend
from agentspend.bookkeeper import Bookkeeper, day, snapshot, spending
from agentspend.bookkeeper.brief import brief
from agentspend.bookkeeper.corrections import adjust, charged_nusd
from agentspend.core.limits import READ_PAGE_ROWS
from agentspend.core.rule_words import rate_words, rule_lines
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.doorway import Doorway
from agentspend.daemon.persons import insiders, no_agent
from agentspend.daemon.policy_operations import change_words
from agentspend.daemon.reload import Reload
from agentspend.daemon.team import TeamDesk
from agentspend.daemon.vault import Vault
from agentspend.daemon.watchers import Watchers
from agentspend.proxy.desk import Desk
from agentspend.proxy.server import Proxy
from agentspend.store import checkpoints, entries
from agentspend.wire.control import Op


@dataclass(slots=True)
class Operations:
    """Everything a person's commands may ask of the daemon."""

    desk: Desk
    bookkeeper: Bookkeeper
    proxy: Proxy
    watchers: Watchers
    reload: Reload
    vault: Vault
    doorway: Doorway
    stop_daemon: Callable[[], None]
    socket: str
    team: TeamDesk | None = None

    def table(self) -> dict[str, Operation]:
        """The method of each operation."""
        return {
            Op.PING: self.ping,
            Op.STATUS: self.status,
            Op.TOP: self.top,
            Op.BRIEF: self.brief,
            Op.WATCH: self.watch,
            Op.ENTRIES: self.entries,
            Op.CHECKPOINTS: self.checkpoints,
            Op.SPENDING: self.spending,
            Op.WHY: self.why,
            Op.CHARGE: self.charge,
            Op.ADJUST: self.adjust,
            Op.KEYS_CHANGED: self.keys_changed,
            Op.STOP: self.stop,
        }

    async def ping(self, caller: Caller, _: Message) -> None:
        """Who is running, and where."""
        self.bookkeeper.look_at_gate()
        await caller.send(
            {
                "running": True,
                "pid": os.getpid(),
                "port": self.proxy.port,
                "stopping": self.proxy.draining,
                "socket": self.socket,
                "version": agentspend.__version__,
                "listen": self.doorway.address,
                "listen_error": self.doorway.error,
                "gate_closed": self.bookkeeper.gate_closed,
                "config_error": self.reload.error,
                "recovered": self.bookkeeper.recovered,
                "sessions": len(self.desk.sessions.all()),
                "runs": sum(not session.key for session in self.desk.sessions.all()),
            }
        )

    async def status(self, caller: Caller, message: Message) -> None:
        """The snapshot behind `agentspend status --json`; with `look`, of a team's caps as its
        server has them now."""
        if self.team is not None and message.get("look"):
            await self.team.glance()
        await caller.send(await self.snapshot())

    async def snapshot(self) -> Message:
        """Budgets, rules, sessions and today's spending at this moment."""
        self.bookkeeper.look_at_gate()
        rules = rule_lines(self.desk.settings.rules)
        for session in self.desk.sessions.all():
            rules += rule_lines(session.rules, session.id)
        team, seen = None, snapshot.NOT_SEEN
        if self.team is not None:
            team, seen = await self.team.lines(), self.team.seen()
        found: Message = await self.bookkeeper.ask(
            lambda books, at: {
                **snapshot.as_of(books, at),
                "budgets": [
                    *snapshot.budget_lines(books, at),
                    *snapshot.team_lines(books, at, seen),
                ],
                "team": team,
                "rules": rules,
                "sessions": snapshot.session_lines(books, at),
                "today_nusd": snapshot.today_nusd(books, at),
                "today_subscription_nusd": snapshot.today_listed_nusd(books, at),
                "windows": snapshot.included_lines(books, at),
                "waits": [change_words(change) for change in self.bookkeeper.waits],
                "questions": snapshot.question_lines(books, at),
                "paused": self.desk.pauses.told(),
                "gate_closed": self.bookkeeper.gate_closed,
                "config_error": self.reload.error,
            }
        )
        branches = {session.id: session.branch for session in self.desk.sessions.all()}
        for line in found["sessions"]:
            line["branch"] = branches.get(line["id"], line["branch"])
        if self.team is not None:
            for line in found["questions"]:
                line["request"] = self.team.request_for(line["budget"])
        now_us = self.desk.now().mono_us
        for paced in self.desk.pacer.waits():
            wait = {"rid": paced.rid, "budget": "", "limit": rate_words(paced.limit),
                    "since_ms": (now_us - paced.since_us) // 1_000}  # fmt: skip
            for line in found["sessions"]:
                if line["id"] == paced.session:
                    line["waiting"].append(wait)
        return found

    async def top(self, caller: Caller, _: Message) -> None:
        """What the live screen shows besides the snapshot and the day's entries."""
        await caller.send({**await self.snapshot(), **await self.bookkeeper.ask(day.today)})

    async def brief(self, caller: Caller, message: Message) -> None:
        """The status line of one session, of the device where none is found.

        A session is known by its token, one of a virtual key by its client's own id.
        """
        live, client = self.desk.sessions, str(message.get("client", ""))
        session = live.by_token(str(message.get("token", ""))) or next(
            (each for each in live.all() if each.key and each.client_id == client), None
        )
        payer = session.payer if session is not None else None
        seen = self.team.seen() if self.team is not None else snapshot.NOT_SEEN
        await caller.send(
            await self.bookkeeper.ask(lambda books, at: brief(books, at, payer, seen))
        )

    async def watch(self, caller: Caller, _: Message) -> None:
        """Snapshot first, then increments, until the caller hangs up."""
        await self.watchers.stream(caller.send, self.snapshot)

    async def entries(self, caller: Caller, message: Message) -> None:
        """A page of ledger entries, as stored: after a sequence number, or the newest."""
        after, count = int(message.get("after", 0)), min(int(message["count"]), READ_PAGE_ROWS)
        who = {name: str(message.get(name, "")) for name in ("session", "agent")}
        rows = await self.bookkeeper.ask(
            lambda books, _: (
                entries.newest(books.conn, count, **who)
                if message.get("newest")
                else entries.page(books.conn, after, count)
            )
        )
        await caller.send({"entries": [[seq, digest, _words(body)] for seq, digest, body in rows]})

    async def checkpoints(self, caller: Caller, _: Message) -> None:
        """The device's signatures over heads of the chain."""
        rows = await self.bookkeeper.ask(lambda books, _: checkpoints.all_of(books.conn))
        await caller.send({"checkpoints": rows})

    async def spending(self, caller: Caller, message: Message) -> None:
        """What a report begins with, or with `since` a page of sums."""
        if "since" not in message:
            await caller.send(
                await self.bookkeeper.ask(
                    lambda books, at: spending.opening(books.conn, books.rooms.zone, books.now(at))
                )
            )
            return
        words, since = [str(word) for word in message["words"]], int(message["since"])
        until = None if message["until"] is None else int(message["until"])
        page = await self.bookkeeper.ask(
            lambda books, _: spending.page(books.conn, words, since, until)
        )
        await caller.send(page)

    async def why(self, caller: Caller, message: Message) -> None:
        """One request's story."""
        rid = str(message["rid"])
        await caller.send(await self.bookkeeper.ask(lambda books, _: snapshot.why(books, rid)))

    async def charge(self, caller: Caller, message: Message) -> None:
        """What a request is charged now, and on what evidence: asked before an adjust."""
        entry, now_nusd = await self.bookkeeper.ask(
            lambda books, _: charged_nusd(books, str(message["rid"]))
        )
        await caller.send({"rid": entry.rid, "charged_nusd": now_nusd, "evidence": entry.evidence})

    async def adjust(self, caller: Caller, message: Message) -> None:
        """Lower an estimate; a person asks, never an agent."""
        self.no_agent(caller, "lower a charge")
        amount_nusd, reason = int(message["amount_nusd"]), str(message.get("reason", ""))
        pools = await self.bookkeeper.ask(
            lambda books, at: adjust(books, str(message["rid"]), amount_nusd, reason, at)
        )
        await caller.send({"adjusted": True, "team_pools": pools})

    async def keys_changed(self, caller: Caller, message: Message) -> None:
        """The stored keys changed: read them again, with a passphrase where one is needed."""
        providers = await self.vault.open(str(message.get("passphrase", "")))
        await caller.send({"stored_keys": providers, "locked": self.vault.locked})

    async def stop(self, caller: Caller, _: Message) -> None:
        """Drain and stop; the connection closes when it is done."""
        await caller.send({"stopping": True, "sessions": len(insiders(self.desk.sessions))})
        self.stop_daemon()
        await caller.next_line()

    def no_agent(self, caller: Caller, what: str) -> None:
        """Refuse what only a person may do."""
        no_agent(caller, self.desk.sessions, self.proxy.port, what)


def _words(body: bytes | str) -> str:
    """An entry as text; one that was tampered with need not be bytes, nor UTF-8."""
    return body if isinstance(body, str) else body.decode("utf-8", "replace")
