"""What people who are no leads see of others: sums, numbers, or names, as the policy says."""

import pytest

from agentspend.core.allowance.messages import Want
from sync_server.visibility import Visibility, of
from tests.sync_server.house import DOLLAR, House

POOL = "org.month"


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([], Visibility.AGGREGATE),
        ([{}, {}], Visibility.AGGREGATE),
        ([{"visibility": "pseudonymous"}, {}], Visibility.PSEUDONYMOUS),
        ([{"visibility": "aggregate"}, {"visibility": "named"}], Visibility.NAMED),
    ],
)
def test_the_widest_word_counts(rules: list[dict[str, object]], found: Visibility) -> None:
    """Of the organisation's and the own team's; nothing said is a sum."""
    assert of(*rules) is found


@pytest.mark.parametrize(
    ("word", "names", "report"),
    [
        ("", ["anna"], None),
        ("pseudonymous", ["member 1", "anna"], ["member 1", "member 2"]),
        ("named", ["ben", "anna"], ["ben", "anna"]),
    ],
)
async def test_what_a_member_and_a_viewer_see(
    house: House, word: str, names: list[str], report: list[str] | None
) -> None:
    """On the screen and in reports; a lead sees names whatever the policy says."""
    anna, ben = await house.joined("anna"), await house.joined("ben")
    await house.ask("cap.set", level="org", window="month", cap_nusd=20 * DOLLAR)
    for device, nusd in ((anna, DOLLAR), (ben, 2 * DOLLAR)):
        [told] = (await device.sync(Want(POOL, need_nusd=3 * DOLLAR))).accounts
        device.chain.ts_us = house.now[0]
        device.chain.add("settle", [(POOL, told.window, nusd)], nusd, counted="billed")
        await device.sync()
    await house.ask("policy.set", rules={"visibility": word})
    viewer = (await house.ask("token.create", name="grafana", role="viewer"))["token"]

    [pool] = (await anna.look()).pools
    assert [each.member for each in pool.members] == names
    status, found = await house.try_to("report", viewer, by="member")
    if report is None:
        assert status == 403
    else:
        assert [line["member"] for line in found["lines"]] == report
    lines = (await house.ask("report", by="member"))["lines"]
    assert [line["member"] for line in lines] == ["ben", "anna"]
