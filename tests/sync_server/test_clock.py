"""A server whose clock jumps: no window ends by it, until it is right or a lead has said so."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from agentspend.core.allowance.messages import Want
from sync_server import clock
from sync_server.app import keep_time
from sync_server.doors.pace import Pace
from sync_server.store import cases
from tests.sync_server.house import CENT, DOLLAR, House, house_in

DAY_US = 86_400_000_000
YEAR_US = 365 * DAY_US
POOL = "org.day"
MOMENTS = st.integers(0, 2**52)


@given(MOMENTS, MOMENTS)
def test_a_moment_that_is_trusted_is_never_far_ahead(known_us: int, now_us: int) -> None:
    """Nor one that the clock does not say or that was not known; the first is believed."""
    at_us = clock.trusted_us(known_us, now_us)
    assert at_us in (known_us, now_us)
    assert at_us >= known_us
    assert at_us <= (known_us + clock.MOST_AWAY_US if known_us else now_us)
    assert not (clock.is_due(known_us, now_us) and clock.in_doubt(known_us, now_us))


def test_a_week_of_holidays_is_no_doubt() -> None:
    """A moment more is; a clock that was set back is none, and is not noted."""
    at_us = 1_795_000_000_000_000
    assert not clock.in_doubt(at_us, at_us + 7 * DAY_US)
    assert clock.in_doubt(at_us, at_us + 7 * DAY_US + 1)
    assert not clock.in_doubt(at_us, at_us - YEAR_US)
    assert not clock.is_due(at_us, at_us - YEAR_US)
    assert [clock.is_due(at_us, at_us + s * 1_000_000) for s in (59, 60)] == [False, True]


async def cap(house: House) -> dict[str, Any]:
    """The cap of the day."""
    [found] = (await house.ask("cap.list"))["caps"]
    return dict(found)


async def today(house: House) -> str:
    """The date by the server's clock; its zone is Berlin."""
    at = datetime.fromtimestamp(house.now[0] / 1e6, UTC)
    zone = (await house.ask("org.show"))["zone"]
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


async def test_a_cap_that_is_set_by_a_clock_behind_counts_this_window(tmp_path: Path) -> None:
    """A machine that begins at 1970 until it hears the time: the cap was whole after that."""
    async with house_in(tmp_path) as house:
        anna = await house.joined()
        anna.chain.ts_us = house.now[0]
        anna.chain.add("settle", (), DOLLAR, counted="billed")
        await anna.sync()
        house.hall.service.keep_time(house.now[0])
        right_us = house.now[0]
        house.hall.pace = Pace(time.monotonic)
        house.now[0] = YEAR_US
        await house.ask("cap.set", level="org", window="month", cap_nusd=9 * DOLLAR)
        assert (await cap(house))["spent_nusd"] == DOLLAR
        house.now[0] = right_us
        await anna.sync()
        found = await cap(house)
        assert (found["spent_nusd"], found["free_nusd"]) == (DOLLAR, 8 * DOLLAR)


async def test_a_clock_that_jumps_gives_no_cap_again(tmp_path: Path) -> None:
    """What is spent stays spent; right again, the day goes on, and the next one begins as ever."""
    async with house_in(tmp_path) as house:
        await house.ask("cap.set", level="org", window="day", cap_nusd=DOLLAR)
        anna = await house.joined()
        answer = await anna.sync(Want(POOL, need_nusd=DOLLAR))
        window = answer.accounts[0].window
        anna.chain.ts_us = house.now[0]
        anna.chain.add("settle", [(POOL, window, DOLLAR)], DOLLAR)
        await anna.sync()
        right_us, before = house.now[0], await cap(house)

        house.now[0] += YEAR_US
        told = (await anna.sync(Want(POOL, need_nusd=DOLLAR))).accounts[0]
        assert (told.window, told.granted_nusd) == (window, DOLLAR)
        assert await cap(house) == before
        shown = (await house.ask("org.show"))["clock"]
        assert shown["in_doubt"]
        assert right_us - shown["known_us"] <= clock.NOTED_EVERY_US
        await house.ask("cap.set", level="org", window="day", cap_nusd=DOLLAR + CENT)
        await house.ask("cap.set", level="org", window="month", cap_nusd=9 * DOLLAR)
        ends_us = {each["pool"]: each["ends_us"] for each in (await house.ask("cap.list"))["caps"]}
        assert max(ends_us.values()) < right_us + 32 * DAY_US

        house.now[0] = right_us + DAY_US
        house.hall.pace = Pace(time.monotonic)
        told = (await anna.sync(Want(POOL, need_nusd=DOLLAR))).accounts[-1]
        assert told.window == window + 1
        assert not (await house.ask("org.show"))["clock"]["in_doubt"]


async def test_a_lead_says_that_the_clock_is_right_by_the_date(tmp_path: Path) -> None:
    """After a month in the cellar. Another date is refused, with what is to be set right; so is a
    word for a clock that nobody doubts. It stands in the audit chain."""
    async with house_in(tmp_path) as house:
        await house.ask("cap.set", level="org", window="day", cap_nusd=DOLLAR)
        before = await cap(house)
        status, said = await house.try_to("clock.confirm", today=await today(house))
        assert (status, "not in doubt" in said["error"]["message"]) == (409, True)
        wrong = await today(house)
        house.now[0] += 31 * DAY_US
        status, said = await house.try_to("clock.confirm", today=wrong)
        assert status == 409
        assert f"not {wrong}" in said["error"]["message"]
        assert "set the clock of the server's machine right" in said["error"]["hint"]
        assert (await cap(house))["ends_us"] == before["ends_us"]

        await house.ask("clock.confirm", today=await today(house))

        await keep_time(house.hall)
        assert (await cap(house))["ends_us"] > before["ends_us"] + 30 * DAY_US
        acts = (await house.ask("audit", limit=1_000))["acts"]
        assert acts[-1]["what"] == "clock.confirm"
        assert acts[-1]["now_us"] - acts[-1]["known_us"] >= 31 * DAY_US - clock.NOTED_EVERY_US


async def test_a_server_that_nobody_asks_knows_the_time(tmp_path: Path) -> None:
    """Three idle weeks are no doubt while it runs: the hours are noted, and windows begin."""
    async with house_in(tmp_path) as house:
        await house.ask("cap.set", level="org", window="day", cap_nusd=DOLLAR)
        before = await cap(house)
        for _ in range(4):
            house.now[0] += 6 * DAY_US
            await keep_time(house.hall)
        found = await house.ask("org.show")
        assert not found["clock"]["in_doubt"]
        assert found["caps"][0]["ends_us"] > before["ends_us"] + 23 * DAY_US


async def test_a_database_that_is_away_stops_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is kept the next time."""

    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, OSError("away"))

    async with house_in(tmp_path) as house:
        monkeypatch.setattr(cases, "lock", away)
        await keep_time(house.hall)
