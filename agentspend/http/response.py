"""One answer of a provider, and the conversation that brings it."""

import asyncio
from types import TracebackType
from typing import Self

import httptools
from aiohttp.connector import Connection
from multidict import CIMultiDict

from agentspend.http.answer import BODILESS
from agentspend.http.head import READ, is_chunked
from agentspend.http.incoming import Incoming

MAX_HEAD_BYTES = 256 * 1024


class Cut(ConnectionError):
    """The provider, or something on the way, broke the connection off."""


class NotHttp(Cut):
    """What came is no HTTP answer."""


class Silence(TimeoutError):
    """Nothing came for too long."""


class Response:
    """Status, reason and headers, and a body that is still coming.

    In a `with`, or closed: a connection whose answer was not read to its end is not used again.
    """

    __slots__ = ("_talk", "content", "headers", "reason", "status")

    def __init__(self, talk: "Talk", status: int, reason: str, headers: CIMultiDict[str]) -> None:
        self._talk = talk
        self.status, self.reason, self.headers = status, reason, headers
        self.content = Incoming(talk.hold)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Nobody reads what is still to come."""
        self._talk.close()


class Talk(asyncio.Protocol):
    """One request and its answer on a connection that is lent for it.

    `response` is done when the answer's head is here, or raises `Cut` or `Silence`. The connection
    goes back to its pool with the answer's last byte, if it may be used again.
    """

    def __init__(self, connection: Connection, silence_s: float) -> None:
        assert connection.protocol is not None
        assert connection.transport is not None
        self._connection = connection
        self._owner = connection.protocol
        self._transport = connection.transport
        self._loop = asyncio.get_running_loop()
        self._parser = _parser(self)
        self._reason, self._size, self._mute = b"", 0, 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._answer: Response | None = None
        self._whole = self._over = self._held = self._until_end = False
        self._stray = self._stays = False
        self._silence_s = silence_s
        self._heard_s = self._loop.time()
        self._timer = self._loop.call_later(silence_s, self._listen)
        self.response: asyncio.Future[Response] = self._loop.create_future()
        self._transport.set_protocol(self)

    def say(self, head: bytes, body: bytes) -> None:
        """Send the request."""
        if len(body) > MAX_HEAD_BYTES:
            self._transport.writelines([head, body])
        else:
            self._transport.write(head + body)

    def hold(self, on: bool) -> None:  # noqa: FBT001 - one of two states
        """Stop reading, or go on."""
        if not self._over:
            self._held = on
            self._heard_s = self._loop.time()
            (self._transport.pause_reading if on else self._transport.resume_reading)()

    def close(self) -> None:
        """Break it off, unless it is over."""
        if not self._over:
            self._end(again=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the other side closed it, or it broke."""
        if exc is None and self._until_end and self._answer is not None:
            self._answer.content.end()
        else:
            self._fail(Cut(str(exc) if exc else "the connection was closed"))
        self._owner.connection_lost(exc)
        self.close()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        if self._over:
            return
        self._heard_s = self._loop.time()
        self._mute += len(data)
        try:
            self._parser.feed_data(data)
            if self._mute > MAX_HEAD_BYTES:
                raise httptools.HttpParserError  # a head without end, which it still gathers
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._stray = True
            if not self._whole:
                self._fail(NotHttp("its answer is not HTTP"))
                self.close()
        if self._whole:
            self._end(again=self._stays and not self._stray)

    def on_message_begin(self) -> None:
        """httptools: an answer begins; there is one only."""
        self._stray = self._stray or self._whole
        self._reason, self._headers = b"", []

    def on_status(self, part: bytes) -> None:
        """httptools: the reason, or a piece of it."""
        self._reason += part
        self._grow(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer, which counts for nothing."""
        self._grow(len(name) + len(value))
        if self._answer is None:
            # It takes "Content-Length :" for a name, and leaves what follows a value.
            self._headers.append((name.strip(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """httptools: the head is whole; one that only announces another is passed over."""
        status = self._parser.get_status_code()
        if status < 200 or self._answer is not None:
            return
        self._mute = 0
        headers = CIMultiDict(
            [(str(name, *READ), str(value, *READ)) for name, value in self._headers]
        )
        told = "Content-Length" in headers or status in BODILESS or is_chunked(headers)
        self._until_end = not told
        self._answer = Response(self, status, str(self._reason, *READ), headers)
        if not self.response.done():
            self.response.set_result(self._answer)

    def on_body(self, piece: bytes) -> None:
        """httptools: some of the body."""
        self._mute = 0
        if self._answer is not None and not self._whole:
            self._answer.content.feed(piece)

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        if self._answer is not None:
            self._whole = True
            self._stays = self._parser.should_keep_alive()  # it has forgotten by the next byte
            self._answer.content.end()

    def _grow(self, by: int) -> None:
        self._size += by
        if self._size > MAX_HEAD_BYTES:
            raise NotHttp

    def _fail(self, error: Exception) -> None:
        if self._over:
            return
        if self._answer is not None:
            self._answer.content.fail(error)
        elif not self.response.done():
            self.response.set_exception(error)

    def _end(self, *, again: bool) -> None:
        """Give the connection back, or close it."""
        self._over = True
        self._timer.cancel()
        self.response.cancel()
        self._answer = None
        del self._parser, self.response  # what holds this object would keep it until a collection
        if self._held:
            self._transport.resume_reading()
        unsent = self._transport.get_write_buffer_size() > 0
        if unsent:
            self._transport.abort()  # closed, it would still wait for who reads no more
        if unsent or not again or self._transport.is_closing():
            self._connection.close()
        else:
            self._transport.set_protocol(self._owner)
            self._connection.release()

    def _listen(self) -> None:
        """Whether the provider fell silent; a slow reader, or a slow way up, is not its silence."""
        quiet_s = self._loop.time() - self._heard_s
        if self._held or self._transport.get_write_buffer_size():
            quiet_s = 0.0
        if quiet_s >= self._silence_s:
            self._fail(Silence("nothing came"))
            self.close()
        else:
            self._timer = self._loop.call_later(self._silence_s - quiet_s, self._listen)


def _parser(talk: Talk) -> httptools.HttpResponseParser:
    """Reads what providers send in practice, as browsers do: bare line feeds, odd header bytes."""
    parser = httptools.HttpResponseParser(talk)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser
