"""What the sandbox's tests share: time that only moves when told, and a client."""

import asyncio
import heapq
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from agentspend.sandbox.server import Sandbox

KEY = {"x-api-key": "sk-ant-test"}


class ManualTime:
    """A clock and a sleep for the sandbox that move only by `advance`."""

    def __init__(self, now_s: float = 1_795_000_000.0) -> None:
        self.now_s = now_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, wait_s: float) -> None:
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now_s + wait_s, next(self._order), waker))
        await waker

    async def advance(self, wait_s: float) -> None:
        """Move on, waking every sleeper at its own time; new sleepers of that span wake too."""
        end_s = self.now_s + wait_s
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            self.now_s, _, waker = heapq.heappop(self._sleepers)
            if not waker.done():
                waker.set_result(None)
            await settle()
        self.now_s = end_s


async def settle() -> None:
    """Give the event loop turns enough to deliver what is on loopback."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    """Wait for the event loop to make something true; fails when it never does."""
    for _ in range(20_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


def body(**changes: Any) -> dict[str, Any]:
    """A small request, changed as asked; a field set to None is left out."""
    whole = {
        "model": "claude-opus-5-5",
        "max_tokens": 4_000,
        "messages": [{"role": "user", "content": "say hi"}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def chat(**changes: Any) -> dict[str, Any]:
    """A small Chat Completions request, changed as `body` is."""
    return body(**{"model": "gpt-4.1", "max_tokens": None, **changes})


def response(**changes: Any) -> dict[str, Any]:
    """A small Responses request."""
    plain = {"model": "gpt-6.1-sol", "max_tokens": None, "messages": None, "input": "say hi"}
    return body(**{**plain, **changes})


def content(**changes: Any) -> dict[str, Any]:
    """A small Gemini request, with the model that stands in its path on the wire."""
    said = [{"role": "user", "parts": [{"text": "say hi"}]}]
    plain = {"model": "gemini-3.8-flash", "max_tokens": None, "messages": None, "contents": said}
    return body(**{**plain, **changes})


def events(raw: bytes) -> list[dict[str, Any]]:
    """The decoded `data` of every whole event of a stream; the `[DONE]` of a chat is none."""
    blocks = raw.decode().split("\n\n")[:-1]
    data = [block.split("data: ", 1)[1] for block in blocks]
    return [json.loads(value) for value in data if value != "[DONE]"]


class Client:
    """Talks to one sandbox as an agent does."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def post(
        self, request: object, path: str = "/v1/messages?beta=true", **headers: str
    ) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
        raw = request if isinstance(request, bytes) else json.dumps(request).encode()
        url = self.sandbox.url + path
        async with self.http.post(url, data=raw, headers={**KEY, **headers}) as response:
            return response.status, json.loads(await response.read()), response

    async def stream(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        raw = json.dumps({**request, "stream": True}).encode()
        url = self.sandbox.url + "/v1/messages"
        async with self.http.post(url, data=raw, headers=KEY) as response:
            assert response.status == 200
            return events(await response.read())

    async def start(self, request: dict[str, Any]) -> aiohttp.ClientResponse:
        """Send a streaming request and come back with its first byte."""
        raw = json.dumps({**request, "stream": True}).encode()
        return await self.http.post(self.sandbox.url + "/v1/messages", data=raw, headers=KEY)


@pytest.fixture
def time() -> ManualTime:
    return ManualTime()


@pytest.fixture
async def sandbox(time: ManualTime) -> AsyncIterator[Sandbox]:
    async with Sandbox(seed=7, clock=time.clock, sleep=time.sleep) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(sandbox, http)
