"""A device's share of the server's disk: never more over any time, and nothing of it lost."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from agentspend.core.allowance.messages import Want
from sync_server.quotas import DAY_US, SAVED_DAYS, TooMuch, is_nearly_full, taken
from sync_server.store.tables import entries, evidence, receipts
from tests.sync_server.house import DOLLAR, Device, House
from tests.sync_server.made import Chain

POOL = "org.month"
A_DAY = 10
REPORTS = st.lists(st.tuples(st.integers(0, 3 * DAY_US), st.integers(0, 2_000)), max_size=60)


@given(REPORTS, st.integers(1, 500))
def test_no_time_brings_more_than_its_days_and_a_week(
    reports: list[tuple[int, int]], per_day: int
) -> None:
    """Counted from any report to any later one; one that is refused changes nothing."""
    now_us, full_us, kept = 0, 0, [(0, 0)]
    for gap_us, size in reports:
        now_us += gap_us
        try:
            full_us = taken(full_us, size, now_us, per_day)
        except TooMuch:
            continue
        kept.append((now_us, size))
    for first, (from_us, _) in enumerate(kept):
        for last in range(first, len(kept)):
            most = per_day * (kept[last][0] - from_us + SAVED_DAYS * DAY_US)
            rounding = per_day * len(kept)
            assert sum(size for _, size in kept[first : last + 1]) * DAY_US <= most + rounding


@given(st.integers(0, 40 * DAY_US), st.integers(1, 3_500), st.integers(500, 50_000))
def test_what_is_refused_is_taken_when_it_says(used_us: int, size: int, per_day: int) -> None:
    """Unless it is more than a week's at once, which no report of ours can be."""
    now_us = 50 * DAY_US
    try:
        assert taken(used_us, size, now_us, per_day) >= now_us
    except TooMuch as error:
        later_us = now_us + error.wait_s * 1_000_000
        assert taken(used_us, size, later_us, per_day) > later_us


def test_a_clock_that_ran_ahead_locks_nobody_out() -> None:
    """The server began with the year wrong, devices reported, and then its clock was set right."""
    now_us = 50 * DAY_US
    ahead_us = taken(0, A_DAY, now_us + 300 * DAY_US, A_DAY)
    assert taken(ahead_us, A_DAY, now_us, A_DAY) == now_us + DAY_US
    assert not is_nearly_full(ahead_us, now_us)


@given(st.integers(0, 10**16), st.integers(0, 10**9))
def test_nothing_is_refused_where_there_is_no_bound(full_us: int, size: int) -> None:
    """And nothing counted."""
    assert taken(full_us, size, 0, 0) == full_us


async def share(house: House, per_day: int = A_DAY) -> tuple[Device, Device]:
    """A flooder and another, a cap, and little room."""
    object.__setattr__(house.hall.service, "entries_per_day", per_day)
    await house.ask("cap.set", level="org", window="month", cap_nusd=100 * DOLLAR)
    return await house.joined("eve"), await house.joined("anna")


def stored(house: House, table: object) -> int:
    """How many rows a table has."""
    with house.hall.service.engine.begin() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


async def report(house: House, device: Device, *wants: Want) -> int:
    """Everything the device has, and what came of it."""
    status, _ = await house.post("/v1/sync", device.posted(device.report(*wants)))
    return status


async def test_a_flood_of_entries_ends_and_the_leads_are_told_once(house: House) -> None:
    """A clear answer, no grant; nobody else is kept waiting, and nothing of it is lost."""
    eve, anna = await share(house)
    statuses = []
    for _ in range(12):
        house.now[0] += 60_000_000
        for _ in range(10):
            eve.chain.add("settle", (), DOLLAR // 100, counted="billed", team="backend")
        statuses.append(await report(house, eve, Want(POOL, need_nusd=DOLLAR)))
    taken_first = statuses.index(429)
    assert 1 < taken_first < 7
    assert set(statuses[taken_first:]) == {429}
    assert stored(house, entries) < A_DAY * SAVED_DAYS
    posted = eve.posted(eve.report())
    said = (await house.post("/v1/sync", posted))[1]["error"]
    assert "10 entries a day" in said["message"]
    assert "entries_per_day" in said["hint"]
    assert (await anna.sync(Want(POOL, need_nusd=DOLLAR))).accounts[0].granted_nusd >= DOLLAR
    acts = (await house.ask("audit", limit=100))["acts"]
    told = [act for act in acts if act["what"] == "intake.full"]
    assert [act["device"] for act in told] == [eve.certificate.device]
    for length in range(taken_first * 10, len(eve.chain.bodies), A_DAY // 2):
        house.now[0] += DAY_US
        await part(house, eve, length)
    house.now[0] += DAY_US
    answer = await eve.sync(Want(POOL, need_nusd=DOLLAR))
    assert answer.acked == eve.chain.end
    assert (await house.ask("verify"))["ok"]


async def part(house: House, device: Device, length: int) -> None:
    """A report that ends so far on."""
    bodies = tuple(device.chain.bodies[:length])
    posted = device.posted(device.report(entries=bodies))
    assert (await house.post("/v1/sync", posted))[0] == 200


@pytest.mark.parametrize(("length", "status"), [(5_000, 429), (0, 200)])
async def test_long_entries_count_as_several(house: House, length: int, status: int) -> None:
    """A megabyte in one is no way round."""
    eve, _ = await share(house)
    for _ in range(20):
        eve.chain.add("note", text="x" * length)
    assert await report(house, eve) == status


async def test_grants_that_are_asked_for_without_end_count_too(house: House) -> None:
    """Each is a line of the journal and a receipt."""
    eve, _ = await share(house)
    statuses = [await report(house, eve, Want(POOL, need_nusd=11 * DOLLAR + n)) for n in range(50)]
    assert (statuses[0], statuses[-1]) == (200, 429)
    assert stored(house, receipts) < A_DAY * SAVED_DAYS


async def test_a_ledger_that_contradicts_itself_fills_nothing_either(house: House) -> None:
    """Every other branch is evidence, and is kept whole."""
    eve, _ = await share(house)
    eve.chain.add("settle", (), 1, counted="billed")
    await eve.sync()
    statuses = []
    for number in range(2, 52):
        eve.chain = Chain(eve.chain.inc)
        eve.chain.add("settle", (), number, counted="billed")
        statuses.append(await report(house, eve))
    assert (statuses[0], statuses[-1]) == (200, 429)
    assert stored(house, evidence) < A_DAY * SAVED_DAYS


async def test_the_sign_ends_with_the_flood(house: House) -> None:
    """It is there before anything is refused."""
    eve, _ = await share(house)
    eve.chain.ts_us = house.now[0]
    for _ in range(A_DAY * SAVED_DAYS - 5):
        eve.chain.add("settle", (), 1, counted="billed")
    await eve.sync()

    async def is_shown() -> bool:
        found = (await house.ask("device.report"))["devices"]
        return any("floods" in each["signs"] for each in found)

    assert await is_shown()
    house.now[0] += DAY_US
    assert not await is_shown()
    assert not is_nearly_full(0, 0)


async def test_the_same_report_again_costs_nothing(house: House) -> None:
    """A lost answer is asked for again; what is there already fills nothing."""
    eve, _ = await share(house)
    for _ in range(40):
        eve.chain.add("settle", (), 1, counted="billed")
    statuses = await asyncio.gather(*(report(house, eve) for _ in range(20)))
    assert set(statuses) == {200}
