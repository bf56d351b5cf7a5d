"""The day so far, as the live screen begins with it: what is in flight, and what was refused.

Its charges come as ledger entries, page by page, from `after_seq` on.
"""

import msgspec

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.bookkeeper.snapshot import TODAY
from agentspend.core.windows import span
from agentspend.store import entries, holds, requests

MAX_IN_FLIGHT = 500
MAX_REFUSED = 200
_TOLD = ("payer", "provider", "model", "reason", "budget", "needed_nusd", "why")


def today(books: Books, at: Moment) -> dict[str, object]:
    """Where the day begins and ends, open holds, and the newest refusals."""
    here = span(TODAY, books.now(at), books.rooms.zone)
    return {
        "day": {
            "starts_us": here.starts_us,
            "ends_us": here.ends_us,
            "after_seq": entries.seq_before(books.conn, here.starts_us),
        },
        "in_flight": [_flight(hold) for hold in holds.all_open(books.conn)[-MAX_IN_FLIGHT:]],
        "refused": [
            {"rid": rid, "at_us": at_us, **_story(body)}
            for rid, at_us, body in requests.newest(
                books.conn, "refused", here.starts_us, MAX_REFUSED
            )
        ],
    }


def _flight(hold: holds.Hold) -> dict[str, object]:
    kept = msgspec.json.decode(hold.body)
    return {
        "rid": hold.rid,
        "held_nusd": hold.amount_nusd,
        "held_us": hold.created_us,
        **{name: kept[name] for name in ("payer", "provider", "model", "counted")},
    }


def _story(body: bytes) -> dict[str, object]:
    kept = msgspec.json.decode(body)
    return {name: kept[name] for name in _TOLD if name in kept}
