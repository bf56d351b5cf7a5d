"""The client's side of an answer: no byte waits for another, and what is there goes at once."""

import asyncio
from pathlib import Path

from tests.proxy.raw import RawProvider, request_bytes, usage_answer, usage_body
from tests.support.desk import TOKEN, Device


async def test_headers_do_not_wait_for_a_body_that_is_not_there(tmp_path: Path) -> None:
    """A provider that thinks after its headers: the client has them before the first byte."""
    go_on = asyncio.Event()

    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _, body = usage_answer("request-id: req_1").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        await go_on.wait()
        writer.write(body)
        await writer.drain()

    async with RawProvider(slow) as provider, Device(tmp_path, base_url=provider.url) as device:
        reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
        writer.write(request_bytes(device.port, f"x-api-key: {TOKEN}"))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert b"request-id: req_1" in head
        go_on.set()

        assert await reader.read() == usage_body()
        writer.close()


async def test_an_answer_that_is_there_at_once_comes_in_one_piece(tmp_path: Path) -> None:
    """Headers, body and end: one read of the client, and the connection serves the next request."""
    async with (
        RawProvider(usage_answer()) as provider,
        Device(tmp_path, base_url=provider.url) as device,
    ):
        raw = request_bytes(device.port, f"x-api-key: {TOKEN}").replace(
            b"Connection: close\r\n", b""
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
        for _ in range(2):
            writer.write(raw)
            got = await asyncio.wait_for(reader.read(65_536), 10)
            assert got.startswith(b"HTTP/1.1 200 OK\r\n")
            assert got.partition(b"\r\n\r\n")[2] == usage_body()
        writer.close()


async def test_a_client_that_asks_first_is_told_to_go_on(tmp_path: Path) -> None:
    """`Expect: 100-continue`, as curl sends it with a long body."""
    async with (
        RawProvider(usage_answer()) as provider,
        Device(tmp_path, base_url=provider.url) as device,
    ):
        raw = request_bytes(device.port, f"x-api-key: {TOKEN}", "Expect: 100-continue")
        head, gap, body = raw.partition(b"\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
        writer.write(head + gap)
        said = await asyncio.wait_for(reader.readuntil(gap), 10)
        assert said.startswith(b"HTTP/1.1 100 ")
        writer.write(body)

        assert (await reader.read()).endswith(usage_body())
        assert "expect" not in provider.heads[0]
        writer.close()
