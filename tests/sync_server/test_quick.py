"""Statements handed to the driver find and write what SQLAlchemy's own way does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import NoResultFound

from sync_server.store import opening, people
from sync_server.store.quick import Quick
from sync_server.store.tables import orgs, teams

TEAM = select(teams).where(teams.c.id == bindparam("team"))


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    """A database with an organisation and two teams, one of them frozen."""
    engine = opening.open_engine(f"sqlite:///{tmp_path}/server.db")
    opening.migrate(engine)
    with engine.begin() as found:
        people.add_org(found, "o_1", "Acme", "UTC")
        rows = [
            {"id": name, "org": "o_1", "name": name, "rules": "{}", "frozen": name == "t_2"}
            for name in ("t_1", "t_2")
        ]
        Quick(insert(teams)).run_each(found, rows)
        yield found
    engine.dispose()


@pytest.mark.parametrize("team", ["t_1", "t_2"])
def test_a_row_is_sqlalchemys_own(conn: Connection, team: str) -> None:
    """The same values of the same types, booleans among them, under the same names."""
    own = conn.execute(TEAM, {"team": team}).one()

    found = Quick(TEAM).one(conn, {"team": team})

    assert tuple(found) == tuple(own)
    assert [type(value) for value in found] == [type(value) for value in own]
    assert (found.id, found.frozen) == (own.id, own.frozen)


def test_what_is_not_there(conn: Connection) -> None:
    """None where one may lack, an error where one must be."""
    assert Quick(TEAM).row(conn, {"team": "t_3"}) is None
    with pytest.raises(NoResultFound):
        Quick(TEAM).one(conn, {"team": "t_3"})


def test_writing_says_how_many_rows_it_met(conn: Connection) -> None:
    """An insert follows where it was none; it is part of the transaction."""
    change = Quick(
        update(orgs).where(orgs.c.id == bindparam("b_id")).values(name=bindparam("name"))
    )

    inside = conn.begin_nested()
    met = [change.run(conn, {"b_id": name, "name": "Beta"}) for name in ("o_1", "o_2")]

    assert met == [1, 0]
    assert conn.execute(select(orgs.c.name)).scalar_one() == "Beta"
    inside.rollback()
    assert conn.execute(select(orgs.c.name)).scalar_one() == "Acme"
