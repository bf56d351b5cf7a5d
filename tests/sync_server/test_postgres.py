"""Two servers over one PostgreSQL: they take turns, push for each other, and pass no cap."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Row, select, text

from agentspend.core.allowance.messages import Status, Want
from agentspend.core.errors import AgentspendError
from sync_server.acts.act import Done
from sync_server.folder import Folder
from sync_server.open_folder import opened
from sync_server.store.opening import MIGRATING, open_engine
from sync_server.store.tables import metadata, orgs
from tests.sync_server.acts import test_members
from tests.sync_server.acts.test_looking import check_a_zero_character
from tests.sync_server.house import DOLLAR, House, house_in, said, served
from tests.sync_server.postgres import postgres


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """One PostgreSQL for all tests here."""
    with postgres() as address:
        yield address


@pytest.fixture
async def pair(cluster: str, tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """Two servers with the same keys and the same database, which is empty before each test."""
    import psycopg

    with psycopg.connect(cluster, autocommit=True) as conn:
        conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    async with house_in(tmp_path, cluster) as one:
        copy = tmp_path / "second"
        shutil.copytree(one.folder.path, copy, ignore=shutil.ignore_patterns("*.sock"))
        async with served(Folder(copy), one.token, one.now) as two:
            yield one, two


async def test_what_one_decides_the_other_knows_and_pushes(pair: tuple[House, House]) -> None:
    """A device that listens at one server hears of what a lead did at the other."""
    one, two = pair
    device = await two.joined()
    async with device.listening() as line:
        neighbours = two.hall.tell_others
        assert neighbours is not None
        for _ in range(100):
            if neighbours.__self__.listening.is_set():  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.05)
        await one.ask("cap.set", level="org", window="month", cap_nusd=9 * DOLLAR)
        assert await said(line) == "sync"
    answer = await device.sync(Want("org.month", need_nusd=DOLLAR))
    assert answer.accounts[0].granted_nusd >= DOLLAR


async def test_together_they_grant_no_more_than_the_cap(pair: tuple[House, House]) -> None:
    """However many ask at once, at either."""
    await pair[0].ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    devices = [await pair[number % 2].joined(f"m{number}") for number in range(8)]
    want = Want("org.month", need_nusd=3 * DOLLAR)
    answers = await asyncio.gather(*(device.sync(want) for device in devices))
    granted = [sum(told.granted_nusd for told in answer.accounts) for answer in answers]
    assert 0 < sum(granted) <= 10 * DOLLAR
    for house in pair:
        assert (await house.ask("verify"))["ok"]
        cap = (await house.ask("cap.list"))["caps"][0]
        assert cap["out_nusd"] == sum(granted)


async def test_everything_a_lead_does_works_there_too(pair: tuple[House, House]) -> None:
    """Members, raises, freezes, lost devices, reports."""
    one, two = pair
    await one.ask("cap.set", level="org", window="day", cap_nusd=5 * DOLLAR)
    device = await one.joined()
    asked = (await device.request(2 * DOLLAR))[1]
    assert (await two.ask("request.approve", request=asked["id"]))["cap_nusd"] == 7 * DOLLAR
    answer = await device.sync(Want("org.day", need_nusd=DOLLAR))
    place = (answer.accounts[0].pool, answer.accounts[0].window)
    device.chain.add("settle", [(*place, DOLLAR)], DOLLAR)
    await device.sync()
    report = await two.ask("report", by="day")
    assert [line["billed_nusd"] for line in report["lines"]] == [DOLLAR]
    await two.ask("policy.set", team="backend", rules={"visibility": "named"})
    for role in ("member", "lead"):
        await one.ask("member.set_role", member="anna", role=role)
        [pool] = (await device.look()).pools
        assert [(each.member, each.spent_nusd) for each in pool.members] == [("anna", DOLLAR)]
    await two.ask("freeze", team="backend")
    await device.sync()
    assert device.policy["frozen"] is True
    await two.ask("device.lost", device=device.certificate.device)
    assert (await device.sync()).status is Status.LOST
    assert (await one.ask("device.list"))["devices"][0]["out_nusd"] == 0
    assert (await one.ask("verify"))["ok"]


async def test_who_only_looks_sees_one_moment(pair: tuple[House, House]) -> None:
    """However many statements it takes and whatever is decided meanwhile: `verify` compares what
    it read first with what it read last."""
    one, two = pair
    asked = select(orgs.c.policy)

    def plan(conn: Connection, _: Row[Any]) -> Done:
        before = conn.execute(asked).scalar_one()
        two.hall.service.act(lambda *_: Done({}, policy=True), two.now[0])
        return Done({"changed": conn.execute(asked).scalar_one() - before})

    assert one.hall.service.look(plan).answer == {"changed": 0}
    assert one.hall.service.look(plan).answer == {"changed": 0}
    with one.hall.service.engine.begin() as conn:
        assert conn.execute(asked).scalar_one() == 2


async def test_what_is_answered_is_on_disk_whatever_the_database_is_set_to(cluster: str) -> None:
    """A grant that a power cut takes back would be given once more."""
    lazy = f"{cluster}&options=-csynchronous_commit%3Doff".replace("sql://", "sql+psycopg://")
    engine = open_engine(lazy)
    with engine.begin() as conn:
        assert conn.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    engine.dispose()


STARTS = """
import sys
from sync_server.store import opening
opening.migrate(opening.open_engine(sys.argv[1]))
"""


def test_two_servers_that_start_at_once_bring_the_schema_up_together(cluster: str) -> None:
    """After an update both find an old one; one of them changes it, the other finds it changed."""
    url = cluster.replace("sql://", "sql+psycopg://")
    engine = open_engine(url)
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA public CASCADE"))
        conn.execute(text("CREATE SCHEMA public"))
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
        words = [sys.executable, "-c", STARTS, url]
        starting = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(3)]
        asked = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while conn.execute(asked).scalar_one() < len(starting):
            assert all(each.poll() is None for each in starting)
    for each in starting:
        assert each.wait(60) == 0, each.communicate()[1].decode()
    engine.dispose()


async def test_a_notice_of_many_teams_arrives(pair: tuple[House, House]) -> None:
    """PostgreSQL carries eight thousand bytes; more teams than fit there are everybody."""
    one, two = pair
    device = await two.joined()
    async with device.listening() as line:
        neighbours = two.hall.tell_others
        assert neighbours is not None
        for _ in range(100):
            if neighbours.__self__.listening.is_set():  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.05)
        await one.hall.tell(frozenset(f"a team of a long name {number}" for number in range(999)))
        assert await said(line) == "sync"


STORIES: tuple[Callable[[House], Awaitable[None]], ...] = (
    test_members.test_a_member_of_two_teams_has_rights_in_both,
    test_members.test_a_team_that_a_member_leaves_asks_its_rights_back,
    test_members.test_a_cap_that_comes_counts_what_its_own_team_spent,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_members_of_several_teams_are_the_same_there(
    pair: tuple[House, House], story: Callable[[House], Awaitable[None]]
) -> None:
    """Rights, charges, reports, and who has left."""
    await story(pair[0])


async def test_what_postgresql_cannot_keep_is_a_400(pair: tuple[House, House]) -> None:
    """A zero character in a name, which SQLite would take."""
    status, _ = await pair[0].try_to("member.revoke", member="a\0b")
    assert status == 400


async def test_a_zero_character_in_an_entry_stops_no_report(pair: tuple[House, House]) -> None:
    """An agent may have named a model so: the entry stays as it was signed, its sums are kept."""
    await check_a_zero_character(pair[0])


async def test_the_schema_is_the_same(pair: tuple[House, House]) -> None:
    """Migrations make the tables the code means; a second organisation is not made over it."""
    engine = pair[0].hall.service.engine
    with engine.begin() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        assert conn.execute(text("SELECT count(*) FROM org")).scalar_one() == 1
    with pytest.raises(AgentspendError, match="already"), opened(pair[0].folder, "UTC"):
        pass
