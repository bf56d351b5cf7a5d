"""Reports say who spent what, to whom they may; `verify` finds what was changed."""

from typing import Any

import pytest
from sqlalchemy import delete, select, update

from agentspend.wire.entries import Entry, encode, entry_hash
from sync_server.acts import checking
from sync_server.store import tables
from sync_server.store.spending import HOUR_US
from tests.sync_server.house import CENT, DOLLAR, Device, House

DAY_US = 86_400_000_000


def charged(device: Device, amount: int, ts_us: int, **words: str) -> None:
    """A charge with words of its own."""
    chain = device.chain
    body = encode(Entry(chain.inc, len(chain.bodies) + 1, chain.hashes[-1], "settle", ts_us,
                        amount_nusd=amount, **words))  # type: ignore[arg-type]  # fmt: skip
    chain.bodies.append(body.decode())
    chain.hashes.append(entry_hash(body))


async def spent(house: House) -> tuple[Device, Device]:
    """Two devices of two teams that have spent."""
    anna, ben = await house.joined("anna", "backend"), await house.joined("ben", "data")
    charged(anna, 30 * CENT, DAY_US, project="acme/api", model="opus", counted="billed")
    charged(anna, 20 * CENT, 2 * DAY_US, project="acme/web", model="opus", counted="billed")
    charged(ben, 70 * CENT, 2 * DAY_US, project="acme/api", model="haiku",
            counted="subscription", member="somebody-else")  # fmt: skip
    await anna.sync()
    await ben.sync()
    return anna, ben


async def lines(house: House, token: str = "", **fields: object) -> dict[str, int]:
    """A report as {name: billed + subscription}."""
    found = await house.ask("report", token or None, **fields)
    return {
        line[found["by"]]: line["billed_nusd"] + line["subscription_nusd"]
        for line in found["lines"]
    }


async def check_a_zero_character(house: House) -> None:
    """A model named with U+0000: the entry stays as signed, reports and sums show U+FFFD."""
    anna = await house.joined()
    for ts_us, model in ((DAY_US, "opus@\0"), (DAY_US + 2, "opus@\0"), (DAY_US + 2, "opus@\ufffd")):
        charged(anna, 10 * CENT, ts_us, model=model, counted="billed")
    await anna.sync()
    assert await lines(house, by="model") == {"opus@\ufffd": 30 * CENT}
    assert await lines(house, by="model", since_us=DAY_US + 1) == {"opus@\ufffd": 20 * CENT}
    assert (await house.ask("verify"))["faults"] == []
    found = await house.ask("entries", inc=anna.chain.inc)
    assert found["entries"] == anna.chain.bodies
    with house.hall.service.engine.begin() as conn:
        [row] = conn.execute(select(tables.spending)).all()
    assert (row.requests, row.last_seq) == (3, len(anna.chain.bodies))


async def test_a_zero_character_in_an_entry(house: House) -> None:
    """In SQLite as in PostgreSQL, which keeps none in a text (`test_postgres`)."""
    await check_a_zero_character(house)


async def test_reports_by_everything(house: House) -> None:
    """Real dollars and subscription use apart; whose it is, is the server's word."""
    await spent(house)
    assert await lines(house, by="team") == {"backend": 50 * CENT, "data": 70 * CENT}
    assert await lines(house, by="member") == {"anna": 50 * CENT, "ben": 70 * CENT}
    assert await lines(house, by="project") == {"acme/api": DOLLAR, "acme/web": 20 * CENT}
    assert await lines(house, by="day") == {"1970-01-02": 30 * CENT, "1970-01-03": 90 * CENT}
    assert await lines(house, by="model", since_us=2 * DAY_US, team="backend") == {
        "opus": 20 * CENT
    }
    assert await lines(house, by="model", until_us=2 * DAY_US) == {"opus": 30 * CENT}
    found = await house.ask("report", by="team")
    assert [line["subscription_nusd"] for line in found["lines"]] == [0, 70 * CENT]


async def test_each_sees_what_they_may(house: House) -> None:
    """A viewer sums, a member their own, a lead everything."""
    await spent(house)
    viewer = (await house.ask("token.create", name="viewer"))["token"]
    assert (await house.try_to("report", viewer, by="member"))[0] == 403
    assert await lines(house, viewer, by="team") == {"backend": 50 * CENT, "data": 70 * CENT}
    own = (await house.ask("token.create", name="annas", member="anna"))["token"]
    assert await lines(house, own, by="member") == {"anna": 50 * CENT}


async def test_entries_come_as_they_were_signed(house: House) -> None:
    """Page by page."""
    anna, _ = await spent(house)
    page = await house.ask("entries", inc=anna.chain.inc, limit=2)
    rest = await house.ask("entries", inc=anna.chain.inc, after_seq=2)
    assert page["entries"] + rest["entries"] == anna.chain.bodies
    ends = {each["inc"]: each["seq"] for each in (await house.ask("ledgers"))["ledgers"]}
    assert ends[anna.chain.inc] == 3


@pytest.mark.parametrize(
    ("since_us", "until_us"),
    [(0, 0), (5, 0), (0, HOUR_US + 9), (7, 2 * HOUR_US), (3, 8), (HOUR_US + 1, HOUR_US + 3),
     (HOUR_US - 2, HOUR_US + 2), (2 * HOUR_US, HOUR_US)],
)  # fmt: skip
async def test_a_report_begins_and_ends_to_the_microsecond(
    house: House, since_us: int, until_us: int
) -> None:
    """Also within an hour, of which only the sum is kept."""
    anna = await house.joined()
    moments = [0, 2, 5, 7, HOUR_US - 1, HOUR_US, HOUR_US + 2, 2 * HOUR_US - 1, 2 * HOUR_US]
    for moment in moments:
        charged(anna, moment % 100 + 1, moment, model="opus", counted="billed")
    await anna.sync()
    asked = [at for at in moments if since_us <= at < (until_us or 3 * HOUR_US)]
    expected = {"opus": sum(at % 100 + 1 for at in asked)} if asked else {}
    for by in ("model", "team", "day"):
        found = await lines(house, by=by, since_us=since_us, until_us=until_us)
        assert sum(found.values()) == sum(expected.values())
    assert await lines(house, by="model", since_us=since_us, until_us=until_us) == expected


async def test_verify_finds_what_was_changed(house: House) -> None:
    """An entry, a sum, the sums for reports, a report that its device did not sign."""
    anna, ben = await spent(house)
    cara, dan = await house.joined("cara", "data"), await house.joined("dan", "data")
    await cara.sync()
    await dan.sync()
    await house.ask("cap.set", level="org", window="month", cap_nusd=DOLLAR)
    found = await house.ask("verify")
    assert (found["faults"], found["entries"]) == ([], 7)
    entries, pools, uploads = tables.entries, tables.pools, tables.uploads
    with house.hall.service.engine.begin() as conn:
        where = (entries.c.inc == anna.chain.inc) & (entries.c.seq == 2)
        body = anna.chain.bodies[1].replace("300000000", "100000000")
        conn.execute(update(entries).where(where).values(body=body))
        conn.execute(update(pools).values(committed_nusd=5))
        of_ben = tables.spending.c.inc == ben.chain.inc
        conn.execute(update(tables.spending).where(of_ben).values(amount_nusd=5))
        of_cara = uploads.c.inc == cara.chain.inc
        conn.execute(update(uploads).where(of_cara).values(signature=bytes(64)))
        conn.execute(delete(uploads).where(uploads.c.inc == dan.chain.inc))
    faults = (await house.ask("verify"))["faults"]
    assert len(faults) == 5
    assert f"ledger {anna.chain.inc}, entry 2: it was changed" in " ".join(faults)
    assert any(ben.chain.inc in fault and "reports" in fault for fault in faults)
    assert any(cara.chain.inc in fault and "not signed" in fault for fault in faults)
    assert any(dan.chain.inc in fault and "not signed" in fault for fault in faults)
    assert any("org.month" in fault for fault in faults)


async def test_ledgers_are_verified_part_by_part(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As whole ones: the same faults, at the same entries; others are served between parts."""
    monkeypatch.setattr(checking, "PART", 1)
    monkeypatch.setattr(checking, "PAGE", 1)
    anna = await house.joined()
    for nusd in range(1, 6):
        anna.chain.settle(nusd)
    await anna.sync()
    inc = anna.chain.inc
    part: dict[str, object] = {"inc": inc}
    seen: list[dict[str, Any]] = []
    while not seen or not seen[-1]["ends"]:
        seen.append(await house.ask("verify.ledger", **part))
        part = seen[-1]["part"]
    assert [each["part"]["after_seq"] for each in seen] == [1, 2, 3, 4, 5, 6, 6]
    assert (part["counted"], part["amount_nusd"], seen[-1]["fault"]) == (5, 15, "")
    assert (await house.ask("verify", checked=[part]))["ok"]
    wrong = {**part, "amount_nusd": 14}
    assert "reports" in (await house.ask("verify", checked=[wrong]))["faults"][0]
    anna.chain.settle(6)
    await anna.sync()
    assert (await house.ask("verify", checked=[wrong]))["ok"]  # it has grown since


@pytest.mark.parametrize(
    ("seq", "old", "new", "said"),
    [
        (
            3,
            '"amount_nusd":2',
            '"amount_nusd":7',
            "entry 3: it was changed, for entry 4 names another hash of it",
        ),
        (4, '"prev":"', '"prev":"0', "entry 4: does not link"),
        (6, '"amount_nusd":5', '"amount_nusd":6', "entry 6: it was changed after it was reported"),
        (4, '"seq":4', '"seq":5', "entry 4: numbered 5, expected 4"),
    ],
)
async def test_the_entry_that_was_changed_is_named(
    house: House, seq: int, old: str, new: str, said: str
) -> None:
    """Not the one after it, whose link it breaks."""
    anna = await house.joined()
    for nusd in range(1, 6):
        anna.chain.settle(nusd)
    await anna.sync()
    changed = anna.chain.bodies[seq - 1].replace(old, new)
    assert changed != anna.chain.bodies[seq - 1]
    entries = tables.entries
    with house.hall.service.engine.begin() as conn:
        where = (entries.c.inc == anna.chain.inc) & (entries.c.seq == seq)
        conn.execute(update(entries).where(where).values(body=changed))
    (fault,) = (await house.ask("verify"))["faults"]
    assert said in fault
