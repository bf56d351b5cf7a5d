"""A velocity cap through the whole journey, on made-up time: paced, then 429, never for good."""

import asyncio
from pathlib import Path

import msgspec

from agentspend.bookkeeper import snapshot
from agentspend.sandbox.behaviour import Behaviour
from tests.proxy.test_rate_limits import at, on_made_up_time
from tests.support.desk import TOKEN, Device, budget, message

PRICEY = Behaviour(output_tokens=1_000)  # $0.025 and a little


async def spend(device: Device) -> None:
    """Most of a cap of four cents a minute."""
    await device.adopt(budget("burst", "0.04", "1m", agent="claude"))
    device.sandbox.behave(PRICEY)
    assert (await device.post(message("one"))).status == 200
    await device.until_idle()


def test_it_waits_until_enough_has_rolled_out(tmp_path: Path) -> None:
    """Within its patience: the agent hears nothing but an answer that comes late."""

    async def work(device: Device) -> None:
        await spend(device)
        await asyncio.sleep(45)
        assert await at(device, device.post(message("two"))) == (200, 60)
        assert (await device.status("burst"))["spent_nusd"] <= 40_000_000

    on_made_up_time(tmp_path, work)


def test_after_that_it_is_told_when_to_come_again(tmp_path: Path) -> None:
    """429 with `retry-after`, in words that name the cap; then it passes. No refusal is counted."""

    async def work(device: Device) -> None:
        await spend(device)
        reply = await device.post(message("two"))
        assert (reply.status, reply.error["type"]) == (429, "rate_limit_error")
        assert (reply.headers["retry-after"], reply.headers["x-should-retry"]) == ("40", "true")
        for words in ("budget 'burst' (agent=claude, per rolling 1m)", "within 20 s",
                      "Enough rolls out today 13:01 (in ", "budget raise burst"):  # fmt: skip
            assert words in reply.error["message"]
        rid = msgspec.json.decode(reply.body)["request_id"].replace("req_agentspend_", "r_")
        story = await device.bookkeeper.ask(lambda books, _: snapshot.why(books, rid))
        assert (story["outcome"], story["reason"]) == ("slowed", "too_fast")
        assert device.desk.sessions.all()[0].refused == 0
        await asyncio.sleep(40)
        assert await at(device, device.post(message("two"))) == (200, 60)
        assert len(device.sandbox.bill.rows) == 2

    on_made_up_time(tmp_path, work)


def test_nobody_is_told_to_wait_longer_than_agents_do(tmp_path: Path) -> None:
    """Claude Code gives up at more than a minute: it comes again sooner, and the words are true."""

    async def work(device: Device) -> None:
        await device.adopt(budget("burst", "0.04", "10m"))
        device.sandbox.behave(PRICEY)
        await device.post(message("one"))
        reply = await device.post(message("two"))
        assert (reply.status, reply.headers["retry-after"]) == (429, "60")
        assert "(in 9 min)" in reply.error["message"]

    on_made_up_time(tmp_path, work)


def test_other_agents_are_not_held_up(tmp_path: Path) -> None:
    """The cap is Claude's; whoever shares only the daily budget goes past who waits."""

    async def work(device: Device) -> None:
        await device.adopt(budget("daily", "5"), budget("burst", "0.04", "1m", agent="claude"))
        device.sandbox.behave(PRICEY)
        await device.post(message("one"))
        await asyncio.sleep(50)
        waits = asyncio.ensure_future(at(device, device.post(message("two"))))
        await asyncio.sleep(1)
        device.open_session("s_other", "other-token", agent="opencode")
        device.url = device.url.replace(TOKEN, "other-token")
        other = await device.post(message("three"), x_api_key="other-token")
        assert (other.status, round(device.desk.now().mono_us / 1e6)) == (200, 51)
        assert await waits == (200, 60)

    on_made_up_time(tmp_path, work)


def test_what_costs_more_than_the_cap_is_refused_at_once(tmp_path: Path) -> None:
    """With the ordinary refusal, which stops the agent."""

    async def work(device: Device) -> None:
        await device.adopt(budget("burst", "0.001", "1m"))
        assert await at(device, device.post(message())) == (402, 0)

    on_made_up_time(tmp_path, work)
