"""The ledger's entries page by page, from the daemon or, when none runs, from the file itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from agentspend.core.errors import StoreError
from agentspend.core.limits import READ_PAGE_ROWS

if TYPE_CHECKING:
    from agentspend.config.paths import Paths


class Ask(Protocol):
    """One question to whoever holds the ledger: the `entries` and `checkpoints` operations."""

    def __call__(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        ...


def pages(ask: Ask, after: int = 0) -> Iterator[tuple[int, str, bytes]]:
    """Every entry after a sequence number: (seq, stored hash, body)."""
    while found := ask("entries", after=after, count=READ_PAGE_ROWS)["entries"]:
        for seq, digest, body in found:
            yield seq, digest, body.encode()
        after = found[-1][0]


def newest_entry(ask: Ask) -> dict[str, Any] | None:
    """The last entry of the ledger."""
    import json

    found = ask("entries", newest=True, count=1)["entries"]
    return json.loads(found[-1][2]) if found else None


@contextmanager
def offline(folders: "Paths") -> Iterator[Ask]:
    """Answer from the ledger's file, with the daemon's lock taken so that none starts meanwhile."""
    import os

    from agentspend.daemon.lifecycle import LedgerTaken, take_lock
    from agentspend.store import checkpoints, entries
    from agentspend.store.ledger_file import open_ledger

    if not folders.ledger.exists():
        raise StoreError(f"there is no ledger yet at {folders.ledger}", "agentspend daemon start")
    try:
        lock = take_lock(folders.lock)
    except LedgerTaken:
        raise StoreError("a daemon is starting or stopping", "try again in a moment") from None
    connect, _ = open_ledger(folders.ledger)
    conn = connect()

    def ask(op: str, **fields: object) -> dict[str, Any]:
        if op == "checkpoints":
            return {"checkpoints": checkpoints.all_of(conn)}
        rows = entries.page(conn, int(str(fields["after"])), int(str(fields["count"])))
        return {"entries": [[seq, digest, bytes(body).decode()] for seq, digest, body in rows]}

    try:
        yield ask
    finally:
        conn.close()
        os.close(lock)
