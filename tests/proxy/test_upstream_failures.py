"""A provider that is dead, foreign, silent or breaks off: a clear answer, nothing lost or stuck."""

import asyncio
import dataclasses
import ssl
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from agentspend.config.shape import AdmissionSection
from agentspend.proxy import upstream
from agentspend.sandbox.behaviour import Behaviour, text
from tests.proxy.raw import RawProvider, answer_bytes, request_bytes, send
from tests.proxy.tls import Authority
from tests.support.desk import Device, Reply, budget, message


async def idle(device: Device) -> None:
    """Every journey is over and no hold is left."""
    await device.until_idle()
    assert (await device.status("daily"))["held_nusd"] == 0


async def not_sent(device: Device, reply: Reply, *words: str) -> None:
    """Nothing left, so nothing is charged; the agent may try again."""
    assert (reply.status, reply.error["type"]) == (502, "api_error")
    assert reply.headers["x-should-retry"] == "true"
    for word in words:
        assert word in reply.error["message"]
    await idle(device)
    assert await device.ledger() == []


async def unused_url() -> str:
    """An address where nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"


async def test_a_provider_that_refuses_the_connection(tmp_path: Path) -> None:
    """502 in the API's shape, naming the address; free, and the next one works again."""
    url = await unused_url()
    async with Device(tmp_path, [budget("daily", "5")], base_url=url) as device:
        await not_sent(device, await device.post(message()), f"cannot reach {url}")
        async with device.client.get(device.url + "/v1/models") as answer:
            assert answer.status == 502
            assert f"cannot reach {url}" in (await answer.json())["error"]["message"]


async def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    """The name stands in the message."""
    url = "http://no-such-host.invalid"
    async with Device(tmp_path, [budget("daily", "5")], base_url=url) as device:
        await not_sent(device, await device.post(message()), f"cannot reach {url}")


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """No byte of the request is sent to it; the message says what about the certificate."""
    authority = Authority(tmp_path)
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=authority.server_context())
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with Device(tmp_path, [budget("daily", "5")], base_url=url) as device:
        await not_sent(device, await device.post(message()), f"cannot reach {url}", "certificate")
    server.close()
    assert b"".join(received) == b""


async def test_plain_http_where_tls_was_expected(tmp_path: Path) -> None:
    """A port that does not speak TLS is named too."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with Device(tmp_path, [budget("daily", "5")], base_url=url) as device:
        await not_sent(device, await device.post(message()), f"cannot reach {url}")
    server.close()


async def test_a_connection_that_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handshake that is never answered: 504 with the address, and no charge."""
    monkeypatch.setattr(upstream, "CONNECT_TIMEOUT_S", 0.2)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with RawProvider(silent) as provider:
        url = provider.url.replace("http:", "https:")
        async with Device(tmp_path, [budget("daily", "5")], base_url=url) as device:
            reply = await device.post(message())

            assert (reply.status, reply.error["type"]) == (504, "timeout_error")
            assert f"no connection to {url}" in reply.error["message"]
            await idle(device)
            assert await device.ledger() == []


async def test_a_provider_that_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """504 after the silence limit; it may be billed, so it is charged as an estimate."""
    monkeypatch.setattr(upstream, "SILENCE_TIMEOUT_S", 0.2)

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        RawProvider(silent) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        reply = await device.post(message())

        assert (reply.status, reply.error["type"]) == (504, "timeout_error")
        assert provider.url in reply.error["message"]
        await idle(device)
        (entry,) = await device.ledger()
        assert (entry["evidence"], entry["amount_nusd"] > 0) == ("estimate", True)


async def test_a_stream_that_falls_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut for the client as it was for us; charged at least what the provider bills."""
    monkeypatch.setattr(upstream, "SILENCE_TIMEOUT_S", 0.3)
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        device.sandbox.behave(Behaviour(answer=(text("word " * 50),), hang_after_events=4))
        reply = await device.post(message())
        await idle(device)

        assert (reply.status, reply.broken) == (200, True)
        device.sandbox.release()
        (entry,) = await device.ledger()
        assert entry["evidence"] == "estimate"
        assert entry["amount_nusd"] >= device.sandbox.bill.total_nusd() > 0


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n"])
async def test_an_answer_that_is_no_http(tmp_path: Path, raw: bytes) -> None:
    """The request went out, so it is charged upward, once; the agent gets a 502 of ours."""
    async with (
        RawProvider(raw) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        reply = await device.post(message())

        assert (reply.status, reply.error["type"]) == (502, "api_error")
        assert f"{provider.url} broke the connection" in reply.error["message"]
        await idle(device)
        (entry,) = await device.ledger()
        assert (entry["evidence"], entry["billing"]) == ("estimate", "ceiling")


@pytest.mark.parametrize("cut_at", [0, 1, 2, 5])
@pytest.mark.parametrize("torn", [0, 3])
async def test_a_stream_cut_in_the_middle(tmp_path: Path, cut_at: int, torn: int) -> None:
    """The client gets every byte that came and then the same cut; the charge covers the bill."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        says = Behaviour(answer=(text("word " * 400),), deltas=8, output_tokens=500)
        cut = dataclasses.replace(says, cut_after_events=cut_at, torn_bytes=torn)
        device.sandbox.behave_next(says, cut)
        whole = (await device.post(message())).body
        status, part = await _read_what_comes(device)
        await idle(device)

        assert status == 200
        assert part.count(b"\n\n") == cut_at
        assert len(part) < len(whole)
        entry = (await device.ledger())[-1]
        row = device.sandbox.bill.rows[-1]
        assert entry["request_id"] == row.request_id
        assert entry["evidence"] == "estimate"
        assert entry["amount_nusd"] >= row.nusd_up > 0
        assert (await device.post(message())).status == 200


async def test_a_json_answer_cut_in_the_middle(tmp_path: Path) -> None:
    """The client sees that it is not whole, and the whole bound is charged."""
    cut = answer_bytes(b'{"type":"message","usage":{"input_tok' + b" " * 50)[:-40]
    async with (
        RawProvider(cut) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        _, head, body = await send(device.port, request_bytes(device.port))
        await idle(device)

        assert len(body) < int(head["content-length"])
        (entry,) = await device.ledger()
        assert entry["evidence"] == "estimate"


async def test_an_error_event_in_the_middle_passes_and_is_charged(tmp_path: Path) -> None:
    """The stream ends whole but not with its final usage: charged upward, never below the bill."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        device.sandbox.behave(Behaviour(answer=(text("word " * 50),), error_after_events=4))
        reply = await device.post(message())
        await idle(device)

        assert (reply.status, reply.broken) == (200, False)
        assert b"event: error" in reply.body
        (entry,) = await device.ledger()
        assert entry["amount_nusd"] >= device.sandbox.bill.total_nusd() > 0


async def _read_what_comes(device: Device) -> tuple[int, bytes]:
    """A stream's status and all its bytes up to the cut, which must come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
    writer.write(request_bytes(device.port, body=msgspec.json.encode(message())))
    got = await _until_cut(reader)
    writer.close()
    head, _, rest = got.partition(b"\r\n\r\n")
    body, ended = _unchunk(rest)
    assert not ended
    return int(head.split(b" ")[1]), body


async def _until_cut(reader: asyncio.StreamReader) -> bytes:
    got = b""
    try:
        while chunk := await reader.read(65_536):
            got += chunk
    except ConnectionError:
        pass
    return got


def _unchunk(raw: bytes) -> tuple[bytes, bool]:
    """The text of chunks, and whether the last chunk came."""
    text = b""
    while raw:
        size, _, rest = raw.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return text, True
        text, raw = text + rest[:length], rest[length + 2 :]
    return text, False


def test_the_default_context_checks_names_and_certificates() -> None:
    """Nothing in the configuration can turn verification off."""
    context = upstream.tls_context(upstream.NetworkSection())

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_what_came_before_a_cut_reaches_a_slow_client(tmp_path: Path) -> None:
    """The client reads slower than the provider sends: it gets every byte, and then the cut."""
    sent = b": ping\n\n" * 500_000

    async def breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (2 * len(sent)))
        writer.write(sent)
        await writer.drain()

    async with (
        RawProvider(breaks_off) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", device.port, limit=1_024)
        writer.write(request_bytes(device.port))
        got = bytearray()
        with suppress(ConnectionError):
            while chunk := await reader.read(16_384):
                got += chunk
        writer.close()
        await idle(device)

    body, ended = _unchunk(bytes(got).partition(b"\r\n\r\n")[2])
    assert (len(body), ended) == (len(sent), False)


STAND_IN = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
    b'"model":"claude-opus-5","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
)
LAST = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"input_tokens":390000,"output_tokens":5}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


class Gateway(RawProvider):
    """Tells a stand-in for the prompt's tokens first, and the count last, if it does. The first
    answer waits in between until it `goes_on`."""

    def __init__(self, last: bytes = LAST) -> None:
        super().__init__(self._answer)
        self._last = last
        self.goes_on = asyncio.Event()

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + STAND_IN)
        if len(self.received) == 1:
            await self.goes_on.wait()
        writer.write(self._last)


async def test_a_gateways_stand_in_for_a_count_frees_nothing(tmp_path: Path) -> None:
    """What it says first is not the prompt's cost: the hold stays until it tells that."""
    long = "word " * 40_000
    at_once = AdmissionSection(wait_s=0)
    async with Gateway() as gateway, Device(
        tmp_path, [budget("daily", "3")], base_url=gateway.url, admission=at_once
    ) as device:  # fmt: skip
        first = asyncio.create_task(device.post(message(long)))
        while not gateway.received:
            await device.status("daily")
        for _ in range(20):
            await device.status("daily")
        second = await device.post(message(f"and {long}"))
        gateway.goes_on.set()
        await first
        await idle(device)

        assert second.status == 402
        (entry,) = await device.ledger()
        assert (entry["evidence"], entry["usage"]["input_tokens"]) == ("provider_usage", 390_000)


async def test_a_conversation_rests_on_no_stand_in(tmp_path: Path) -> None:
    """A gateway that never tells the count: its next request is bounded by its bytes again."""
    last = LAST.replace(b'"input_tokens":390000,', b"")
    async with Gateway(last) as gateway, Device(
        tmp_path, [budget("daily", "9")], base_url=gateway.url
    ) as device:  # fmt: skip
        gateway.goes_on.set()
        for _ in range(2):
            assert (await device.post(message("word " * 40_000))).status == 200
            await device.until_idle()

        held = [entry["hold_nusd"] for entry in await device.ledger()]
        assert held[0] == held[1] > 2_000_000_000


async def test_an_answer_cut_after_a_stand_in_is_charged_by_its_bound(tmp_path: Path) -> None:
    """Nor does the conversation's next request rest on it."""
    async with Gateway(last=b"") as gateway, Device(
        tmp_path, [budget("daily", "9")], base_url=gateway.url
    ) as device:  # fmt: skip
        gateway.goes_on.set()
        for _ in range(2):
            assert (await device.post(message("word " * 40_000))).status == 200
        await idle(device)

        for entry in await device.ledger():
            assert entry["evidence"] == "estimate"
            assert entry["amount_nusd"] > 2_000_000_000
