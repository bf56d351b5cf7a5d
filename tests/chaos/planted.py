"""`python -m tests.chaos.planted NAME MODULE WORDS…`: a program with one bug planted in it.

Each is a mistake of the kind the protocol's proof forbids (protocol study §2.12), made in the real
program; `python -m tests.chaos --plant NAME` must find it by the bill and the ledgers alone. Names
that begin with `server` are planted in the team server, the others in every daemon.
"""

import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def server_grants_past_the_cap() -> None:
    """Grants what a device would like, whatever is left in the pool."""
    from sync_server.allowance import grants, sizing

    def generous(account: Any, pool: Any, want: Any, crowd: Any, rules: Any) -> int:
        full = sizing.target_nusd(want, pool.cap_nusd, crowd, rules)
        return max(0, full - sizing.free_nusd(account, want))

    grants.grant_nusd = generous


def server_answers_before_it_commits() -> None:
    """Decisions are answered at once and written with the next but four, the journal too: a kill
    between forgets grants that devices have. For SQLite, whose one thread makes this simple."""
    from sync_server.journal_file import JournalFile
    from sync_server.service import Service

    whole, write = Service._deciding, JournalFile.append
    lines: list[Any] = []
    open_now: list[_Open] = []

    @contextmanager
    def late(self: Service, now_us: int) -> Iterator[Any]:
        if not open_now:
            open_now.append(_Open(self.engine))
            object.__setattr__(self, "engine", open_now[0])
        with whole(self, now_us) as found:
            yield found
        open_now[0].uses += 1
        if open_now[0].uses >= 5:
            for journal, *words in lines:
                write(journal, *words)
            lines.clear()
            object.__setattr__(self, "engine", open_now.pop().commit())

    Service._deciding = late  # type: ignore[method-assign]
    JournalFile.append = (  # type: ignore[method-assign]
        lambda self, *words: lines.append((self, *words))
    )


class _Open:
    """An engine whose transaction is open already."""

    def __init__(self, engine: Any) -> None:
        self.uses = 0
        self._engine = engine
        self._begun = engine.begin()
        self._conn = self._begun.__enter__()

    @contextmanager
    def begin(self) -> Iterator[Any]:
        yield self._conn

    def commit(self) -> Any:
        """End it; the engine itself."""
        self._begun.__exit__(None, None, None)
        return self._engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def server_forgets_grants_when_it_starts() -> None:
    """What lies on devices is free again after every restart: granted twice."""
    from sqlalchemy import text

    from sync_server.service import Service

    whole = Service.catch_up

    def forgetful(self: Service) -> int:
        found = whole(self)
        with self.engine.begin() as conn:
            conn.execute(text("UPDATE account SET granted_nusd = returned_nusd + used_nusd"))
            conn.execute(
                text(
                    "UPDATE pool SET outstanding_nusd = 0,"
                    " committed_nusd = committed_nusd - outstanding_nusd"
                )
            )
        return found

    Service.catch_up = forgetful  # type: ignore[method-assign]


def copies_keep_their_rights() -> None:
    """A ledger does not notice that it was copied or put back."""
    from agentspend.sync import anchor, mark

    anchor.identity = lambda _path: "here"
    mark.MarkFile.read = lambda _self: None  # type: ignore[method-assign]


def settlements_are_not_reported() -> None:
    """Every tenth charge is not told to the team."""
    from agentspend.bookkeeper.team import Team

    whole, count = Team.settled, [0]

    def sometimes(self: Team, *words: Any) -> None:
        count[0] += 1
        if count[0] % 10:
            whole(self, *words)

    Team.settled = sometimes  # type: ignore[method-assign]


def a_crash_charges_nothing() -> None:
    """Holds that a crash left open are released instead of charged in full."""
    from agentspend.bookkeeper import opening

    whole = opening.recover

    def cheap(books: Any, *words: Any, **more: Any) -> Any:
        books.conn.execute("UPDATE hold SET amount_nusd = 0")
        return whole(books, *words, **more)

    opening.recover = cheap


PLANTS: dict[str, Callable[[], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        server_grants_past_the_cap,
        server_answers_before_it_commits,
        server_forgets_grants_when_it_starts,
        copies_keep_their_rights,
        settlements_are_not_reported,
        a_crash_charges_nothing,
    )
}


def main() -> None:
    """Plant, then be the program."""
    _, name, module, *words = sys.argv
    PLANTS[name]()
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
