"""The real server in the simulation: `sync_server.service` over SQLite and its journal file.

Slower than the rules over dicts, and therefore for a few histories: they must come out well all
the same, which proves that the store loads and saves what the rules need.
"""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copy

from sqlalchemy import select

from agentspend.core.allowance.accounts import Account, Place
from agentspend.core.allowance.messages import Answer, Hello, Sync, Welcome
from agentspend.wire import signing
from agentspend.wire.entries import entry_hash
from agentspend.wire.team import Message, Sealed, seal, unseal
from sync_server.allowance.journal import Began, Filed, Line, Opened
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Sizing
from sync_server.journal_file import JournalFile
from sync_server.senders import UnknownDevice
from sync_server.service import Service
from sync_server.store import cases, opening, people, tables
from tests.simulation.team.office import Database, Journal, Server
from tests.simulation.team.swarm import TEAMS

SERVER_KEY = bytes(range(32))
ACT: dict[str, object] = {"who": "lead", "what": "simulated"}


class SqlServer(Server):
    """One server with its files in a folder. Its lock keeps an old one from living on."""

    may_haunt = False

    def __init__(self, folder: Path, sizing: Sizing) -> None:
        self.folder = folder
        self.sizing = sizing
        self.journal = Journal()
        self._copies = 0
        self._devices: set[str] = set()
        self._pools: set[str] = set()
        self._view: Database | None = None
        self.teams = None
        self._open()
        with self.service.engine.begin() as conn:
            people.add_org(conn, "o_1", "Acme", "UTC")
        team, *others = (
            Filed("team", {"id": f"t_{name}", "org": "o_1", "name": name}) for name in ("1", *TEAMS)
        )
        member = {
            "id": "anna", "org": "o_1", "team": "t_1", "name": "Anna", "email": "",
            "role": "member", "tier": "", "active": True,
        }  # fmt: skip
        self._decide([team, *others, Filed("member", member)])

    def _start(self) -> None:
        self._open()
        self.service.catch_up()

    def _open(self) -> None:
        engine = opening.open_engine(f"sqlite:///{self.folder}/server.db")
        opening.migrate(engine)
        file = JournalFile(self.folder / "journal")
        self.service = Service(engine, "o_1", SERVER_KEY, self.sizing, file)
        self._view = None

    def stop(self) -> None:
        """kill -9 leaves as much."""
        self.service.engine.dispose()
        if self.service.journal is not None:
            self.service.journal.close()

    @property
    def database(self) -> Database:
        """What is stored, as the invariants look at it."""
        if self._view is None:
            self._view = self._read()
        return self._view

    def backup(self) -> Path:  # type: ignore[override]
        """A copy of the database's file, and only that."""
        self._copies += 1
        path = self.folder / f"backup-{self._copies}"
        self.stop()
        copy(self.folder / "server.db", path)
        self._start()
        return path

    def restored(self, backup: Path) -> "SqlServer":  # type: ignore[override]
        """The file is lost and replaced by its copy; the journal is where it was."""
        self.stop()
        for path in self.folder.glob("server.db*"):
            path.unlink()
        copy(backup, self.folder / "server.db")
        self._start()
        return self

    def decide(self, *lines: Line) -> bool:
        """A decision; the rows it needs are made first."""
        for line in lines:
            if isinstance(line, Began) and line.device not in self._devices:
                self._devices.add(line.device)
                public = signing.public_key(_key(line.device)).hex()
                member = f"m_{line.device}" if self.teams is not None else "anna"
                self._decide([Filed("device", {
                    "id": line.device, "org": "o_1", "member": member, "label": "",
                    "public_key": public, "active": True, "enrolled_us": 0, "seen_us": 0,
                })])  # fmt: skip
            if isinstance(line, Opened) and line.pool not in self._pools:
                self._pools.add(line.pool)
                owner = line.pool.partition("_")[0]
                team = f"t_{owner}" if owner in TEAMS else None
                self._decide([Filed("pool", {
                    "id": line.pool, "org": "o_1", "team": team, "member": None, "scope": "{}",
                    "kind": "total", "active": True,
                })])  # fmt: skip
        self._decide(list(lines))
        return True

    def belongs(self, device: str, teams: tuple[str, ...]) -> None:
        """A lead puts the member of a device in these teams."""
        super().belongs(device, teams)
        home, *further = (f"t_{team}" for team in teams)
        self._decide([Filed("member", {
            "id": f"m_{device}", "org": "o_1", "team": home, "name": device, "email": "",
            "role": "member", "tier": "", "active": True, "further": json.dumps(further),
        })])  # fmt: skip

    def sync(self, sync: Sync, now: int, crash: str = "") -> Answer | None:
        """Through signed bytes, with the same deaths as the server over dicts."""
        if crash == "first":
            return None
        self._view = None
        sealed = _sealed(sync, _key(sync.device))
        if crash == "journaled":
            try:
                replace(self.service, private_key=b"").sync(sync.device, sealed, now)
            except ValueError:
                self.stop()
                self._start()
            return None
        answer = unseal(Answer, self.service.sync(sync.device, sealed, now), _check)
        return None if crash == "after" else answer

    def hello(self, hello: Hello, fresh_inc: str, now: int, crash: str = "") -> Welcome | None:
        """Through signed bytes."""
        self._view = None
        sealed = _sealed(hello, _key(hello.device))
        try:
            found = self.service.hello(hello.device, sealed, fresh_inc, now)
        except UnknownDevice:
            return None
        return None if crash == "after" else unseal(Welcome, found, _check)

    def opened(self, pool: str, *, cap: int | None = None, roll: bool = False) -> PoolState:
        """A cap was set, or the next window begins."""
        state = self.database.pools[pool]
        nusd = state.cap_nusd if cap is None else cap
        self._decide([Opened(pool, nusd, state.window + roll)])
        return self.database.pools[pool]

    def _decide(self, lines: list[Line]) -> None:
        self._view = None
        self.service.decide(lines, ACT, 1)

    def _read(self) -> Database:
        found = Database()
        with self.service.engine.begin() as conn:
            for row in conn.execute(select(tables.incarnations)):
                known = cases.find_incarnation(conn, row.inc)
                assert known is not None
                found.incs[row.inc] = known
                found.accounts[row.inc] = {}
                found.hashes[row.inc] = [""]
                found.nonces[row.nonce] = row.inc
            for row in conn.execute(select(tables.accounts)):
                found.accounts[row.inc][Place(row.pool, row.running)] = Account(
                    row.granted_nusd, row.returned_nusd, row.used_nusd, row.closed,
                    written_off=row.written_off,
                )  # fmt: skip
            entries = tables.entries
            for row in conn.execute(select(entries).order_by(entries.c.inc, entries.c.seq)):
                found.hashes[row.inc].append(entry_hash(row.body.encode()))
            found.pools = {state.id: state for state in people.all_pools(conn, "o_1")}
        return found


def _key(device: str) -> bytes:
    """A device's private key."""
    return device.encode().ljust(32, b".")


def _sealed(message: Message, key: bytes) -> Sealed:
    return seal(message, lambda domain, body: signing.sign(key, domain, body))


def _check(domain: str, body: bytes, signature: bytes) -> bool:
    return signing.verify(signing.public_key(SERVER_KEY), domain, body, signature)
