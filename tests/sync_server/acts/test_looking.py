"""Reports say who spent what, to whom they may; `verify` finds what was changed."""

from sqlalchemy import update

from agentspend.wire.entries import Entry, encode, entry_hash
from sync_server.store import tables
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


async def test_verify_finds_what_was_changed(house: House) -> None:
    """An entry, and a sum."""
    anna, _ = await spent(house)
    await house.ask("cap.set", level="org", window="month", cap_nusd=DOLLAR)
    assert (await house.ask("verify"))["entries"] == 5
    entries, pools = tables.entries, tables.pools
    with house.hall.service.engine.begin() as conn:
        where = (entries.c.inc == anna.chain.inc) & (entries.c.seq == 2)
        body = anna.chain.bodies[1].replace("300000000", "100000000")
        conn.execute(update(entries).where(where).values(body=body))
        conn.execute(update(pools).values(committed_nusd=5))
    faults = (await house.ask("verify"))["faults"]
    assert any(anna.chain.inc in fault for fault in faults)
    assert any("org.month" in fault for fault in faults)
