"""Rate limits through the whole journey, on made-up time: paced first, then 429."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from agentspend.bookkeeper import snapshot
from agentspend.config.shape import AdmissionSection
from agentspend.core.rules import RateLimit, Rules
from agentspend.core.scopes import Scope
from agentspend.sandbox.behaviour import Behaviour
from tests.proxy.test_every_dialect import CHAT, FLASH, GEMINI, RESPONSES, ask
from tests.simulation.virtual import VirtualTime, run
from tests.support.desk import Device, Reply, budget, message

KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}


def on_made_up_time(
    folder: Path, work: Callable[[Device], Awaitable[None]], *limits: RateLimit, wait_s: int = 20
) -> None:
    """Run a test with a whole device whose clock never waits."""
    time = VirtualTime()

    async def within() -> None:
        admission, rules = AdmissionSection(wait_s=wait_s), Rules(rates=limits)
        caps = [budget("daily", "50")]
        async with Device(folder, caps, time=time, keys=KEYS, admission=admission,
                          rules=rules) as device:  # fmt: skip
            await work(device)

    run(time, within())


async def at(device: Device, work: Awaitable[Reply]) -> tuple[int, int]:
    """An answer's status, and the second at which it came."""
    reply = await work
    return reply.status, round(device.desk.now().mono_us / 1_000_000)


def test_who_is_too_fast_waits_and_holds_no_money_meanwhile(tmp_path: Path) -> None:
    """Two a minute: the third goes a minute after the first."""

    async def work(device: Device) -> None:
        asked = [asyncio.ensure_future(at(device, device.post(message(f"{n}")))) for n in range(3)]
        await asyncio.sleep(30)
        assert (await device.status("daily"))["held_nusd"] == 0
        assert [each.limit.rpm for each in device.desk.pacer.waits()] == [2]
        assert sorted(await asyncio.gather(*asked)) == [(200, 0), (200, 0), (200, 60)]
        await device.until_idle()
        assert len(device.sandbox.requests) == 3

    on_made_up_time(tmp_path, work, RateLimit(per="session", rpm=2), wait_s=70)


def test_who_waited_in_vain_is_told_when_to_come_again_and_then_passes(tmp_path: Path) -> None:
    """429 with `retry-after`; nothing was held, counted or sent; `why` calls it slowed."""

    async def work(device: Device) -> None:
        await device.post(message("one"))
        began_us = device.desk.now().mono_us
        reply = await device.post(message("two"))
        assert round((device.desk.now().mono_us - began_us) / 1_000_000) == 20
        assert (reply.status, reply.error["type"]) == (429, "rate_limit_error")
        assert reply.headers["retry-after"] == "40"
        assert reply.headers["x-should-retry"] != "false"
        for words in ("1 request a minute", "agent=claude", "waited 20 s", "pass in 40 s",
                      "[[rate_limits]]"):  # fmt: skip
            assert words in reply.error["message"]
        assert len(device.sandbox.requests) == 1
        rid = msgspec.json.decode(reply.body)["request_id"].replace("req_agentspend_", "r_")
        story = await device.bookkeeper.ask(lambda books, _: snapshot.why(books, rid))
        assert (story["outcome"], story["reason"]) == ("slowed", "rate_limited")
        assert device.desk.sessions.all()[0].refused == 0
        await asyncio.sleep(40)
        assert (await at(device, device.post(message("two"))))[0] == 200

    on_made_up_time(tmp_path, work, RateLimit(Scope.of({"agent": "claude"}), rpm=1))


def test_after_pacing_a_request_may_still_wait_for_money(tmp_path: Path) -> None:
    """Its patience in the line of a budget begins when it gets there."""

    async def work(device: Device) -> None:
        device.sandbox.behave(Behaviour(first_byte_delay_s=15, output_tokens=10))
        await device.adopt(budget("tight", "0.05"))
        asked = [device.post(message(f"{n}")) for n in range(3)]
        answers = await asyncio.gather(*(at(device, each) for each in asked))
        assert sorted(answers) == [(200, 15), (200, 30), (200, 45)]

    on_made_up_time(tmp_path, work, RateLimit(parallel=2), wait_s=20)


def test_a_client_that_leaves_gives_its_place_away(tmp_path: Path) -> None:
    """The next one goes as if it had never come."""

    async def work(device: Device) -> None:
        device.sandbox.behave(Behaviour(first_byte_delay_s=5))
        first = asyncio.ensure_future(at(device, device.post(message("1"))))
        await asyncio.sleep(1)
        leaver = asyncio.ensure_future(at(device, device.post(message("2"))))
        await asyncio.sleep(1)
        third = asyncio.ensure_future(at(device, device.post(message("3"))))
        await asyncio.sleep(1)
        leaver.cancel()
        assert (await first, await third) == ((200, 5), (200, 10))
        await device.until_idle()
        assert len(device.sandbox.requests) == 2
        assert device.desk.pacer.waits() == []

    on_made_up_time(tmp_path, work, RateLimit(parallel=1))


def test_a_slot_is_free_whatever_becomes_of_a_request(tmp_path: Path) -> None:
    """Refused, failed or hung up: the next one passes."""

    async def work(device: Device) -> None:
        device.sandbox.behave(Behaviour(status=500))
        assert (await at(device, device.post(message())))[0] == 500
        await device.adopt(budget("daily", "0.000001"))
        assert (await at(device, device.post(message())))[0] == 402
        await device.adopt(budget("daily", "5"))
        device.sandbox.behave(Behaviour(hang_after_events=0))
        hung = asyncio.ensure_future(device.post(message()))
        await asyncio.sleep(1)
        hung.cancel()
        await asyncio.sleep(1)
        device.sandbox.behave(Behaviour())
        assert (await at(device, device.post(message())))[0] == 200

    on_made_up_time(tmp_path, work, RateLimit(parallel=1), wait_s=0)


def test_tokens_are_corrected_to_what_was_used(tmp_path: Path) -> None:
    """A bound by bytes is several times the prompt: once it has ended, the next one fits."""

    async def work(device: Device) -> None:
        device.sandbox.behave(Behaviour(output_tokens=20))
        asked = [device.post(message(f"{number} " + "words " * 400)) for number in range(6)]
        for each in asked[:4]:
            assert (await each).status == 200
            await device.until_idle()
        first, second = await asyncio.gather(*asked[4:])
        assert sorted((first.status, second.status)) == [200, 429]

    on_made_up_time(tmp_path, work, RateLimit(tpm=9_000), wait_s=0)


def test_each_subagent_counts_and_the_main_thread_does_not(tmp_path: Path) -> None:
    """One subagent at once: the other waits for it, the main thread goes on."""

    async def work(device: Device) -> None:
        device.sandbox.behave(Behaviour(first_byte_delay_s=5))
        one = at(device, device.post(message("1"), x_claude_code_agent_id="a1"))
        two = at(device, device.post(message("2"), x_claude_code_agent_id="b2"))
        main = at(device, device.post(message("3")))
        assert sorted(await asyncio.gather(one, two, main)) == [(200, 5), (200, 5), (200, 10)]

    on_made_up_time(tmp_path, work, RateLimit(per="session", subagents=1))


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSES),
     (f"{FLASH}:generateContent", GEMINI)],
)  # fmt: skip
def test_every_dialect_says_too_fast_in_its_own_words(
    tmp_path: Path, path: str, body: dict[str, object]
) -> None:
    """429 with `retry-after`, which its clients retry by themselves."""

    async def work(device: Device) -> None:
        assert (await ask(device, path, body)).status == 200
        reply = await ask(device, path, body)
        assert (reply.status, reply.headers["retry-after"]) == (429, "60")
        assert "too fast for the rate limit" in reply.error["message"]

    on_made_up_time(tmp_path, work, RateLimit(rpm=1), wait_s=0)
