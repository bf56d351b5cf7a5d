"""A cap that is set in the middle of its window counts what was spent in it already."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspend.core.allowance.messages import Want
from tests.sync_server.house import DOLLAR, Device, House
from tests.sync_server.office import NOON_US, Office

API = {"project": "acme/api"}
POOL = "org.month"


def spend(device: Device, house: House, amount: int, *rights: tuple[str, int], **more: Any) -> None:
    """A charge at this moment, with rights in these pools' windows."""
    device.chain.ts_us = house.now[0]
    named = [(*place, amount) for place in rights]
    device.chain.add("settle", named, amount, **{"counted": "billed", **more})


async def lines(house: House) -> dict[str, dict[str, Any]]:
    """Every cap as a lead sees it."""
    return {each["pool"]: each for each in (await house.ask("cap.list"))["caps"]}


async def test_what_was_reported_before_counts_by_scope_and_window(house: House) -> None:
    """Of who pays into it, in this window, and no subscription's use."""
    anna, ben = await house.joined("anna", "backend"), await house.joined("ben", "data")
    spend(anna, house, 3 * DOLLAR, **API)
    spend(anna, house, 2 * DOLLAR, tags=["ci"], counted="subscription")
    spend(ben, house, 4 * DOLLAR, tags=["ci"])
    await anna.sync()
    await ben.sync()

    for level, name in (("org", ""), ("team", "backend"), ("member", "ben"), ("tag", "ci"),
                        ("project", "acme/api"), ("device", anna.certificate.device)):  # fmt: skip
        more = {"name": name} if name else {}
        await house.ask("cap.set", level=level, window="month", cap_nusd=20 * DOLLAR, **more)

    spent = {name: line["spent_nusd"] // DOLLAR for name, line in (await lines(house)).items()}
    assert spent == {
        "org.month": 7, "team.backend.month": 3, "member.ben.month": 4, "tag.ci.month": 4,
        "project.acme/api.month": 3, f"device.{anna.certificate.device}.month": 3,
    }  # fmt: skip


async def test_no_more_is_granted_than_is_left(house: House) -> None:
    """$7 of $10 were gone before: three may still be had, by all together."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    spend(anna, house, 7 * DOLLAR)
    await anna.sync()
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    granted = 0
    for device in (anna, ben, anna):
        answer = await device.sync(Want(POOL, need_nusd=9 * DOLLAR))
        granted = max(granted, sum(told.granted_nusd for told in answer.accounts))
    assert granted == 3 * DOLLAR
    assert (await lines(house))[POOL]["free_nusd"] == 0


async def test_what_is_reported_later_counts_before_anything_is_granted(house: House) -> None:
    """The device was away when the cap was set; what it spent meanwhile comes first, and once."""
    anna = await house.joined("anna")
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    spend(anna, house, 6 * DOLLAR)
    answer = await anna.sync(Want(POOL, need_nusd=9 * DOLLAR))
    [told] = answer.accounts
    assert told.granted_nusd == 4 * DOLLAR
    spend(anna, house, DOLLAR, (POOL, told.window))
    for _ in range(2):
        await anna.sync()
    assert (await lines(house))[POOL]["spent_nusd"] == 7 * DOLLAR


async def test_the_window_before_is_not_counted(house: House) -> None:
    """Yesterday's spending is no part of today's cap."""
    anna = await house.joined("anna")
    spend(anna, house, 6 * DOLLAR)
    await anna.sync()
    house.now[0] += 2 * 86_400_000_000
    await house.ask("cap.set", level="org", window="day", cap_nusd=10 * DOLLAR)
    await house.ask("cap.set", level="org", window="total", cap_nusd=10 * DOLLAR)
    spent = {name: line["spent_nusd"] for name, line in (await lines(house)).items()}
    assert spent == {"org.day": 0, "org.total": 6 * DOLLAR}


async def test_a_cap_that_was_taken_away_and_set_again_has_forgotten_nothing(house: House) -> None:
    """What was spent while there was none counts too."""
    anna = await house.joined("anna")
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    answer = await anna.sync(Want(POOL, need_nusd=2 * DOLLAR))
    spend(anna, house, DOLLAR, (POOL, answer.accounts[0].window))
    await anna.sync()
    await house.ask("cap.set", level="org", window="month", cap_nusd=None)
    spend(anna, house, 3 * DOLLAR)
    await anna.sync()
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    assert (await lines(house))[POOL]["spent_nusd"] == 4 * DOLLAR


async def test_a_right_that_was_told_while_there_was_no_cap_is_spending_too(house: House) -> None:
    """A request was in flight when the cap came, so its charge names a right there, and it was
    reported when the cap was gone: no account holds it, and the cap that is set again counts it."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    await house.ask("cap.set", level="org", window="month", cap_nusd=10 * DOLLAR)
    answer = await ben.sync(Want(POOL))
    spend(anna, house, 8 * DOLLAR, (POOL, answer.accounts[0].window))
    for cap_nusd in (None, 10 * DOLLAR, None, 10 * DOLLAR):
        await house.ask("cap.set", level="org", window="month", cap_nusd=cap_nusd)
        await anna.sync()
    assert (await lines(house))[POOL]["spent_nusd"] == 8 * DOLLAR


def test_a_restore_counts_the_same(tmp_path: Any) -> None:
    """Whether an entry was in the copy or is sent again, it counts once."""
    from tests.sync_server.made import Chain

    office = Office(tmp_path)
    chain = Chain()
    chain.ts_us = NOON_US
    for _ in range(2):
        chain.add("settle", (), 50, counted="billed")
    office.sync(chain)
    office.backup()
    chain.add("settle", (), 30, counted="billed")
    office.sync(chain, after=3)
    office.service.decide(office.pool("new", 1_000), {"who": "lead"}, NOON_US)
    assert office.state("new").late_nusd == 130
    office.restore()
    assert office.state("new").late_nusd == 100
    office.sync(chain, after=0)
    assert office.state("new").late_nusd == 130
    office.close()


STEPS = st.lists(st.sampled_from(["spend", "report", "cap", "ask", "use"]), min_size=4, max_size=16)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whenever_it_is_set_every_cent_counts_once(tmp_path_factory: Any, steps: list[str]) -> None:
    """Spending, reports, the cap set and taken away, in any order: what the server knows of the
    window is what was spent in it, and never more is granted than that leaves."""
    from tests.sync_server.made import Chain

    office = Office(tmp_path_factory.mktemp("office"))
    chain, cap, free, window, active, known = Chain(), 1_000, 0, 0, False, 0
    chain.ts_us = NOON_US
    total = 0
    for step in steps:
        match step:
            case "spend" if not active:
                chain.add("settle", (), 10, counted="billed")
                total += 10
            case "use" if free >= 10:
                chain.add("settle", [("new", window, 10)], 10, counted="billed")
                total, free = total + 10, free - 10
            case "report" | "ask":
                wants = [Want("new", need_nusd=40)] if step == "ask" else []
                answer = office.sync(chain, *wants)
                known = total
                for told in answer.accounts:
                    if told.pool == "new":
                        used = sum(10 for body in chain.bodies if '"new"' in body)
                        free, window = told.granted_nusd - used, told.window
            case "cap" if not active:
                office.service.decide(office.pool("new", cap), {"who": "lead"}, NOON_US)
                active = True
        if active:
            state = office.state("new")
            spent = state.committed_nusd - state.outstanding_nusd + state.late_nusd
            assert spent == known
            assert state.committed_nusd + state.late_nusd <= cap
    office.close()


async def test_a_cap_set_again_counts_what_came_in_between(house: House) -> None:
    """Beside what yesterday's rights were spent on today; set and taken away again and again, every
    dollar counts once."""
    anna, name = await house.joined("anna", "backend"), "team.backend.day"
    cap = {"level": "team", "name": "backend", "window": "day"}
    await house.ask("cap.set", **cap, cap_nusd=20 * DOLLAR)
    [told] = (await anna.sync(Want(name, need_nusd=10 * DOLLAR))).accounts
    house.now[0] += 24 * 3_600_000_000
    await anna.sync()
    spend(anna, house, 10 * DOLLAR, (name, told.window), **API)
    await anna.sync()
    await house.ask("cap.set", **cap, cap_nusd=None)
    await anna.sync()
    spend(anna, house, 7 * DOLLAR, **API)
    await anna.sync()
    for _ in range(2):
        await house.ask("cap.set", **cap, cap_nusd=20 * DOLLAR)
        assert (await lines(house))[name]["free_nusd"] == 3 * DOLLAR
        await house.ask("cap.set", **cap, cap_nusd=None)


async def test_another_window_counts_what_was_spent_under_the_old_cap(house: House) -> None:
    """Also what its device reports only after the change."""
    anna = await house.joined("anna", "backend")
    cap = {"level": "team", "name": "backend"}
    await house.ask("cap.set", **cap, window="month", cap_nusd=100 * DOLLAR)
    [told] = (await anna.sync(Want("team.backend.month", need_nusd=40 * DOLLAR))).accounts
    spend(anna, house, 40 * DOLLAR, (told.pool, told.window), **API)
    await house.ask("cap.set", **cap, window="month", cap_nusd=None)
    await house.ask("cap.set", **cap, window="day", cap_nusd=50 * DOLLAR)
    await anna.sync(Want("team.backend.day", need_nusd=50 * DOLLAR))
    line = (await lines(house))["team.backend.day"]
    assert (line["spent_nusd"], line["out_nusd"]) == (40 * DOLLAR, 10 * DOLLAR)
