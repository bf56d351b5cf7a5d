"""What the control API can do, one method an operation. Answers are plain JSON values."""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import agentspend
from agentspend.bookkeeper import Bookkeeper, day, snapshot
from agentspend.bookkeeper.brief import brief
from agentspend.bookkeeper.corrections import adjust, charged_nusd
from agentspend.config.repository import Workplace
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import READ_PAGE_ROWS
from agentspend.core.policy import PendingChange, budget_from_dict
from agentspend.core.rule_words import rate_words, rule_lines
from agentspend.core.virtual_keys import is_token
from agentspend.daemon.control_api import Caller, Message, Operation
from agentspend.daemon.doorway import Doorway
from agentspend.daemon.persons import insiders, no_agent
from agentspend.daemon.reload import Reload
from agentspend.daemon.roster import Roster, head_at
from agentspend.daemon.session_team import begun, told
from agentspend.daemon.team import TeamDesk
from agentspend.daemon.vault import Vault
from agentspend.daemon.watchers import Watchers
from agentspend.daemon.workplaces import settled
from agentspend.proxy.desk import Desk
from agentspend.proxy.patience import asks_for_s
from agentspend.proxy.routing import unknown_provider
from agentspend.proxy.server import Proxy
from agentspend.proxy.sessions import Session
from agentspend.store import checkpoints, entries
from agentspend.wire.control import Op

SESSION_ENDS_WITHIN_S = 3.0
LOOSEN = "raise or remove a budget, or lower a price"


@dataclass(slots=True)
class Operations:
    """Everything a person's commands may ask of the daemon."""

    desk: Desk
    bookkeeper: Bookkeeper
    proxy: Proxy
    roster: Roster
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
            Op.SESSION_OPEN: self.session_open,
            Op.SESSION_TOTAL: self.session_total,
            Op.ENTRIES: self.entries,
            Op.CHECKPOINTS: self.checkpoints,
            Op.WHY: self.why,
            Op.CHARGE: self.charge,
            Op.ADJUST: self.adjust,
            Op.POLICY: self.policy,
            Op.MAY_LOOSEN: self.may_loosen,
            Op.CONFIRM: self.confirm,
            Op.BUDGET_SET: self.budget_set,
            Op.SETTINGS_SET: self.settings_set,
            Op.KEYS_CHANGED: self.keys_changed,
            Op.STOP: self.stop,
        }

    async def ping(self, caller: Caller, _: Message) -> None:
        """Who is running, and where."""
        await caller.send(
            {
                "running": True,
                "pid": os.getpid(),
                "port": self.proxy.port,
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
                "waits": [_change(change) for change in self.bookkeeper.waits],
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

    async def session_open(self, caller: Caller, message: Message) -> None:
        """Open a session that lives as long as this connection, across restarts of the daemon."""
        name = str(message.get("session") or f"s_{secrets.token_hex(8)}")
        self._not_anothers(caller, name)
        place, teams = await begun(self.bookkeeper, message, self._outer(caller))
        waits = await self._declare(place)
        session = Session(
            id=name,
            payer=place.payer,
            token=str(message.get("token") or secrets.token_urlsafe(32)),
            auth={name: each.auth for name, each in self.reload.providers.items()},
            keys=self._keys(message.get("keys", {})),
            providers=self._chosen(message.get("providers", ())),
            pid=caller.peer.pid,
            opened_us=self.desk.now().wall_us,
            rules=place.rules,
            head=head_at(str(message.get("head", ""))),
        )
        await self.roster.open(session)
        await self.vault.ready()
        await caller.send(
            {
                "session": session.id,
                "counts_as": session.payer.session,
                "payer": told(session.payer, teams),
                "teams": teams,
                "waits": [change.text for change in waits],
                "token": session.token,
                "port": self.proxy.port,
                "statusline": self.reload.declared.config.statusline,
                "asks_for_s": asks_for_s(session.payer.agent)
                if self.desk.admission.on_exceed == "ask"
                else 0,
                "stored_keys": self.vault.providers,
                "locked": self.vault.locked,
                "providers": {
                    name: {
                        "auth": each.auth,
                        "upstream": each.base_url,
                        "urls": {dialect: each.url(dialect) for dialect in each.dialects},
                    }
                    for name, each in self.reload.providers.items()
                },
            }
        )
        with suppress(ConnectionError):
            while await caller.next_line():
                pass
        if any(live is session for live in self.desk.sessions.all()):
            await self.roster.close(session.id)

    def _chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The providers that a session's requests may go to; refused for one that is not set up."""
        for name in names:
            if name not in self.desk.providers:
                raise AgentspendError(*unknown_provider(name, self.desk.providers))
        return tuple(names)

    def _keys(self, given: Mapping[str, str]) -> dict[str, str]:
        """The caller's keys. An outer session's token stands for the key that it stands for."""
        found: dict[str, str] = {}
        for provider, key in given.items():
            if is_token(key):
                continue
            outer = self.desk.sessions.by_token(key)
            own = outer.keys.get(provider, "") if outer is not None else key
            if own:
                found[provider] = own
        return found

    def _outer(self, caller: Caller) -> Session | None:
        """The session that a new one is begun in."""
        return next(
            (
                outer
                for outer in insiders(self.desk.sessions)
                if outer.pid != caller.peer.pid and caller.peer.started_by([outer.pid])
            ),
            None,
        )

    async def session_total(self, caller: Caller, message: Message) -> None:
        """What a session cost, once its last requests have settled."""
        session_id = str(message["session"])
        await self.proxy.quiet(session_id, SESSION_ENDS_WITHIN_S)
        total = await self.bookkeeper.ask(
            lambda books, _: snapshot.session_total(books, session_id)
        )
        await caller.send(total)

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

    async def policy(self, caller: Caller, message: Message) -> None:
        """Budgets in force, and declared changes that wait, of the files as they are this moment.

        A caller in a repository may say what its files declare.
        """
        await self.reload.now()
        if "repository" in message:
            await self._declare(settled({"payer": {}, **message}, None))
        await caller.send(
            {"waits": [_change(change) for change in self.bookkeeper.waits]}
            | {"in_force": [budget.name for budget in self.bookkeeper.budgets]}
        )

    async def may_loosen(self, caller: Caller, _: Message) -> None:
        """Whether this caller may loosen what is in force; refused for agents."""
        self.no_agent(caller, LOOSEN)
        await caller.send({"may_loosen": True})

    async def confirm(self, caller: Caller, message: Message) -> None:
        """A person agrees to the waiting changes with these texts."""
        self.no_agent(caller, LOOSEN)
        await self.reload.now()
        changed = await self.bookkeeper.confirm([str(text) for text in message["agreed"]])
        await self.reload.apply()
        await caller.send({"adopted": [_change(change) for change in changed]})

    async def budget_set(self, caller: Caller, message: Message) -> None:
        """A command wrote this budget to the file: adopt it, and nothing else that waits.

        What only tightens is adopted by reading the file, so an agent may tighten.
        """
        name, expected = str(message["name"]), message.get("budget")
        await self.reload.now()
        if expected is None and self._is_repositorys(name):
            self.no_agent(caller, LOOSEN)
            await self.bookkeeper.forget(name)
        elif any(change.budget == name for change in self.bookkeeper.waits):
            self.no_agent(caller, LOOSEN)
            budget = budget_from_dict(expected) if expected is not None else None
            await self.bookkeeper.set_one(name, budget)
        await caller.send({"adopted": name})

    async def settings_set(self, caller: Caller, message: Message) -> None:
        """A command wrote prices, providers or network settings to the file: adopt them."""
        self.no_agent(caller, "change prices or where requests go")
        await self.reload.now()
        declared = self.reload.declared
        if declared.config.settings != message["settings"]:
            raise AgentspendError("the configuration changed meanwhile", "agentspend config show")
        await self.bookkeeper.set_settings(declared.settings)
        await self.reload.apply()
        await caller.send({"adopted": "settings"})

    async def keys_changed(self, caller: Caller, message: Message) -> None:
        """The stored keys changed: read them again, with a passphrase where one is needed."""
        providers = await self.vault.open(str(message.get("passphrase", "")))
        await caller.send({"stored_keys": providers, "locked": self.vault.locked})

    async def stop(self, caller: Caller, _: Message) -> None:
        """Drain and stop; the connection closes when it is done."""
        await caller.send({"stopping": True, "sessions": len(insiders(self.desk.sessions))})
        self.stop_daemon()
        await caller.next_line()

    async def _declare(self, place: Workplace) -> tuple[PendingChange, ...]:
        """Adopt what tightens of a repository's files; returns what of them waits."""
        if not place.declared or self.bookkeeper.read_only:
            return ()
        return await self.bookkeeper.declare_repositories(place.declared)

    def _is_repositorys(self, name: str) -> bool:
        """Whether a budget in force was declared by a repository's file."""
        return any(budget.name == name and budget.source for budget in self.bookkeeper.budgets)

    def _not_anothers(self, caller: Caller, name: str) -> None:
        """A live session is its `run`'s own: whoever could open it again could also end it."""
        if any(
            session.id == name and session.pid != caller.peer.pid
            for session in self.desk.sessions.all()
        ):
            raise AgentspendError(
                f"session {name} is another process's", "agentspend run    opens one of your own"
            )

    def no_agent(self, caller: Caller, what: str) -> None:
        """Refuse what only a person may do."""
        no_agent(caller, self.desk.sessions, self.proxy.port, what)


def _words(body: bytes | str) -> str:
    """An entry as text; one that was tampered with need not be bytes, nor UTF-8."""
    return body if isinstance(body, str) else body.decode("utf-8", "replace")


def _change(change: PendingChange) -> dict[str, Any]:
    return {"budget": change.budget, "what": change.text}
