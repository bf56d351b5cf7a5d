"""Requests that wait for a person: nothing is sent meanwhile, in either direction."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.bookkeeper import snapshot
from agentspend.config.repository import Place, workplace
from agentspend.config.shape import AdmissionSection
from agentspend.core.errors import ConfigError
from agentspend.core.scopes import Payer
from agentspend.proxy.patience import FIRST_BYTE_S, UNKNOWN_S, asks_for_s
from tests.proxy.raw import request_bytes, until
from tests.proxy.test_hang_ups import Client
from tests.support.desk import Device, budget, message
from tests.support.manual_time import ManualTime

ASK = AdmissionSection(on_exceed="ask", wait_s=0)


@pytest.mark.parametrize("agent", [*FIRST_BYTE_S, "one nobody measured"])
def test_it_is_answered_well_before_its_agent_gives_up(agent: str) -> None:
    """A quarter of its patience is left, the wait for a rate limit included."""
    measured_s = FIRST_BYTE_S.get(agent, UNKNOWN_S)
    assert 10 <= asks_for_s(agent) <= measured_s * 3 // 4


def test_no_repository_may_turn_it_on_or_off() -> None:
    """Whoever can push there would decide whether people are asked."""
    place = Place("here", "here.toml", '[admission]\non_exceed = "ask"\n')
    with pytest.raises(ConfigError, match="not for a repository to set"):
        workplace(Payer(), "acme/api", [place])


def sent(device: Device) -> list[str]:
    """The paid requests that reached the provider; a count of the prompt is free."""
    return [each.path for each in device.sandbox.requests if each.path == "/v1/messages"]


async def questions(device: Device) -> list[dict[str, Any]]:
    """What is asked now."""
    return [dict(line) for line in await device.bookkeeper.ask(snapshot.question_lines)]


async def opened(device: Device, count: int = 1) -> dict[str, Any]:
    """Wait until so many requests ask for `daily`."""
    for _ in range(2_000):
        for line in await questions(device):
            if line["requests"] == count:
                return line
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {count} asked")


async def test_it_goes_on_when_the_budget_is_raised(tmp_path: Path) -> None:
    """Two requests, one question; the provider and the client hear nothing before the answer."""
    async with Device(tmp_path, [budget("daily", "0.01")], admission=ASK) as device:
        both = [asyncio.ensure_future(device.post(message(max_tokens=3_000))) for _ in range(2)]
        line = await opened(device, 2)
        assert (line["budget"], line["agents"]) == ("daily", ["claude"])
        assert sent(device) == []
        assert not any(each.done() for each in both)

        await device.adopt(budget("daily", "5"))

        assert [reply.status for reply in await asyncio.gather(*both)] == [200, 200]
        await device.until_idle()
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd()


async def test_a_no_is_the_ordinary_refusal(tmp_path: Path) -> None:
    """The agent stops, as it does without the setting."""
    async with Device(tmp_path, [budget("daily", "0.01")], admission=ASK) as device:
        asked = asyncio.ensure_future(device.post(message(max_tokens=3_000)))
        await opened(device)
        await device.bookkeeper.ask(lambda books, _: books.questions.say_no("daily"))
        reply = await asked
        assert (reply.status, reply.error["type"]) == (402, "billing_error")
        assert "Somebody was asked for more, and said no" in reply.error["message"]
        assert sent(device) == []


async def test_without_an_answer_it_is_refused_in_time(tmp_path: Path) -> None:
    """By the daemon's clock, before the agent's patience ends."""
    clock = ManualTime()
    async with Device(tmp_path, [budget("daily", "0.01")], admission=ASK, time=clock) as device:
        asked = asyncio.ensure_future(device.post(message(max_tokens=3_000)))
        await opened(device)
        await clock.advance(asks_for_s("claude") + 1)
        await device.bookkeeper.ask(lambda *_: None)
        reply = await asked
        assert reply.status == 402
        assert "it did not come in time" in reply.error["message"]


async def test_a_client_that_hangs_up_asks_no_more(tmp_path: Path) -> None:
    """Its question closes; nothing was held."""
    async with Device(tmp_path, [budget("daily", "0.01")], admission=ASK) as device:
        raw = request_bytes(device.port, body=msgspec.json.encode(message(max_tokens=3_000)))
        async with Client(device, raw) as client:
            await opened(device)
            client.leave()
            await until(lambda: not device.proxy.journeys)
        assert await questions(device) == []
        assert (await device.status("daily"))["held_nusd"] == 0


async def test_a_daemon_that_stops_refuses_it_at_once(tmp_path: Path) -> None:
    """A drain waits for answers that run, not for a person."""
    async with Device(tmp_path, [budget("daily", "0.01")], admission=ASK) as device:
        asked = asyncio.ensure_future(device.post(message(max_tokens=3_000)))
        await opened(device)
        begun_s = time.monotonic()
        assert await device.proxy.drain(60) == 0
        assert time.monotonic() - begun_s < 50
        assert (await asked).status == 402
