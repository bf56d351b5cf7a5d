"""What lies on the disks when all is over: the devices' ledgers, and the server's database."""

import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import select

from sync_server.folder import Folder
from sync_server.store import opening, tables


class Right(NamedTuple):
    """An account as one side has it; amounts in nano-USD."""

    granted_nusd: int
    returned_nusd: int
    used_nusd: int
    closed: bool


Places = dict[tuple[str, str, int], Right]
"""Accounts by (incarnation, pool, window)."""


@dataclass(slots=True)
class Ledger:
    """One device's file. `told` are its chains to the team, by incarnation; `inc` the present one,
    of which the server has acknowledged `acked_seq` entries; `left_behind` is how many it has of
    earlier ones, by their incarnations. `held` is by the request's name."""

    bodies: list[bytes] = field(default_factory=list)
    settles: list[dict[str, Any]] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)
    inc: str = ""
    state: str = ""
    acked_seq: int = 0
    told: dict[str, list[bytes]] = field(default_factory=dict)
    rights: Places = field(default_factory=dict)
    left_behind: dict[str, int] = field(default_factory=dict)


def read_ledger(home: Path) -> Ledger:
    """Read a copy of the file and its log, so that the original stays as its daemon left it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ledger.db"
        for end in ("", "-wal"):
            if (source := home / f"ledger.db{end}").exists():
                shutil.copyfile(source, f"{copy}{end}")
        conn = sqlite3.connect(copy)
        try:
            return _read(conn)
        finally:
            conn.close()


def _read(conn: sqlite3.Connection) -> Ledger:
    found = Ledger()
    found.bodies = [bytes(row[0]) for row in conn.execute("SELECT body FROM entry ORDER BY seq")]
    entries = map(msgspec.json.decode, found.bodies)
    found.settles = [entry for entry in entries if entry["kind"] == "settle"]
    for body, amount_nusd in conn.execute("SELECT body, amount_nusd FROM hold"):
        found.held[msgspec.json.decode(bytes(body))["payer"]["subagent"]] = amount_nusd
    standing = conn.execute("SELECT body FROM team WHERE key = 'standing'").fetchone()
    if standing is not None:
        said = msgspec.json.decode(bytes(standing[0]))
        found.inc, found.state, found.acked_seq = said["inc"], said["state"], said["acked_seq"]
    for (body,) in conn.execute("SELECT body FROM team WHERE key = 'earlier'"):
        earlier = msgspec.json.decode(bytes(body))
        found.left_behind = {each["inc"]: each["acked_seq"] for each in earlier}
    for inc, body in conn.execute("SELECT inc, body FROM team_entry ORDER BY inc, seq"):
        found.told.setdefault(inc, []).append(bytes(body))
    rows = conn.execute(
        "SELECT r.inc, r.pool, r.window, r.granted_nusd, r.returned_nusd, a.spent_nusd, r.closed"
        " FROM team_right r JOIN account a ON a.id = r.account"
    )
    for inc, pool, window, granted, returned, used, closed in rows:
        found.rights[inc, pool, window] = Right(granted, returned, used, bool(closed))
    return found


@dataclass(slots=True)
class Kept:
    """What the server has: the chain of every incarnation, and every account. `put_back`: to a
    copy of its database, so that what no device knows to have been there is lost."""

    told: dict[str, list[bytes]] = field(default_factory=dict)
    rights: Places = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    put_back: bool = False


def read_server(folder: Folder) -> Kept:
    """Read the database of a server that has stopped."""
    settings = folder.settings()
    url = settings.database.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = opening.open_engine(url or f"sqlite:///{folder.path / 'server.db'}")
    found = Kept(put_back=any(folder.path.glob("before-restore-*")))
    try:
        with engine.begin() as conn:
            for row in conn.execute(select(tables.incarnations)):
                found.status[row.inc] = row.status
                found.told[row.inc] = []
            entries = tables.entries.c
            for row in conn.execute(
                select(entries.inc, entries.body).order_by(entries.inc, entries.seq)
            ):
                found.told[row.inc].append(row.body.encode())
            for row in conn.execute(select(tables.accounts)):
                found.rights[row.inc, row.pool, row.running] = Right(
                    row.granted_nusd, row.returned_nusd, row.used_nusd, bool(row.closed)
                )
    finally:
        engine.dispose()
    return found
