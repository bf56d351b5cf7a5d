"""Sending one answer, and knowing at every moment how much of it has been generated.

Owns pacing, faults in mid-stream and the moment a row of the bill is closed: before the last
byte of an answer leaves, so that a client that has read it all finds the bill complete.

The rule of generation: unpaced, the tokens generated are those of the events sent. Paced, they
are `tokens_per_s` times the time since generation began, at least those sent, at most the answer.
A client that leaves stops it: billed are the exact input and the tokens generated until then. A
dialect that `drains` generates, and bills, the whole answer all the same.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.bill import Bill, BillRow
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.dialect import Dialect

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
_SSE = "text/event-stream; charset=utf-8"


class Gate:
    """Where hanging requests wait until they are released."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._arrived = asyncio.Event()
        self.waiting = 0

    async def until(self, count: int) -> None:
        """Wait until `count` requests hang at once."""
        while self.waiting < count:
            await self._arrived.wait()

    async def wait(self) -> None:
        """Wait for the next release."""
        self.waiting += 1
        self._arrived.set()
        self._arrived = asyncio.Event()
        try:
            await self._opened.wait()
        finally:
            self.waiting -= 1

    def release(self) -> None:
        """Let everyone go who waits now; who comes later waits again."""
        self._opened.set()
        self._opened = asyncio.Event()


@dataclass(slots=True)
class Delivery:
    """One answer on its way to one client."""

    dialect: Dialect
    answer: Answer
    bill: Bill
    row: BillRow
    clock: Clock
    sleep: Sleep
    gate: Gate
    sent_tokens: int = 0
    began_s: float | None = None
    ended: bool = False

    async def send(self, request: web.BaseRequest, *, streaming: bool) -> web.StreamResponse:
        """Answer `request`. However this ends, the bill has its row closed."""
        behaviour = self.answer.behaviour
        try:
            if behaviour.hang_after_events == 0:
                await self.gate.wait()
            if behaviour.first_byte_delay_s:
                await self.sleep(behaviour.first_byte_delay_s)
            self.began_s = self.clock()
            if not streaming:
                return await self._send_json(request)
            if _at_once(behaviour):
                return self._send_at_once()
            return await self._send_events(request)
        finally:
            self._end("disconnect")

    def generated(self) -> int:
        """Output tokens generated so far, by the rule above."""
        behaviour = self.answer.behaviour
        made = self.sent_tokens
        if behaviour.paced and self.began_s is not None:
            made = max(made, int((self.clock() - self.began_s) * behaviour.tokens_per_s))
        return min(made, self.answer.usage.output_tokens)

    def _end(self, outcome: str) -> None:
        if self.ended:
            return
        self.ended = True
        if outcome == "ok" and self.answer.stop_reason == "refusal":
            outcome = "refusal"
        if outcome in ("ok", "refusal") or (outcome == "disconnect" and self.dialect.drains):
            self.bill.end(self.row, self.answer.usage, self.answer.usd(), outcome)
            return
        tokens = self.generated()
        self.bill.end(
            self.row, self.answer.used_after(tokens), self.answer.usd_after(tokens), outcome
        )

    def _send_at_once(self) -> web.Response:
        body = b"".join(step.data for step in self.dialect.stream(self.answer))
        self._end("ok")
        response = web.Response(body=body, headers=self._headers(_SSE))
        response.enable_chunked_encoding()
        return response

    async def _send_json(self, request: web.BaseRequest) -> web.StreamResponse:
        behaviour = self.answer.behaviour
        if behaviour.paced:
            await self.sleep(self.answer.usage.output_tokens / behaviour.tokens_per_s)
        self.sent_tokens = self.answer.usage.output_tokens
        if behaviour.cut_after_events is not None:
            return self._cut(request, web.Response())
        body = self.dialect.whole(self.answer)
        self._end("ok")
        return web.Response(body=body, headers=self._headers("application/json"))

    async def _send_events(self, request: web.BaseRequest) -> web.StreamResponse:
        behaviour = self.answer.behaviour
        response = web.StreamResponse(headers=self._headers(_SSE))
        await response.prepare(request)
        steps = list(self.dialect.stream(self.answer))
        for number, step in enumerate(steps):
            if number == behaviour.cut_after_events:
                return self._cut(request, response)
            if number == behaviour.error_after_events:
                self._end("error")
                await response.write(self.dialect.broken(self.answer, self._error()))
                break
            if number and number == behaviour.hang_after_events:
                await self.gate.wait()
            await self._pace(step.tokens)
            self.sent_tokens = step.tokens
            if number == len(steps) - 1:
                self._end("ok")
            await self._write(response, step.data)
            if behaviour.chunk_delay_s:
                await self.sleep(behaviour.chunk_delay_s)
        await response.write_eof()
        return response

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        size = self.answer.behaviour.torn_bytes or len(data)
        for start in range(0, len(data), size):
            await response.write(data[start : start + size])
            if size < len(data):
                await asyncio.sleep(0)

    async def _pace(self, tokens: int) -> None:
        behaviour = self.answer.behaviour
        if not behaviour.paced or self.began_s is None:
            return
        wait_s = self.began_s + tokens / behaviour.tokens_per_s - self.clock()
        if wait_s > 0:
            await self.sleep(wait_s)

    def _cut(self, request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
        """Reset the connection, as a crashed server does."""
        self._end("cut")
        transport = request.transport
        if transport is not None:
            sock = transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return response

    def _error(self) -> ApiError:
        """The error that ends a stream in its middle."""
        behaviour, usual = self.answer.behaviour, self.dialect.overloaded
        kind = behaviour.error_type or usual.type
        return replace(usual, type=kind, message=behaviour.error_message or usual.message)

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {
            **self.answer.behaviour.headers, "content-type": content_type,
            "cache-control": "no-cache",
        }  # fmt: skip
        if self.dialect.request_id_header:
            headers[self.dialect.request_id_header] = self.answer.request_id
        return headers


def _at_once(behaviour: Behaviour) -> bool:
    """True when nothing happens between two events, so that one write sends them all."""
    return not (
        behaviour.paced
        or behaviour.chunk_delay_s
        or behaviour.torn_bytes
        or behaviour.cut_after_events is not None
        or behaviour.error_after_events is not None
        or behaviour.hang_after_events
    )
