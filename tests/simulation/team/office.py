"""The server: its database, its journal, and how it dies and comes back."""

from dataclasses import replace
from functools import partial

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import Answer, Hello, Status, Sync, Welcome
from sync_server.allowance.case import Case, Incarnation, Office
from sync_server.allowance.desk import Outcome, serve
from sync_server.allowance.incarnations import succeed, welcome
from sync_server.allowance.journal import Began, Granted, Line, Opened, Ranked, Served, may_write
from sync_server.allowance.pools import PoolState
from sync_server.allowance.replay import replay
from sync_server.allowance.sizing import Crowd, Sizing
from tests.simulation.team.swarm import SHARED

GONE = frozenset({Status.REVOKED, Status.LOST})


class Database:
    """What a commit makes durable, and a backup copies."""

    def __init__(self) -> None:
        self.incs: dict[str, Incarnation] = {}
        self.accounts: dict[str, dict[Place, Account]] = {}
        self.hashes: dict[str, list[str]] = {}
        self.pools: dict[str, PoolState] = {}
        self.nonces: dict[str, str] = {}
        self.proved: dict[str, frozenset[str]] = {}
        self.position = 0

    def copy(self) -> "Database":
        """A backup."""
        copied = Database()
        copied.incs = dict(self.incs)
        copied.accounts = {inc: dict(accounts) for inc, accounts in self.accounts.items()}
        copied.hashes = {inc: list(hashes) for inc, hashes in self.hashes.items()}
        copied.pools = dict(self.pools)
        copied.nonces = dict(self.nonces)
        copied.proved = dict(self.proved)
        copied.position = self.position
        return copied

    def case(self, inc: str) -> Case:
        """One incarnation's rows, by reference."""
        return Case(self.incs.get(inc), self.accounts.setdefault(inc, {}), self.pools)

    def play(self, line: Line) -> None:
        """Make a line of the journal true."""
        inc = line.inc if isinstance(line, Granted | Began | Ranked) else ""
        case = self.case(inc)
        replay(case, line)
        if case.incarnation is not None:
            self.incs[inc] = case.incarnation
            self.hashes.setdefault(inc, [""])
        if isinstance(line, Began):
            self.nonces[line.nonce] = line.inc
        self.position += 1


class Journal:
    """Lines that are never lost. Only the newest server may write."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.newest = 0

    def write(self, server_inc: int, lines: tuple[Line, ...] | list[Line]) -> bool:
        """Append, unless a newer server has taken over."""
        if not may_write(server_inc, self.newest):
            return False
        for line in lines:
            self.lines.append(line)
            if isinstance(line, Served):
                self.newest = line.server_inc
        return True


class Server:
    """One running server. `reply_first` is what a wrong build would do: answer, then commit.

    `may_haunt`: after a restore the old one may still run somewhere. `capped`: own caps bound
    what lies on a device.
    """

    reply_first = False
    may_haunt = True
    capped = False

    def __init__(self, database: Database, journal: Journal, sizing: Sizing) -> None:
        self.database = database
        self.journal = journal
        self.sizing = sizing
        self.teams: dict[str, tuple[str, ...]] | None = None
        self.server_inc = journal.newest + 1
        self.catch_up()
        self.decide(Served(self.server_inc))

    def backup(self) -> Database:
        """A copy of the database."""
        return self.database.copy()

    def restored(self, backup: Database) -> "Server":
        """The server that takes over, on a copy and with the whole journal."""
        fresh = Server(backup.copy(), self.journal, self.sizing)
        fresh.teams, fresh.capped = self.teams, self.capped
        return fresh

    @property
    def own(self) -> frozenset[str]:
        """The pools in which all counts that a device spends, where those bound what it gets of
        any other: nobody's own here, which makes the bound tighter still."""
        names = self.database.pools if self.capped else ()
        return frozenset(pool for pool in names if pool.startswith("org"))

    def belongs(self, device: str, teams: tuple[str, ...]) -> None:
        """A lead's decision: which teams a device's member is in. It is in the journal at once."""
        self.teams = {**(self.teams or {}), device: teams}

    def _gone(self, device: str) -> frozenset[str]:
        """The pools of teams that a device's member is not in."""
        if self.teams is None:
            return frozenset()
        own = (*SHARED, *self.teams.get(device, ()))
        return frozenset(pool for pool in self.database.pools if not pool.startswith(own))

    def catch_up(self) -> None:
        """At every start: the lines the database does not have yet."""
        for line in self.journal.lines[self.database.position :]:
            self.database.play(line)

    def office(self, now: int) -> Office:
        """The server as the rules see it."""
        active = sum(each.status is Status.ACTIVE for each in self.database.incs.values())
        crowd = Crowd(active, max(1, active // 2))
        return Office(self.server_inc, self.database.position, now, crowd, self.sizing)

    def decide(self, *lines: Line) -> bool:
        """A decision of a person or of the calendar: journal first, then the database."""
        if not self.journal.write(self.server_inc, lines):
            return False
        for line in lines:
            self.database.play(line)
        return True

    def sync(self, sync: Sync, now: int, crash: str = "") -> Answer | None:
        """Serve one report.

        `crash` is "" or where the server dies: "first" with nothing written, "journaled" before
        the commit, "after" the commit and before the answer.
        """
        inc = sync.inc
        database = self.database.copy() if crash in {"first", "journaled"} else self.database
        case = replace(database.case(inc), gone=self._gone(sync.device), own=self.own)
        hashes = database.hashes.get(inc, [""])
        told = database.proved.get(inc, frozenset())
        at, proved = self.office(now), partial(frozenset, told)
        outcome = serve(case, sync, hashes.__getitem__, at, proved=proved)
        answer = outcome.answer if not crash or self.reply_first else None
        if crash == "first":
            return answer
        if not self.journal.write(self.server_inc, outcome.journal):
            return None
        if crash == "journaled":
            self.catch_up()
        else:
            self._commit(inc, case, outcome)
        return answer

    def _commit(self, inc: str, case: Case, outcome: Outcome) -> None:
        database = self.database
        if case.incarnation is not None:
            database.incs[inc] = case.incarnation
        told = frozenset(each.hash for each in outcome.entries)
        if outcome.forked:
            database.proved[inc] = database.proved.get(inc, frozenset()) | told
        else:
            database.hashes.setdefault(inc, [""]).extend(each.hash for each in outcome.entries)
        database.position += len(outcome.journal)

    def hello(self, hello: Hello, fresh_inc: str, now: int, crash: str = "") -> Welcome | None:
        """Answer a hello, once for each nonce."""
        known = self.database.nonces.get(hello.nonce)
        if known is not None:
            return welcome(known, hello, self.office(now))
        old = self.database.incs.get(hello.old_inc)
        own = [each for each in self.database.incs.values() if each.device == hello.device]
        if own and all(each.status in GONE for each in own):
            return None
        answer, lines = succeed(old, hello, fresh_inc, self.office(now), own)
        if answer is None or not self.journal.write(self.server_inc, lines):
            return None
        self.catch_up()
        return None if crash == "after" else answer

    def opened(self, pool: str, *, cap: int | None = None, roll: bool = False) -> PoolState:
        """A cap was set, or the next window begins."""
        state = self.database.pools[pool]
        state = replace(state, cap_nusd=state.cap_nusd if cap is None else cap)
        self.decide(Opened(pool, state.cap_nusd, state.window + roll))
        return self.database.pools[pool]
