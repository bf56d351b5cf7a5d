"""A provider that costs almost nothing, so that what is measured is the way to it.

`python -m tests.bench.upstream` prints its port. It answers every POST with canned bytes: JSON, or
50 events when the path ends in `?stream`; with `?paced` 10 to 30 ms lie between them, as between
the tokens of a fast model, and each says in nanoseconds of the machine's clock when it was sent.
"""

import asyncio
import json
import random
import sys
import time

import uvloop

EVENTS = 50
GAPS_S = (0.01, 0.03)


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


USAGE = {"input_tokens": 12, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
MESSAGE = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "claude-opus-5",
           "content": [], "stop_reason": None, "stop_sequence": None}  # fmt: skip
WHOLE = json.dumps(
    {**MESSAGE, "content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn",
     "usage": {**USAGE, "output_tokens": 40}}
).encode()  # fmt: skip
STREAM = [
    _event("message_start", message={**MESSAGE, "usage": {**USAGE, "output_tokens": 1}}),
    _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    *[
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"word {n} "})
        for n in range(EVENTS - 5)
    ],
    _event("content_block_stop", index=0),
    _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 40}),
    _event("message_stop"),
]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nrequest-id: req_bench\r\n"
JSON_REPLY = HEAD % b"application/json" + b"Content-Length: %d\r\n\r\n" % len(WHOLE) + WHOLE
STREAM_HEAD = HEAD % b"text/event-stream" + b"Transfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM_REPLY = STREAM_HEAD + b"".join(map(_chunk, STREAM)) + b"0\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection: reads requests by their Content-Length, answers each."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._data = bytearray()
        self._need = -1

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._need < 0:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._data[:end]).lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self._need, self._line = end + 4 + size, head.split(b"\r\n", 1)[0]
        if len(self._data) < self._need:
            return
        del self._data[: self._need]
        self._need = -1
        if b"?paced" in self._line:
            self._task = asyncio.get_running_loop().create_task(self._pace())
        else:
            reply = STREAM_REPLY if b"?stream" in self._line else JSON_REPLY
            self._transport.write(reply)  # type: ignore[attr-defined]

    async def _pace(self) -> None:
        write = self._transport.write  # type: ignore[attr-defined]
        write(STREAM_HEAD)
        for event in STREAM:
            await asyncio.sleep(random.uniform(*GAPS_S))
            write(_chunk(event.replace(b"word", b"@%020d" % time.monotonic_ns())))
        write(b"0\r\n\r\n")


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
