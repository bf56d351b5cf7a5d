"""One request through the whole journey, against the provider's own bill."""

from contextlib import suppress
from pathlib import Path

import pytest

from agentspend.sandbox.behaviour import Behaviour, Iteration
from agentspend.sandbox.server import Sandbox
from tests.proxy.raw import RawProvider, answer_bytes, request_bytes, send, usage_body
from tests.support.desk import Device, budget, message
from tests.support.manual_time import START_S, ManualTime


async def test_a_request_is_billed_to_the_nano_dollar(tmp_path: Path) -> None:
    """Our ledger says what the provider's bill says, and nothing stays held."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await device.post(message())
        await device.until_idle()

        assert reply.status == 200
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd() > 0
        assert (await device.status("daily"))["held_nusd"] == 0


async def test_over_budget_the_provider_sees_nothing_and_the_agent_our_message(
    tmp_path: Path,
) -> None:
    """A refusal in the dialect's own shape; no request leaves."""
    async with Device(tmp_path, [budget("daily", "0.001")]) as device:
        reply = await device.post(message())

        assert (reply.status, reply.error["type"]) == (402, "billing_error")
        assert "agentspend budget raise daily" in reply.error["message"]
        assert device.sandbox.bill.rows == []


async def test_a_mistake_of_ours_still_ends_the_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error nobody expected while metering: the hold becomes a charge, the client gets words."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agentspend.proxy.exchange.decoder_for", broken)
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await device.post(message())
        await device.until_idle()

        assert (reply.status, reply.error["type"]) == (502, "api_error")
        assert "daemon logs" in reply.error["message"]
        assert (await device.status("daily"))["held_nusd"] == 0
        assert await device.spent_nusd() >= device.sandbox.bill.total_nusd() > 0


async def test_a_mistake_before_anything_left_gives_the_hold_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held and cannot be sent costs nothing, and is free again at once."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agentspend.dialects.anthropic.Anthropic.prepare", broken)
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        reply = await device.post(message())
        await device.until_idle()

        assert (reply.status, reply.error["type"]) == (502, "api_error")
        assert (await device.status("daily"))["held_nusd"] == 0
        assert await device.spent_nusd() == 0
        assert device.sandbox.requests == []


async def test_a_mistake_while_charging_ends_the_hold_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever cannot be worked out or written down: nothing stays held, and all of it is said."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("agentspend.proxy.ending.remember", broken)
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        assert (await device.post(message())).status == 200
        with suppress(ZeroDivisionError):
            await device.until_idle()
        (entry,) = await device.ledger()

        assert (entry["billing"], entry["evidence"]) == ("ceiling", "estimate")
        assert entry["amount_nusd"] == entry["hold_nusd"] >= device.sandbox.bill.total_nusd() > 0
        assert (await device.status("daily"))["held_nusd"] == 0


async def test_another_models_work_inside_an_answer_is_charged(tmp_path: Path) -> None:
    """An advisor's tokens are billed at its own model; the entry names each line's model."""
    advisor = Iteration("advisor_message", "claude-opus-5-5", input_tokens=900, output_tokens=300)
    async with (
        Sandbox(behaviour=Behaviour(iterations=(advisor,))) as sandbox,
        Device(tmp_path, [budget("daily", "5")], sandbox=sandbox) as device,
    ):
        reply = await device.post(message(model="claude-haiku-4-5"))
        await device.until_idle()

        assert reply.status == 200
        [entry] = await device.ledger()
        assert entry["amount_nusd"] == sandbox.bill.total_nusd() > 0
        assert "claude-opus-5-5 output" in [line["what"] for line in entry["rates"]]


async def test_the_providers_words_are_kept_as_words(tmp_path: Path) -> None:
    """An id of a megabyte, or a header that is no text, is no reason to keep a hold for ever."""
    body = usage_body().replace(b'"msg_1"', b'"' + b"m" * 1_000_000 + b'"')
    answer = answer_bytes(body).replace(b"Content-Type", b"request-id: r\xff\r\nContent-Type", 1)
    async with (
        RawProvider(answer) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        status, _, got = await send(
            device.port, request_bytes(device.port, "x-claude-code-agent-id: a\udcff")
        )
        await device.until_idle()
        (entry,) = await device.ledger()

        assert (status, got) == (200, body)
        assert (entry["request_id"], entry["response_id"]) == ("r?", "m" * 256)
        assert (entry["evidence"], entry["subagent"]) == ("provider_usage", "a?")


async def test_a_clock_that_was_once_ahead_makes_nothing_dearer(tmp_path: Path) -> None:
    """The ledger's time stays ahead, and no request is charged by a price that is not in force."""
    time = ManualTime()
    path = "/v1beta/models/gemini-3.8-flash:generateContent"
    body = {"contents": [{"role": "user", "parts": [{"text": "say hi"}]}],
            "generationConfig": {"maxOutputTokens": 100}}  # fmt: skip
    async with Device(
        tmp_path, [budget("always", "5", "total")], time=time, keys={"google": "AIza-test"}
    ) as device:
        time.now_s += 60 * 86_400
        await device.bookkeeper.ask(lambda books, at: books.now(at))
        time.now_s = START_S
        assert (await device.post(body, path=path)).status == 200
        await device.until_idle()

        (entry,) = await device.ledger()
        assert entry["amount_nusd"] == device.sandbox.bill.total_nusd() > 0
        assert "overrun_nusd" not in entry
