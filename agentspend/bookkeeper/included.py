"""A subscription's windows in the books: beside the ledger, never part of it."""

from collections.abc import Sequence

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event
from agentspend.core.included import IncludedWindow
from agentspend.store import included


def note_included(
    books: Books,
    windows: Sequence[IncludedWindow],
    gone: Sequence[tuple[str, str, str, str]],
) -> None:
    """Remember what a provider said last, forget what it no longer speaks of; tell listeners."""
    included.forget(books.conn, gone)
    included.put(books.conn, windows)
    for window in windows:
        fields = {
            "provider": window.provider,
            "account": window.account,
            "name": window.name,
            "model": window.model,
            "used_bp": window.used_bp,
            "resets_us": window.resets_us,
            "status": window.stand.value,
        }
        books.events.append(Event("included", fields))
