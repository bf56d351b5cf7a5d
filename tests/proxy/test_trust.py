"""Gateways that count too low: believed once, and then bounded like everybody nobody knows."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec

from agentspend.core.usage import Billing, Metered
from agentspend.proxy.charging import Ended
from agentspend.proxy.trust import Trust
from tests.proxy.raw import RawProvider, answer_bytes
from tests.support.desk import OPUS, Device, budget, message

LONG = "word " * 40_000
START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
    b'"model":"claude-opus-5","content":[],"usage":{"input_tokens":%d,"output_tokens":1}}}\n\n'
)
END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"input_tokens":60000,"output_tokens":5}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
COUNT = answer_bytes(b'{"input_tokens":20000}')


def stream(begun_tokens: int) -> bytes:
    """An answer that tells this prompt at its start, and 60,000 at its end."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    return head + START % begun_tokens + END


async def shrinks(device: Device, text: str) -> int:
    """How many holds were lowered by a first usage, after one more request."""
    assert (await device.post(message(text))).status == 200
    await device.until_idle()
    return sum(event.kind == "shrink" for event in device.events)


def torn(answer: bytes) -> RawProvider:
    """A provider whose answer comes in two pieces, so that its start is news."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start, gap, end = answer.partition(b"event: message_delta")
        writer.write(start)
        await writer.drain()
        for _turn in range(50):
            await asyncio.sleep(0)
        writer.write(gap + end)

    return RawProvider(serve)


async def test_a_stream_that_begins_with_too_little_lowers_no_second_hold(tmp_path: Path) -> None:
    """The first is charged truthfully; from then on holds stay whole until the end."""
    async with torn(stream(20_000)) as gateway, Device(
        tmp_path, [budget("daily", "9")], base_url=gateway.url
    ) as device:  # fmt: skip
        assert await shrinks(device, LONG) == 1
        assert await shrinks(device, f"and {LONG}") == 1
        used = [entry["usage"]["input_tokens"] for entry in await device.ledger()]
        assert used == [60_000, 60_000]


async def test_a_stream_that_begins_with_the_truth_lowers_every_hold(tmp_path: Path) -> None:
    """Who keeps to his word is believed."""
    async with torn(stream(60_000)) as gateway, Device(
        tmp_path, [budget("daily", "9")], base_url=gateway.url
    ) as device:  # fmt: skip
        assert [await shrinks(device, f"{n} {LONG}") for n in (1, 2)] == [1, 2]


async def test_a_count_that_was_too_low_is_not_asked_for_again(tmp_path: Path) -> None:
    """The next prompt is bounded by its bytes, which do not fit, and nothing is sent."""
    async with RawProvider(COUNT, stream(60_000), COUNT) as gateway, Device(
        tmp_path, [budget("daily", "1")], base_url=gateway.url
    ) as device:  # fmt: skip
        assert (await device.post(message(LONG))).status == 200
        await device.until_idle()
        (entry,) = await device.ledger()
        assert entry["overrun_nusd"] > 0

        assert (await device.post(message(f"and {LONG}"))).status == 402
        assert len(gateway.received) == 2


def whole(tokens: int) -> bytes:
    """A plain answer to a prompt of so many tokens."""
    usage = {"input_tokens": tokens, "output_tokens": 5}
    answer = {"type": "message", "id": "msg_1", "model": OPUS, "stop_reason": "end_turn",
              "content": [{"type": "text", "text": "it"}], "usage": usage}  # fmt: skip
    return answer_bytes(msgspec.json.encode(answer))


async def test_a_model_whose_turns_prove_nothing_is_bounded_by_its_bytes(tmp_path: Path) -> None:
    """Behind one name a gateway may have models that count differently: once a prompt was more
    than the turn before it allowed, no turn of that model is rested on."""
    turns = [{"role": "user", "content": LONG}]
    async with RawProvider(whole(20_000), whole(60_000), whole(130_000)) as gateway, Device(
        tmp_path, [budget("daily", "9")], base_url=gateway.url
    ) as device:  # fmt: skip
        for _ in range(3):
            body = {**message(stream=False), "messages": turns}
            assert (await device.post(body)).status == 200
            await device.until_idle()
            turns += [{"role": "assistant", "content": "it"}, {"role": "user", "content": "more"}]

        _, second, third = await device.ledger()
        assert second["overrun_nusd"] > 0
        assert "overrun_nusd" not in third


def test_an_answer_that_proves_nothing_says_nothing_of_its_provider() -> None:
    """A final usage without a part: nothing to compare, and the hold ends as it would."""
    trust = Trust()
    trust.hear(cast("Ended", SimpleNamespace(asked=None, metered=Metered((), Billing.EXACT))), 9)
    assert "anthropic" in trust
