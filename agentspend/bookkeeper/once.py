"""A question whose answer may be lost is asked again by the same name, until it is answered.

The server answers each name once, however often it hears it. So what a person types a second time,
because the first time brought no answer, is the same question, also after a restart.
"""

import hashlib
import sqlite3

import msgspec

from agentspend.store import team


def name_of(conn: sqlite3.Connection, kind: str, asked: str, fresh: str) -> str:
    """The nonce of this very question, where its last try was not answered; else this fresh one.

    One open question of a kind: another one takes its place.
    """
    found = hashlib.sha256(asked.encode()).hexdigest()
    kept: dict[str, str] = msgspec.json.decode(team.read(conn, kind) or b"{}")
    if kept.get("asked") == found:
        return kept["nonce"]
    team.write(conn, kind, msgspec.json.encode({"asked": found, "nonce": fresh}))
    return fresh


def answered(conn: sqlite3.Connection, kind: str) -> None:
    """An answer came: the next question of this kind is a new one."""
    team.write(conn, kind, b"")
