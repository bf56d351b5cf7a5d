"""The ledger's entries page by page, from whoever answers: the daemon, or `cli.offline`."""

from collections.abc import Iterator
from typing import Any, Protocol

from agentspend.core.limits import READ_PAGE_ROWS


class Ask(Protocol):
    """One question to whoever holds the ledger; `DaemonUnreachable` when nobody does."""

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
