"""A server of our own to test with, and a device that talks to it in signed bytes."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from agentspend.core.allowance.messages import Answer, Hello, Status, Want, Welcome
from agentspend.wire import signing
from agentspend.wire.invite import code_sha256
from agentspend.wire.team import Message, Sealed, seal, unseal
from sync_server.acts.devices import expelled
from sync_server.allowance.journal import Began, Filed, Line, Opened
from sync_server.allowance.pools import PoolState
from sync_server.allowance.sizing import Sizing
from sync_server.allowance.windows import first
from sync_server.journal_file import JournalFile
from sync_server.service import Service
from sync_server.store import cases, opening, people
from tests.sync_server.made import Chain

NOON_US = 1_767_265_200_000_000
DAY_US = 86_400_000_000
SERVER_KEY, DEVICE_KEY = bytes(range(32)), bytes(range(1, 33))
MEMBER = {
    "id": "anna", "org": "o_1", "team": "t_1", "name": "Anna", "email": "", "role": "member",
    "tier": "senior", "active": True,
}  # fmt: skip
ACT = {"who": "lead", "what": "test"}
SIZING = Sizing(float_nusd=100, least_burn_nusd=10, most_nusd=500, grain_nusd=1)


class Office:
    """The server's files in one folder."""

    def __init__(self, folder: Path, zone: str = "Europe/Berlin") -> None:
        self.folder = folder
        self.start()
        with self.service.engine.begin() as conn:
            people.add_org(conn, "o_1", "Acme", zone)
        public = signing.public_key(DEVICE_KEY).hex()
        self.service.decide(
            [
                Filed("team", {"id": "t_1", "org": "o_1", "name": "Backend"}),
                Filed("member", MEMBER),
                Filed("device", {
                    "id": "d_1", "org": "o_1", "member": "anna", "label": "thinkpad",
                    "public_key": public, "active": True, "enrolled_us": 1, "seen_us": 0,
                }),
                *self.pool("org", 1_000),
                Began("i_1", "d_1", "n_1"),
            ],
            ACT, NOON_US,
        )  # fmt: skip

    def start(self) -> None:
        """Start the server on what lies in the folder."""
        engine = opening.open_engine(f"sqlite:///{self.folder}/server.db")
        opening.migrate(engine)
        journal = JournalFile(self.folder / "journal")
        self.service = Service(engine, "o_1", SERVER_KEY, SIZING, journal)

    def close(self) -> None:
        """Stop it."""
        self.service.engine.dispose()
        if self.service.journal is not None:
            self.service.journal.close()

    def backup(self) -> None:
        """Copy the database, and only that."""
        self.close()
        shutil.copy(self.folder / "server.db", self.folder / "backup.db")
        self.start()

    def restore(self) -> int:
        """Lose the database, and come back from the copy."""
        self.close()
        for path in self.folder.glob("server.db*"):
            path.unlink()
        shutil.copy(self.folder / "backup.db", self.folder / "server.db")
        self.start()
        return self.service.catch_up()

    def pool(
        self, name: str, cap: int, kind: str = "month", scope: str = "{}", **whose: str
    ) -> list[Line]:
        """The lines that make a pool."""
        row = {
            "id": name, "org": "o_1", "team": None, "member": None, "scope": scope, "kind": kind,
            "active": True, **whose,
        }  # fmt: skip
        return [Filed("pool", row), first(name, cap, kind, NOON_US, "Europe/Berlin")]

    def cap(self, name: str, cap: int) -> None:
        """A lead sets a cap."""
        state = self.state(name)
        line = Opened(name, cap, state.window, state.ends_us)
        self.service.decide([line], ACT, NOON_US)

    def invite(self, secret: bytes, member: str, expires_us: int) -> None:
        """An invite of 16 random bytes for a member."""
        row = {
            "code_sha256": code_sha256(secret), "member": member, "expires_us": expires_us,
            "used_us": None,
        }  # fmt: skip
        self.service.decide([Filed("invite", row)], ACT, NOON_US)

    def expel(self, status: Status, device: str = "d_1") -> None:
        """A lead revokes the device, or writes it off as lost."""
        with self.service.engine.begin() as conn:
            lines = expelled(conn, device, status, NOON_US)
        self.service.decide(lines, ACT, NOON_US)

    def state(self, name: str = "org") -> PoolState:
        """A pool as it is stored."""
        with self.service.engine.begin() as conn:
            return cases.pool_state(conn, name)

    def rows(self, table: Any) -> Sequence[Any]:
        """Everything in a table."""
        with self.service.engine.begin() as conn:
            return conn.execute(select(table)).all()

    def sync(self, chain: Chain, *wants: Want, now: int = NOON_US, **words: object) -> Answer:
        """Report and ask; the answer is checked against the server's key."""
        report = chain.sync(*wants, **{"server_seq": 0, **words})
        sealed = self.service.sync("d_1", by_device(report), now)
        return unseal(Answer, sealed, by_server)

    def hello(self, old_inc: str, nonce: str, new_inc: str) -> Welcome:
        """Ask for a new incarnation."""
        hello = Hello("t", "d_1", old_inc, nonce, "restored", "")
        sealed = self.service.hello("d_1", by_device(hello), new_inc, NOON_US)
        return unseal(Welcome, sealed, by_server)


def by_device(message: Message, key: bytes = DEVICE_KEY) -> Sealed:
    """A message as the device sends it."""
    return seal(message, lambda domain, body: signing.sign(key, domain, body))


def by_server(domain: str, body: bytes, signature: bytes) -> bool:
    """Whether the server signed this."""
    return signing.verify(signing.public_key(SERVER_KEY), domain, body, signature)


def needs(pool: str, nusd: int) -> Want:
    """A request that needs this much."""
    return Want(pool, need_nusd=nusd)
