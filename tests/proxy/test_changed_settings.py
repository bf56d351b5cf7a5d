"""The configuration changes while requests are on their way: each ends by what it began with."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec

from agentspend.config.schema import parse_config
from agentspend.prices import load_book
from agentspend.proxy.desk import Settings
from agentspend.proxy.upstream import Upstream
from tests.proxy.raw import Answer, RawProvider, answer_bytes, until
from tests.support.desk import OPUS, Device, budget, message

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
USED = {"input_tokens": 1_000, "output_tokens": 900}
COST_NUSD = 1_000 * 5_000 + 900 * 25_000
LONG = "x" * 2_000
TRIPLE = """[prices."anthropic/*"]
multiplier = "3"
"""


def event(kind: str, **fields: object) -> bytes:
    """One event of a Messages stream."""
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), data)


def in_two_parts(go_on: asyncio.Event) -> Answer:
    """A stream that tells its input, and the rest when it is let go on."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = {"id": "msg_1", "model": OPUS, "usage": {**USED, "output_tokens": 1}}
        writer.write(HEAD + event("message_start", message=begun))
        await writer.drain()
        await go_on.wait()
        writer.write(event("content_block_start", index=0, content_block={"type": "text"}))
        writer.write(event("message_delta", delta={"stop_reason": "end_turn"}, usage=USED))
        writer.write(event("message_stop"))
        await writer.drain()

    return answer


def dearer(before: Settings) -> Settings:
    """The same settings at three times the price."""
    return replace(before, book=load_book(parse_config(TRIPLE).overrides))


async def test_a_request_is_charged_by_the_prices_it_was_held_by(tmp_path: Path) -> None:
    """New prices hold for what comes after them; no budget is passed by a change of prices."""
    go_on = asyncio.Event()
    async with (
        RawProvider(in_two_parts(go_on)) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        running = asyncio.create_task(device.post(message(LONG)))
        await until(lambda: any(each.kind == "shrink" for each in device.events))
        device.desk.settings = dearer(device.desk.settings)
        go_on.set()
        assert (await running).status == 200
        await device.until_idle()
        await device.post(message(LONG))
        await device.until_idle()

        first, second = await device.ledger()
        assert (first["amount_nusd"], second["amount_nusd"]) == (COST_NUSD, 3 * COST_NUSD)
        assert "overrun_nusd" not in first
        assert first["price"] != second["price"]


async def test_who_waits_goes_where_it_was_priced_for(tmp_path: Path) -> None:
    """A request in line when its provider moves is sent by the way that its price belongs to."""
    go_on = asyncio.Event()
    no_count = answer_bytes(b"{}", status="500 Internal Server Error")
    async with (
        RawProvider(in_two_parts(go_on), no_count, in_two_parts(go_on)) as provider,
        Device(tmp_path, [budget("daily", "0.14")], base_url=provider.url) as device,
    ):
        body = message(LONG, max_tokens=3_000)
        both = [asyncio.create_task(device.post(body)) for _ in range(2)]
        await until(lambda: any(each.kind == "wait" for each in device.events))
        nowhere = Upstream({"anthropic/anthropic": "http://127.0.0.1:1"}, device._network)
        device.desk.settings = replace(dearer(device.desk.settings), upstream=nowhere)
        go_on.set()

        assert [reply.status for reply in await asyncio.gather(*both)] == [200, 200]
        await device.until_idle()
        assert [each["amount_nusd"] for each in await device.ledger()] == [COST_NUSD, COST_NUSD]


async def test_a_replaced_way_out_stays_open_for_who_is_on_it(
    tmp_path: Path,
) -> None:
    """However long its answer takes: a stream that is cut would be asked for, and billed, again."""
    go_on = asyncio.Event()
    async with (
        RawProvider(in_two_parts(go_on)) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        running = asyncio.create_task(device.post(message(LONG)))
        await until(lambda: any(each.kind == "shrink" for each in device.events))
        before = device.desk.settings.upstream
        closed = asyncio.create_task(device.proxy.close_behind(before, 0.0))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not closed.done()
        go_on.set()

        assert not (await running).broken
        await closed
        assert [each["billing"] for each in await device.ledger()] == ["exact"]
