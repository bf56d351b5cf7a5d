"""What may knock: no other host name, no web page, no foreign shape; and what is answered here."""

from pathlib import Path

import msgspec
import pytest

from tests.proxy.raw import request_bytes, send
from tests.support.desk import CLAUDE, TOKEN, Device, budget, message

WHOLE = f"POST /s/{TOKEN}/v1/messages HTTP/1.1"


async def untouched(device: Device) -> bool:
    """The provider saw nothing, nothing is held, and the next good request works."""
    seen = device.sandbox.requests or await device.ledger("settle")
    works = (await device.post(message())).status == 200
    await device.until_idle()
    return works and not seen


@pytest.mark.parametrize(
    ("status", "host", "headers"),
    [
        (403, "attacker.example", ()),
        (403, "127.0.0.1", ()),
        (403, "127.0.0.1:1", ()),
        (403, "127.0.0.1.attacker.example:4141", ()),
        (403, "", ("Origin: https://attacker.example",)),
        (403, "", ("Origin: null",)),
        (403, "", ("Origin: http://127.0.0.1:4141",)),
        (403, "", ("Sec-Fetch-Site: cross-site",)),
        (403, "", ("Sec-Fetch-Site: same-site",)),
        (426, "", ("Upgrade: websocket",)),
        (431, "", tuple(f"X-Long-{n}: {'x' * 1_500}" for n in range(12))),
        (431, "", (f"X-Long: {'x' * 20_000}",)),
        (415, "", ("Content-Type: text/plain",)),
        (415, "", ("Content-Type: application/x-www-form-urlencoded",)),
    ],
)
async def test_what_must_not_come_in_is_told_in_the_dialects_own_shape(
    tmp_path: Path, status: int, host: str, headers: tuple[str, ...]
) -> None:
    """Refused before anything is read; the daemon goes on and nothing is lost."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        raw = request_bytes(device.port, *headers, host=host)
        got, head, body = await send(device.port, raw)

        assert got == status
        found = msgspec.json.decode(body)
        assert found["type"] == "error"
        assert found["error"]["message"]
        assert "access-control-allow-origin" not in head
        assert await untouched(device)


async def test_names_beyond_loopback_are_ours_only_where_they_are_configured(
    tmp_path: Path,
) -> None:
    """Exactly, in either case, with our port; a web page under such a name is still refused."""
    names = ("host.docker.internal", "Host.Docker.Internal")
    async with Device(tmp_path, hosts=("host.docker.internal",)) as device:
        for name in names:
            raw = request_bytes(device.port, host=f"{name}:{device.port}")
            assert (await send(device.port, raw))[0] == 200
        for name in ("docker.internal", "x.host.docker.internal", "host.docker.internal.evil"):
            raw = request_bytes(device.port, host=f"{name}:{device.port}")
            assert (await send(device.port, raw))[0] == 403
        page = f"Origin: http://host.docker.internal:{device.port}"
        raw = request_bytes(device.port, page, host=f"{names[0]}:{device.port}")
        assert (await send(device.port, raw))[0] == 403
    (tmp_path / "other").mkdir()
    async with Device(tmp_path / "other") as device:
        raw = request_bytes(device.port, host=f"{names[0]}:{device.port}")
        status, _, body = await send(device.port, raw)
        assert (status, b"[daemon] hosts" in body) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
async def test_other_names_of_loopback_are_ours(tmp_path: Path, host: str) -> None:
    """A client may be told either name."""
    async with Device(tmp_path) as device:
        status, _, _ = await send(
            device.port, request_bytes(device.port, host=f"{host}:{device.port}")
        )

        assert status == 200


@pytest.mark.parametrize(
    "line",
    [
        f"POST http://api.anthropic.com/s/{TOKEN}/v1/messages HTTP/1.1",
        f"POST https://127.0.0.1/s/{TOKEN}/v1/messages HTTP/1.1",
        "CONNECT api.anthropic.com:443 HTTP/1.1",
    ],
)
async def test_it_is_no_forward_proxy(tmp_path: Path, line: str) -> None:
    """A whole address as the target goes nowhere."""
    async with Device(tmp_path) as device:
        status, _, _ = await send(device.port, request_bytes(device.port, line=line))

        assert status in (400, 404)
        assert await untouched(device)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        f"{WHOLE}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!".encode(),
        f"{WHOLE}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n".encode(),
        f"{WHOLE}\r\nHost : x\r\n\r\n".encode(),
    ],
)
async def test_no_broken_or_smuggled_request_gets_through(tmp_path: Path, raw: bytes) -> None:
    """The parser says 400, and the daemon stays up."""
    async with Device(tmp_path) as device:
        status, _, _ = await send(device.port, raw)

        assert status == 400
        assert await untouched(device)


async def test_an_ended_session_is_told_how_to_go_on(tmp_path: Path) -> None:
    """A token nobody knows: 402 for Claude Code, 400 for everyone else; both stop at once."""
    async with Device(tmp_path) as device:
        line = "POST /s/of-yesterday/v1/messages HTTP/1.1"
        raw = request_bytes(device.port, f"User-Agent: {CLAUDE}", line=line)
        status, _, body = await send(device.port, raw)
        other, _, _ = await send(device.port, request_bytes(device.port, line=line))

        assert (status, other) == (402, 400)
        message_text = msgspec.json.decode(body)["error"]["message"]
        assert "this session has ended" in message_text
        assert "agentspend run" in message_text
        assert await untouched(device)


async def test_what_is_answered_here(tmp_path: Path) -> None:
    """HEAD is answered 200 without asking the provider; unknown paths and methods are named."""
    async with Device(tmp_path) as device:
        for path in ("", "/", "/api/hello", "/v1/messages"):
            async with device.client.head(device.url + path) as answer:
                assert answer.status == 200
        for path, status in (("/v1/complete", 404), ("/v1/messages/batches", 404), ("/", 404)):
            async with device.client.get(device.url + path) as answer:
                assert answer.status == status
                assert "agentspend" in await answer.text()
        async with device.client.get(device.url + "/v1/messages") as answer:
            assert answer.status == 405
        root = f"http://127.0.0.1:{device.port}"
        async with device.client.get(f"{root}/v1/messages") as answer:
            assert answer.status == 404
            assert "agentspend run" in await answer.text()
        assert await untouched(device)
