"""Who spends in a pool: what is counted is what the accounts say, for a while and for everybody."""

from collections.abc import Sequence

from sqlalchemy import insert, update

from sync_server.allowance.journal import Began, Filed
from sync_server.burning import HOUR_US, LASTS_US, Counts, Lately, Line, lately, of_member
from sync_server.store.tables import accounts, devices, spending
from tests.sync_server.office import ACT, MEMBER, NOON_US, Office

JANUARY = 2026 * 12
MANY = 1_000


def spends(office: Office, used_nusd: Sequence[int], team: str = "t_1") -> None:
    """Members of a team, each with two ledgers, who spent so much in January and a dollar before;
    twice that was granted, and the older ledger was written off."""
    lines: list[Filed | Began] = [Filed("team", {"id": team, "org": "o_1", "name": team})]
    rows = []
    for number, nusd in enumerate(used_nusd):
        name = f"{team}.m{number}"
        device = {
            "id": f"d_{name}", "org": "o_1", "member": name, "label": "x", "active": True,
            "public_key": name.encode().hex(), "enrolled_us": 1, "seen_us": 0,
        }  # fmt: skip
        lines += [Filed("member", {**MEMBER, "id": name, "team": team}), Filed("device", device)]
        for ledger, window in (("a", JANUARY), ("b", JANUARY), ("b", JANUARY - 1)):
            rows.append({
                "inc": f"{ledger}.{name}", "pool": "org", "running": window, "returned_nusd": 0,
                "granted_nusd": 2 * nusd, "used_nusd": nusd, "closed": False,
                "written_off": ledger == "a",
            })  # fmt: skip
        lines += [Began(f"{each}.{name}", f"d_{name}", f"n_{each}.{name}") for each in "ab"]
    office.service.decide(lines, ACT, NOON_US)
    with office.service.engine.begin() as conn:
        conn.execute(insert(accounts), rows)


def counted(office: Office, counts: Counts, now_us: int, enrolled: int = 2) -> tuple[int, int]:
    """How many spend in the pool, and how much together."""
    with office.service.engine.begin() as conn:
        found = counts.first(conn, ["org"], now_us, enrolled)["org"]
    return found.count, found.all_nusd


def test_those_who_spent_most_come_first(office: Office) -> None:
    """What was written off counts as spent, another window does not count; all are in the sum."""
    spends(office, range(1, 16))
    with office.service.engine.begin() as conn:
        found = Counts().first(conn, ["org", "none"], NOON_US, 2)
        own = of_member(conn, ["org", "none"], "t_1.m3")
    assert found["org"].lines == tuple(
        Line(16 - nusd, f"t_1.m{nusd - 1}", 3 * nusd, nusd) for nusd in range(15, 5, -1)
    )
    assert (found["org"].count, found["org"].all_nusd) == (15, 3 * sum(range(1, 16)))
    assert (found["none"].lines, found["none"].count) == ((), 0)
    assert own == {"org": Line(0, "t_1.m3", 12, 4)}


def test_a_teams_members_keep_their_place_among_all(office: Office) -> None:
    """The first of them, wherever they stand."""
    spends(office, [100] * 12)
    spends(office, [1, 2, 300], team="t_2")
    with office.service.engine.begin() as conn:
        found = Counts().of_teams(conn, ["org"], ["t_2"], NOON_US, 2)["org"]
    assert [(line.rank, line.member) for line in found.lines] == [
        (1, "t_2.m2"), (14, "t_2.m1"), (15, "t_2.m0"),
    ]  # fmt: skip


def test_of_many_devices_one_count_serves_for_a_while(office: Office) -> None:
    """Of few, each look counts anew; a clock that went back counts anew, too."""
    spends(office, [5])
    counts = Counts()
    lasts_us = MANY * LASTS_US
    assert counted(office, counts, NOON_US, MANY) == (1, 15)
    spends(office, [7], team="t_2")
    assert counted(office, counts, NOON_US + lasts_us - 1, MANY) == (1, 15)
    assert counted(office, counts, NOON_US + lasts_us - 1) == (2, 36)
    spends(office, [9], team="t_3")
    assert counted(office, counts, NOON_US - 1, MANY) == (3, 63)
    assert counted(office, counts, NOON_US + lasts_us, MANY) == (3, 63)


def test_how_busy_somebody_is(office: Office) -> None:
    """By the hour: this one, the one before, and one ahead; subscriptions are no dollars."""
    spends(office, [5, 6])
    hour = NOON_US // HOUR_US
    words = dict.fromkeys(("project", "branch", "agent", "provider", "model"), "")
    rows = [
        {"hour": hour + ahead, "inc": f"{ledger}.t_1.m0", "words_sha256": f"{ahead}{counted}",
         "counted": counted, **words, "amount_nusd": nusd, "requests": 1, "first_seq": 1,
         "last_seq": 1}
        for ahead, ledger, counted, nusd in (
            (-2, "a", "billed", 1), (-1, "a", "billed", 10), (0, "b", "billed", 100),
            (0, "b", "subscription", 1_000), (1, "a", "billed", 10_000), (2, "a", "billed", 5),
        )
    ]  # fmt: skip
    with office.service.engine.begin() as conn:
        conn.execute(insert(spending), rows)
        conn.execute(update(devices).where(devices.c.id == "d_t_1.m1").values(seen_us=9))
        found = lately(conn, ["t_1.m0", "t_1.m1", "nobody"], NOON_US)
    assert found == {"t_1.m0": Lately(10_110, 0), "t_1.m1": Lately(0, 9)}
