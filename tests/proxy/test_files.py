"""A PDF in a conversation: its tokens are in no byte, but a count has them, and an earlier turn."""

from pathlib import Path
from typing import Any

import msgspec

from tests.proxy.raw import RawProvider
from tests.proxy.test_every_dialect import CHAT, ask
from tests.support.desk import Device, budget, message

PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x" * 4_000},
}
ASKED = {"role": "user", "content": [PDF, {"type": "text", "text": "what is it?"}]}


def talk(*turns: dict[str, Any]) -> dict[str, Any]:
    """The conversation that begins with the file."""
    return {**message(model="claude-opus-5"), "messages": [ASKED, *turns]}


async def test_a_file_is_counted_and_known_again(tmp_path: Path) -> None:
    """A cap far below a whole window lets it pass, also turn by turn."""
    then = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "more"}]
    async with Device(tmp_path, [budget("daily", "0.70")]) as device:
        for turns in ([], then):
            reply = await device.post(talk(*turns))
            assert reply.status == 200, reply.body
            await device.until_idle()
        first, second = await device.ledger()
        paths = [seen.path for seen in device.sandbox.requests]
        assert sum("count_tokens" in path for path in paths) == 1
        assert second["hold_nusd"] < first["hold_nusd"]
        assert await device.spent_nusd() == device.sandbox.bill.total_nusd()


async def test_where_nothing_counts_it_the_window_does(tmp_path: Path) -> None:
    """OpenAI counts nothing before: a file may fill the window, and the refusal says so."""
    data = "data:application/pdf;base64,JVBERi0x"
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
    body = {**CHAT, "messages": [{"role": "user", "content": [file]}]}
    async with Device(tmp_path, [budget("daily", "0.30")], keys={"openai": "k"}) as device:
        reply = await ask(device, "/v1/chat/completions", body)
        assert reply.status == 400
        assert "may fill the model's whole window" in reply.error["message"]
        assert device.sandbox.requests == []


async def test_a_broken_answer_to_sound_is_charged_as_sound(tmp_path: Path) -> None:
    """Its first usage counts the prompt, and only its last says how much of that was heard."""
    sound = {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}
    body = {
        "contents": [{"role": "user", "parts": [sound]}],
        "generationConfig": {"maxOutputTokens": 100},
    }
    said = {"promptTokenCount": 100_000, "totalTokenCount": 100_000}
    first = msgspec.json.encode({"candidates": [], "usageMetadata": said})
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n"
    async with (
        RawProvider(head + b"data: " + first + b"\n\n") as provider,
        Device(
            tmp_path, [budget("daily", "9")], keys={"google": "k"}, base_url=provider.url
        ) as device,
    ):
        path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
        await device.post(body, path, User_Agent="test", x_api_key="")
        await device.until_idle()
        assert not any(event.kind == "shrink" for event in device.events)
        [entry] = await device.ledger()
        assert entry["amount_nusd"] >= 100_000 * 1_000  # $1 a million
