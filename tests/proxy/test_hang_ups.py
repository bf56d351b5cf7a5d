"""Clients that leave, in each phase: the hold ends once, and the charge covers the bill."""

import asyncio
from pathlib import Path
from typing import Self

import msgspec
import pytest

from agentspend.config.shape import AdmissionSection
from agentspend.sandbox.behaviour import Behaviour, text
from tests.proxy.raw import RawProvider, request_bytes, until
from tests.support.desk import Device, budget, message

LONG = Behaviour(answer=(text("word " * 300),), output_tokens=400, deltas=20)


class Client:
    """A client that can hang up at any moment."""

    def __init__(self, device: Device, raw: bytes | None = None) -> None:
        self._port = device.port
        self._raw = request_bytes(device.port, body=msgspec.json.encode(message()))
        self._raw = raw or self._raw

    async def __aenter__(self) -> Self:
        self.reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._raw)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


async def ended_once(device: Device) -> None:
    """No journey runs, nothing is held, and no request has two ends."""
    await until(lambda: not device.proxy.journeys)
    assert (await device.status("daily"))["held_nusd"] == 0
    rids = [entry["rid"] for entry in await device.ledger()]
    assert len(rids) == len(set(rids))
    device.sandbox.release()


def billed(device: Device) -> int:
    """The provider's bill in nano-USD, once every row of it is closed."""
    assert all(row.outcome != "open" for row in device.sandbox.bill.rows)
    return device.sandbox.bill.total_nusd()


async def all_closed(device: Device) -> None:
    """Wait until the provider has seen the hang-up too."""
    await until(lambda: all(row.outcome != "open" for row in device.sandbox.bill.rows))


async def test_while_the_body_is_still_being_sent(tmp_path: Path) -> None:
    """Nothing was asked yet: nothing is held, sent or written."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        half = request_bytes(device.port, body=msgspec.json.encode(message("x" * 50_000)))[:30_000]
        async with Client(device, half) as client:
            await until(lambda: bool(device.proxy.journeys))
            client.leave()
            await ended_once(device)

        assert device.sandbox.requests == []
        assert await device.ledger() == []


async def test_while_it_waits_in_line(tmp_path: Path) -> None:
    """It leaves the line; the one behind it gets the room."""
    admission = AdmissionSection(wait_s=60)
    async with Device(tmp_path, [budget("daily", "0.08")], admission=admission) as device:
        device.sandbox.behave_next(Behaviour(hang_after_events=0))
        raw = request_bytes(device.port, body=msgspec.json.encode(message(max_tokens=3_000)))
        async with Client(device, raw), Client(device, raw) as leaving:
            await device.sandbox.until_hanging(1)
            await until(lambda: len(device.proxy.journeys) == 2)
            await _in_line(device, 1)
            leaving.leave()
            await until(lambda: len(device.proxy.journeys) == 1)
            await _in_line(device, 0)
            async with Client(device, raw) as behind:
                await _in_line(device, 1)
                device.sandbox.release()
                assert b" 200 " in await behind.reader.readline()
                await until(lambda: not device.proxy.journeys)

        await ended_once(device)
        assert len(await device.ledger()) == 2
        assert await device.spent_nusd() == billed(device)


async def _in_line(device: Device, count: int) -> None:
    """Wait until so many requests stand in line."""
    for _ in range(2_000):
        waits = await device.bookkeeper.ask(lambda books, _: len(list(books.line.waits())))
        if waits == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {count} in line")


async def test_before_the_first_byte_left(tmp_path: Path) -> None:
    """The connection was not there yet: the hold is given back and nothing is charged."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with RawProvider(silent) as provider:
        url = provider.url.replace("http:", "https:")
        async with Device(tmp_path, [budget("daily", "5")], base_url=url) as device:
            async with Client(device) as client:
                await _held(device)
                client.leave()
                await ended_once(device)

            assert await device.ledger() == []


async def _held(device: Device) -> None:
    """Wait until money is held."""
    for _ in range(2_000):
        if (await device.status("daily"))["held_nusd"]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never held")


@pytest.mark.parametrize("after_events", [0, 1, 5])
async def test_mid_stream_where_a_hang_up_stops_the_bill(tmp_path: Path, after_events: int) -> None:
    """We hang up on the provider too; what it may have made is charged, and no less than that."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        device.sandbox.behave(
            Behaviour(answer=LONG.answer, output_tokens=400, hang_after_events=after_events)
        )
        async with Client(device) as client:
            await device.sandbox.until_hanging(1)
            client.leave()
            await ended_once(device)
        await all_closed(device)

        (entry,) = await device.ledger()
        assert device.sandbox.bill.rows[0].outcome == "disconnect"
        assert entry["evidence"] == "estimate"
        assert entry["amount_nusd"] >= billed(device) > 0


@pytest.mark.parametrize("after_events", [0, 5])
async def test_mid_stream_where_it_does_not(tmp_path: Path, after_events: int) -> None:
    """We read on to the end, so that the charge is exact."""
    async with Device(tmp_path, [budget("daily", "5")], on_disconnect="drain") as device:
        device.sandbox.behave(
            Behaviour(answer=LONG.answer, output_tokens=400, hang_after_events=after_events)
        )
        async with Client(device) as client:
            await device.sandbox.until_hanging(1)
            client.leave()
            await until(lambda: any(journey.left for journey in device.proxy.journeys))
            device.sandbox.release()
            await ended_once(device)

        (entry,) = await device.ledger()
        assert device.sandbox.bill.rows[0].outcome == "ok"
        assert (entry["evidence"], entry["billing"]) == ("provider_usage", "exact")
        assert entry["amount_nusd"] == billed(device)


async def test_many_that_leave_at_once(tmp_path: Path) -> None:
    """Thirty clients, hung up in the same moment: thirty ends, nothing held."""
    async with Device(tmp_path, [budget("daily", "50")]) as device:
        device.sandbox.behave(Behaviour(answer=LONG.answer, hang_after_events=3))
        clients = [await Client(device).__aenter__() for _ in range(30)]
        await device.sandbox.until_hanging(30)
        for client in clients:
            client.leave()
        await ended_once(device)
        await all_closed(device)

        assert len(await device.ledger()) == 30
        assert await device.spent_nusd() >= billed(device)


async def test_no_more_than_sixty_four_of_a_session_are_in_flight(tmp_path: Path) -> None:
    """The next one starts when one has ended; none is lost."""
    async with Device(tmp_path, [budget("daily", "50")]) as device:
        device.sandbox.behave(Behaviour(hang_after_events=0))
        posts = [asyncio.create_task(device.post(message())) for _ in range(70)]
        await device.sandbox.until_hanging(64)
        assert len(device.proxy.journeys) == 64
        device.sandbox.behave(Behaviour())
        device.sandbox.release()
        replies = await asyncio.gather(*posts)

        assert {reply.status for reply in replies} == {200}
        await ended_once(device)
        assert len(await device.ledger()) == 70
        assert await device.spent_nusd() == billed(device)


async def test_a_drain_ends_every_request_and_starts_none(tmp_path: Path) -> None:
    """What runs is cut and charged; what waits for its turn is told to come again."""
    async with Device(tmp_path, [budget("daily", "50")]) as device:
        device.sandbox.behave(Behaviour(hang_after_events=0))
        posts = [asyncio.create_task(device.post(message())) for _ in range(66)]
        await device.sandbox.until_hanging(64)
        assert await device.proxy.drain(0.0) == 64
        replies = await asyncio.gather(*posts)

        assert {reply.status for reply in replies} == {502}
        assert all("stopping" in reply.error["message"] for reply in replies)
        assert len(device.sandbox.requests) == 64
        await ended_once(device)
        await all_closed(device)
        assert len(await device.ledger()) == 64
        assert await device.spent_nusd() >= billed(device)


async def test_a_clamped_conversation_that_was_cut_gets_more_room(tmp_path: Path) -> None:
    """Clamped beside a large hold, cut by that clamp: the next turn is not held to that size."""
    async with Device(tmp_path, [budget("daily", "2")]) as device:
        cut = Behaviour(answer=(text("half"),), output_tokens=9, stop_reason="max_tokens")
        device.sandbox.behave_next(Behaviour(hang_after_events=0), cut)
        async with Client(device, _asking(device, 40_000)):
            await device.sandbox.until_hanging(1)
            first = message("a long task", max_tokens=64_000)
            assert (await device.post(first)).status == 200
            clamped = _limit(device)
            device.sandbox.release()
        await until(lambda: not device.proxy.journeys)
        turns = [*first["messages"], {"role": "assistant", "content": "half"}]
        more = [*turns, {"role": "user", "content": "go on"}]
        assert (await device.post({**first, "messages": more})).status == 200

        assert 4_096 <= clamped < 64_000
        assert clamped < _limit(device) <= 64_000
        await ended_once(device)


def _asking(device: Device, max_tokens: int) -> bytes:
    return request_bytes(device.port, body=msgspec.json.encode(message(max_tokens=max_tokens)))


def _limit(device: Device) -> int:
    """The output limit of the last paid request that reached the provider."""
    paid = [seen for seen in device.sandbox.requests if "count_tokens" not in seen.path]
    found: int = paid[-1].json["max_tokens"]
    return found
