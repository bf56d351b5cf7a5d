"""A device with virtual keys: made as the daemon makes them, used as a client does."""

from typing import Any

import msgspec

from agentspend.daemon.virtual_keys import KeyBook
from tests.support.desk import CLAUDE, Device, Reply, message


async def key_book(device: Device) -> KeyBook:
    """Who makes keys for this device."""
    book = KeyBook(device.bookkeeper, device.desk.key_sessions.keys)
    await book.load()
    return book


async def send(device: Device, path: str, body: Any = None, **headers: str) -> Reply:
    """One request to a path of the proxy's, with nothing of ours but what the caller says."""
    sent = {"Content-Type": "application/json", "User-Agent": CLAUDE}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = msgspec.json.encode(message() if body is None else body)
    url = f"http://127.0.0.1:{device.port}{path}"
    async with device.client.post(url, data=raw, headers=sent) as answer:
        return Reply(answer.status, answer.headers, await answer.read())
