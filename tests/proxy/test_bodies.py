"""Compressed requests: read like plain ones, sent on as they came, plain where we rewrote them."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.core.limits import MAX_BODY_BYTES
from tests.proxy.raw import RawProvider, answer_bytes
from tests.proxy.test_every_dialect import CHAT, FLASH, GEMINI, RESPONSES
from tests.support.desk import TOKEN, Device, Reply, budget, message
from tests.support.packing import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:]),
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
# The time in a gzip would give a test another name in each of the processes that run the tests.
TWO_GZIPS = gzip.compress(b"x" * 999, mtime=0) + gzip.compress(b"y", mtime=0)
KEYS = {"anthropic": "sk-ant-test", "openai": "sk-test", "google": "g-test"}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "messages": ("/v1/messages", message(stream=False)),
    "chat": ("/v1/chat/completions", CHAT),
    "responses": ("/v1/responses", {**RESPONSES, "stream": True}),
    "gemini": (f"{FLASH}:generateContent", GEMINI),
}
each = pytest.mark.parametrize("kind", ASKED)


async def ask(device: Device, kind: str, raw: bytes, encoding: str) -> Reply:
    """One request with this body, said to be encoded so."""
    token = {"x_api_key": TOKEN, "x_goog_api_key": TOKEN, "Authorization": f"Bearer {TOKEN}"}
    header = {"gemini": "x_goog_api_key", "messages": "x_api_key"}.get(kind, "Authorization")
    own = {"x_api_key": "", header: token[header]}
    path = ASKED[kind][0]
    return await device.post(raw, path, Content_Encoding=encoding, User_Agent="curl/8", **own)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@each
async def test_a_compressed_request_is_billed_to_the_nano_dollar(
    tmp_path: Path, kind: str, encoding: str
) -> None:
    """The provider reads what the client packed, and both books agree."""
    plain = msgspec.json.encode(ASKED[kind][1])
    async with Device(tmp_path, [budget("daily", "5")], keys=KEYS) as device:
        reply = await ask(device, kind, PACK[encoding](plain), encoding)
        await device.until_idle()

        assert reply.status == 200, reply.body
        [entry] = await device.ledger()
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd() > 0
        assert entry["evidence"] == "provider_usage"


@pytest.mark.parametrize("encoding", PACK)
async def test_the_bytes_go_on_as_they_came(tmp_path: Path, encoding: str) -> None:
    """Not packed anew: the very same bytes, under the same name."""
    raw = PACK[encoding](msgspec.json.encode(message(stream=False)))
    async with (
        RawProvider(answer_bytes(b"{}")) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        await ask(device, "messages", raw, encoding)
        await device.until_idle()

        [head] = provider.heads
        assert head["content-encoding"] == encoding
        assert head["content-length"] == str(len(raw))
        assert provider.received[0].endswith(b"\r\n\r\n" + raw)


@pytest.mark.parametrize(
    ("path", "body", "limit"),
    [
        ("/v1/messages", message(max_tokens=60_000), "1"),
        ("/v1/chat/completions", {**CHAT, "stream": True}, "5"),
        ("/v1/chat/completions", {**CHAT, "metadata": {"tags": ["team:a"]}}, "5"),
    ],
    ids=["clamped", "usage asked for", "tags taken out"],
)
async def test_a_body_that_we_rewrote_leaves_plain(
    tmp_path: Path, path: str, body: dict[str, Any], limit: str
) -> None:
    """Without the header that it would contradict."""
    raw = zstd.compress(msgspec.json.encode(body))
    kind = "messages" if path == "/v1/messages" else "chat"
    async with (
        RawProvider(answer_bytes(b"{}")) as provider,
        Device(tmp_path, [budget("daily", limit)], base_url=provider.url, keys=KEYS) as device,
    ):
        await ask(device, kind, raw, "zstd")
        await device.until_idle()

        head, sent = provider.heads[-1], provider.received[-1].partition(b"\r\n\r\n")[2]
        assert "content-encoding" not in head
        assert msgspec.json.decode(sent) != body
        assert {**msgspec.json.decode(sent), **body} == {**body, **_added(kind, body)}


def _added(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """What only the rewritten body names."""
    streams = kind == "chat" and body.get("stream")
    return {"stream_options": {"include_usage": True}} if streams else {}


@each
@pytest.mark.parametrize(
    ("encoding", "raw", "told"),
    [
        ("br", b"{}", "as zstd, gzip or deflate"),
        ("gzip, zstd", b"{}", "as zstd, gzip or deflate"),
        ("gzip", b"{}", "no gzip"),
        ("zstd", b"{}", "no zstd"),
        ("zstd", zstd.compress(b"x" * 999)[:-3], "in the middle of its zstd"),
        ("gzip", TWO_GZIPS[:-12], "in the middle of its gzip"),
        ("deflate", b"", "in the middle of its deflate"),
        ("gzip", gzip.compress(b"no json", mtime=0), "JSON"),
    ],
)
async def test_what_cannot_be_read_is_told_in_the_dialects_own_shape(
    tmp_path: Path, kind: str, encoding: str, raw: bytes, told: str
) -> None:
    """400 with the reason; nothing reaches the provider, nothing is held, the next one works."""
    async with Device(tmp_path, [budget("daily", "5")], keys=KEYS) as device:
        reply = await ask(device, kind, raw, encoding)

        assert reply.status == 400
        assert told in reply.error["message"]
        assert device.sandbox.bill.rows == []
        assert (await device.status("daily"))["held_nusd"] == 0
        good = PACK["zstd"](msgspec.json.encode(ASKED[kind][1]))
        assert (await ask(device, kind, good, "zstd")).status == 200
        await device.until_idle()


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_is_too_large(tmp_path: Path, encoding: str) -> None:
    """A few kilobytes that hold more than a request may: stopped at the bound."""
    bomb = PACK[encoding](bytes(MAX_BODY_BYTES + 1))
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await ask(device, "messages", bomb, encoding)

        assert len(bomb) < 100_000
        assert reply.status == 400
        assert "larger than 32 MiB" in reply.error["message"]
        assert device.sandbox.bill.rows == []


async def test_a_prompt_is_counted_plain(tmp_path: Path) -> None:
    """The free count gets a body of ours, which is not compressed: 400,000 bytes bound to $4."""
    body = message("word " * 80_000, stream=False)
    raw = zstd.compress(msgspec.json.encode(body))
    async with Device(tmp_path, [budget("daily", "1.5")]) as device:
        reply = await ask(device, "messages", raw, "zstd")
        await device.until_idle()

        assert reply.status == 200
        counted, asked = device.sandbox.requests
        assert (counted.path.partition("?")[0], asked.path) == (
            "/v1/messages/count_tokens",
            "/v1/messages",
        )
        [entry] = await device.ledger()
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd()
