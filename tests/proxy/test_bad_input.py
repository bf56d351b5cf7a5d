"""Requests that cannot be sent on: a clear error in the dialect's shape, nothing held or sent."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agentspend.core.limits import MAX_BODY_BYTES
from tests.support.desk import Device, Reply, budget, message


def without(name: str) -> dict[str, Any]:
    """A request that lacks a field."""
    return {key: value for key, value in message().items() if key != name}


async def check(device: Device, reply: Reply, status: int, *words: str) -> None:
    """The error is in the API's shape and says this; the provider saw nothing; all goes on."""
    assert reply.status == status
    assert msgspec.json.decode(reply.body)["type"] == "error"
    for word in words:
        assert word in reply.error["message"]
    assert reply.headers["request-id"].startswith("req_agentspend_")
    assert reply.headers["x-should-retry"] == "false"
    assert device.sandbox.requests == []
    assert (await device.status("daily"))["held_nusd"] == 0
    assert (await device.post(message())).status == 200
    await device.until_idle()
    assert await device.spent_nusd() == device.sandbox.bill.total_nusd()


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b'{"model": "claude-opus-5", "max_tok', "JSON"),
        (b'["claude-opus-5"]', "JSON"),
        (b'{"model":"claude-opus-5","max_tokens":9,"messages":[]}\xff', "UTF-8"),
        (without("model"), "model: Field required"),
        (without("max_tokens"), "max_tokens: Field required"),
        (message(max_tokens=-1), "max_tokens"),
        ({**message(), "max_tokens": "many"}, "max_tokens"),
        ({**message(), "max_tokens": 1.5}, "max_tokens"),
        ({**message(), "model": ""}, "model"),
        ({**message(), "model": 5}, "model"),
        (message(model="claude-opus-5@\0"), "model: 'claude-opus-5@\\x00' must hold printable"),
        (message(fallbacks=[{"model": "claude-opus-5\n"}]), "model: 'claude-opus-5\\n' must"),
        (message(model="claude-opus-5" * 20), "no longer than 256 characters"),
        (b'{"max_tokens":1,' + msgspec.json.encode(message())[1:], "max_tokens"),
    ],
)
async def test_a_body_that_is_no_request(
    tmp_path: Path, body: bytes | dict[str, Any], word: str
) -> None:
    """400 with what is wrong, as the API itself would say it."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        await check(device, await device.post(body), 400, word)


async def test_an_unknown_model_is_refused_with_the_nearest_names(tmp_path: Path) -> None:
    """Never sent, never guessed; the message names known models and the command for a price."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await device.post(message(model="claude-opus-55"))

        words = ("'claude-opus-55'", "Nearest known: claude-opus-5", "agentspend prices set")
        await check(device, reply, 402, *words)


@pytest.mark.parametrize(
    "asks",
    [
        {"speed": "ludicrous"},
        {"service_tier": "gold"},
        {"inference_geo": "moon"},
        {"speed": 3},
        {"extra_output_tokens": 5},
    ],
)
async def test_what_has_no_price_is_refused_before_the_call(
    tmp_path: Path, asks: dict[str, Any]
) -> None:
    """An unknown speed, tier or billable field: refused by its name."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await device.post(message(**asks))

        await check(device, reply, 402, next(iter(asks)))


SEARCH = {"type": "web_search_20250305", "name": "web_search"}
ADVISOR = {"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5", "max_uses": 2}


@pytest.mark.parametrize(
    "asks",
    [
        {"tools": [{**SEARCH, "max_uses": 10**15}]},
        {"tools": [{**SEARCH, "max_uses": 10**18}]},
        {"tools": [{**ADVISOR, "max_tokens": 10**18}]},
    ],
)
async def test_what_could_cost_more_than_any_sum_is_refused(
    tmp_path: Path, asks: dict[str, Any]
) -> None:
    """Also where no budget says no: a ledger could not even add it up."""
    async with Device(tmp_path, [budget("daily", "5", mode="warn")]) as device:
        reply = await device.post(message(**asks))

        await check(device, reply, 402, "more than $1,000,000.00", "max_uses")


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_a_body_of_forty_megabytes(tmp_path: Path, path: str) -> None:
    """Refused while it is still being read; memory and daemon stay as they were."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await device.post(b'"' + b"x" * (40 * 1024**2) + b'"', path)

        await check(device, reply, 400, f"larger than {MAX_BODY_BYTES // 1024**2} MiB")


async def test_a_large_body_within_the_limit_is_sent_whole(tmp_path: Path) -> None:
    """Images make bodies of many megabytes: byte for byte the same upstream."""
    async with Device(tmp_path, [budget("total", "500")]) as device:
        body = msgspec.json.encode(message("x" * (6 * 1024**2), model="claude-opus-5"))
        reply = await device.post(body)

        assert device.sandbox.requests, reply.body
        assert device.sandbox.requests[-1].body == body


async def test_a_missing_key_is_told_with_the_command_that_stores_one(tmp_path: Path) -> None:
    """Our token stands in for a key that is not there."""
    async with Device(tmp_path, [budget("daily", "5")], keys={}) as device:
        reply = await device.post(message())

        assert reply.status == 402
        assert "agentspend keys set anthropic" in reply.error["message"]
        assert device.sandbox.requests == []


async def test_a_full_or_read_only_disk_refuses_in_words(tmp_path: Path) -> None:
    """No hold on disk, no request: the agent is told why and stops."""
    async with Device(tmp_path, [budget("daily", "5")]):
        pass
    async with Device(tmp_path, read_only=True) as device:
        reply = await device.post(message())

        assert (reply.status, reply.error["type"]) == (402, "billing_error")
        assert "no request may leave" in reply.error["message"]
        assert device.sandbox.requests == []
