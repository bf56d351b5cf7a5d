"""The ledger's file: opened, checked and migrated, before anyone uses it."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from agentspend import db
from agentspend.store.schema import MIGRATIONS


def open_ledger(path: Path, *, whole: bool = True) -> tuple[Callable[[], sqlite3.Connection], bool]:
    """How to connect to this ledger, and whether it can only be read.

    The file is checked and migrated when the returned function is first called; it raises
    `StoreError` for a damaged, newer or unreachable ledger. Without `whole` a file that need not be
    migrated is not read through for damage, which takes seconds for a million entries: enough for
    a look at a part of it, which fails by itself where that cannot be read.
    """
    read_only = path.exists() and not os.access(path, os.W_OK)

    def connect() -> sqlite3.Connection:
        conn = db.connect(path, read_only=read_only)
        try:
            if whole or db.version(conn) != len(MIGRATIONS):
                db.quick_check(conn, path)
            if read_only:
                db.refuse_other_schema(conn, path, len(MIGRATIONS))
            else:
                db.migrate(conn, path, MIGRATIONS)
        except BaseException:
            conn.close()
            raise
        return conn

    return connect, read_only
