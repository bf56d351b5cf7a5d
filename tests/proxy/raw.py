"""Both ends of the wire by hand: a provider that answers given bytes, a client that sends them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec

from tests.support.desk import TOKEN, message

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawProvider:
    """Answers each request with the next of the given answers; the last one repeats.

    An answer is whole bytes, or a function that writes them itself. `received` are the requests,
    head and body as they came.
    """

    def __init__(self, *answers: bytes | Answer) -> None:
        self._answers = list(answers)
        self.received: list[bytes] = []
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def heads(self) -> list[dict[str, str]]:
        """The headers of each request, lower-case names; "" is the request line."""
        return [head_of(raw) for raw in self.received]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.received.append(await read_message(reader))
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """One message with a content length, or without a body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head_of(head).get("content-length", 0))
    return head + await reader.readexactly(length)


def head_of(raw: bytes) -> dict[str, str]:
    """A message's headers by lower-case name; "" is its first line."""
    first, *lines = raw.partition(b"\r\n\r\n")[0].decode("latin1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return {"": first, **{name.lower(): value.strip() for name, _, value in pairs}}


def answer_bytes(
    body: bytes, *headers: str, status: str = "200 OK", kind: str = "application/json"
) -> bytes:
    """An HTTP answer with a content length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def usage_answer(*headers: str, input_tokens: int = 10, output_tokens: int = 5) -> bytes:
    """A small whole Messages answer."""
    return answer_bytes(usage_body(input_tokens, output_tokens), *headers)


def usage_body(input_tokens: int = 10, output_tokens: int = 5) -> bytes:
    """Its body, oddly spaced so that a parser that wrote it anew would show."""
    return (
        b'{ "id":"msg_1", "type":"message","model":"claude-opus-5","stop_reason":"end_turn",\n'
        b' "content":[{"type":"text","text":"caf\\u00e9"}],'
        b'"usage":{"input_tokens":%d,"output_tokens":%d}}' % (input_tokens, output_tokens)
    )


def request_bytes(
    port: int, *headers: str, line: str = "", body: bytes | None = None, host: str = ""
) -> bytes:
    """A request to the proxy; by default a Messages request that is whole and right."""
    raw = msgspec.json.encode(message(stream=False)) if body is None else body
    first = line or f"POST /s/{TOKEN}/v1/messages HTTP/1.1"
    lines = [first, f"Host: {host or f'127.0.0.1:{port}'}", f"Content-Length: {len(raw)}"]
    if not any(header.lower().startswith("content-type") for header in headers):
        lines.append("Content-Type: application/json")
    return (
        "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode(
            errors="surrogateescape"
        )
        + raw
    )


async def send(port: int, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; the answer's status, headers and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        await writer.drain()
        got = await reader.read()
    finally:
        writer.close()
    head = head_of(got)
    return int(head[""].split(" ")[1]), head, got.partition(b"\r\n\r\n")[2]


async def until(ready: Callable[[], bool], turns: int = 2_000) -> None:
    """Let others work until something holds."""
    for _ in range(turns):
        if ready():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")
