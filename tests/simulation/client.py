"""The agents of a run: they send, read, go on with the conversation, or hang up."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from tests.support.desk import CLAUDE, Device


@dataclass(slots=True)
class Answered:
    """What one client got. `whole`: to its last byte."""

    status: int = 0
    body: bytes = b""
    whole: bool = False
    content: list[dict[str, Any]] = field(default_factory=list)
    stop_reason: str = ""


async def send(
    device: Device,
    session: str,
    name: str,
    body: dict[str, Any],
    leaves_after_s: float | None = None,
) -> Answered:
    """One request under a session's token; the client hangs up when its time has come."""
    asking = asyncio.get_running_loop().create_task(_send(device, session, name, body))
    if leaves_after_s is None:
        return await asking
    done, _ = await asyncio.wait([asking], timeout=leaves_after_s)
    if done:
        return asking.result()
    asking.cancel()
    await asyncio.wait([asking])
    return Answered()


async def _send(device: Device, session: str, name: str, body: dict[str, Any]) -> Answered:
    headers = {
        "Content-Type": "application/json", "x-api-key": session, "User-Agent": CLAUDE,
        "x-sandbox-session": name, "x-claude-code-agent-id": name,
    }  # fmt: skip
    url = f"http://127.0.0.1:{device.port}/s/{session}/v1/messages"
    found = Answered()
    try:
        async with device.client.post(url, data=msgspec.json.encode(body), headers=headers) as got:
            found.status = got.status
            found.body = await got.read()
            found.whole = True
            streamed = got.content_type == "text/event-stream"
    except aiohttp.ClientError:
        return found
    if found.status == 200:
        found.content, found.stop_reason = (_from_events if streamed else _from_json)(found.body)
    return found


def _from_json(body: bytes) -> tuple[list[dict[str, Any]], str]:
    message = msgspec.json.decode(body)
    return message["content"], message["stop_reason"] or ""


def _from_events(raw: bytes) -> tuple[list[dict[str, Any]], str]:
    """The message a stream says, put together as an agent does for its next turn."""
    blocks: list[dict[str, Any]] = []
    stop_reason = ""
    for part in raw.split(b"\n\n"):
        _, _, data = part.partition(b"data: ")
        event = msgspec.json.decode(data) if data else {}
        match event.get("type"):
            case "content_block_start":
                blocks.append({**event["content_block"], "json": ""})
            case "content_block_delta":
                _add(blocks[event["index"]], event["delta"])
            case "message_delta":
                stop_reason = event["delta"].get("stop_reason") or ""
    for block in blocks:
        words = block.pop("json")
        if block["type"] == "tool_use":
            block["input"] = msgspec.json.decode(words or "{}")
    return blocks, stop_reason


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]
