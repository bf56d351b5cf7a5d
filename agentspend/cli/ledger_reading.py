"""The ledger's entries page by page, from whoever answers: the daemon, or `cli.offline`."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from agentspend.cli.diagnostics import UsageError
from agentspend.core.limits import READ_PAGE_ROWS

REFUSAL_ID = "req_agentspend_"
DIGITS = 18
"""More than these no entry's number has."""


class Ask(Protocol):
    """One question to whoever holds the ledger; `DaemonUnreachable` when nobody does."""

    def __call__(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        ...


Row = tuple[int, str, str]
"""One entry: its number, its stored hash, its body."""


def pages(ask: Ask, after: int = 0) -> Iterator[list[Row]]:
    """The entries after a sequence number, page by page."""

    def page(seq: int) -> list[Row]:
        found: list[Row] = ask("entries", after=seq, count=READ_PAGE_ROWS)["entries"]
        return found

    found = page(after)
    if len(found) == READ_PAGE_ROWS:
        yield from _ahead(page, found)
        return
    while found:
        yield found
        found = page(found[-1][0])


def _ahead(page: Callable[[int], list[Row]], found: list[Row]) -> Iterator[list[Row]]:
    """The next page is fetched while this one is looked at: both take about as long."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        while found:
            coming = thread.submit(page, found[-1][0])
            yield found
            found = coming.result()


def rows(ask: Ask, after: int = 0) -> Iterator[tuple[int, str, bytes]]:
    """Every entry after a sequence number, with its bytes."""
    for page in pages(ask, after):
        for seq, digest, body in page:
            yield seq, digest, body.encode()


def newest_entry(ask: Ask) -> dict[str, Any] | None:
    """The last entry of the ledger."""
    import json

    found = ask("entries", newest=True, count=1)["entries"]
    return json.loads(found[-1][2]) if found else None


def own_id(ask: Ask, words: str) -> str:
    """A request's own id ("r_…") for what people have at hand.

    That may be the number of its entry in `log`, the id in a refusal ("req_agentspend_…"), or the
    provider's own id of one of the newest requests. Anything else is given back as it is, but for
    what every id begins with, or nothing: that names none.
    """
    import json

    if words.strip() in ("", "r_", REFUSAL_ID):
        raise UsageError(f"{words!r} names no request", "agentspend log    shows the ids")
    if words.startswith(REFUSAL_ID):
        return "r_" + words.removeprefix(REFUSAL_ID)
    if words.startswith("r_"):
        return words
    if words.isdecimal() and len(words) <= DIGITS:
        near = ask("entries", after=max(0, int(words) - 1), count=1)["entries"]
        found = [json.loads(body) for seq, _, body in near if seq == int(words)]
    else:
        near = ask("entries", newest=True, count=READ_PAGE_ROWS)["entries"]
        entries = [json.loads(body) for _, _, body in reversed(near)]
        found = [each for each in entries
                 if words in (each.get("request_id"), each.get("response_id"))]  # fmt: skip
    return str(found[0].get("rid", words)) if found else words
