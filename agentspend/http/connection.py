"""One client's connection: its requests one after the other, each answered before the next."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from agentspend.http.answer import Answer, Given
from agentspend.http.reply import Reply, plain
from agentspend.http.request import Request

if TYPE_CHECKING:
    from agentspend.http.server import Server

IDLE_S = 75.0
LINGER_S = 10.0
"""How long the rest of a body that nobody wants is taken in, so that the answer arrives."""
NO_HTTP = "agentspend: this is no HTTP/1.1 request"
TOO_SLOW = "agentspend: the rest of the request never came"
FAILED = "agentspend: a mistake of ours ended this request; agentspend daemon logs names it"


class _HeadTooLong(Exception):
    """More header bytes than a server takes in."""


class Connection(asyncio.Protocol):
    """Parses requests, starts their answers in turn, and ends them when the client leaves."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._target, self._size, self._mute = b"", 0, 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._coming: Request | None = None
        self._now: Request | None = None
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[Given] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._last = self._lost = self._begun = self._heard = False
        self._holds = 0
        self._broken: Reply | None = None
        self.peer = ("", 0)

    @property
    def is_slow(self) -> bool:
        """Whether the client reads slower than it is written to."""
        return self._drained is not None

    def write(self, data: bytes) -> None:
        """Send bytes of an answer; raises `ConnectionResetError` where the client is gone."""
        if self._lost:
            raise ConnectionResetError("the client hung up")
        self._begun = True
        self._transport.write(data)

    async def drained(self) -> None:
        """Wait until the client has read most of what was written."""
        if self._drained is not None:
            await asyncio.shield(self._drained)
        if self._lost:
            raise ConnectionResetError("the client hung up")

    def hold(self, on: bool) -> None:  # noqa: FBT001 - one of two states
        """Stop reading, or go on once everybody who stopped it does."""
        self._holds += 1 if on else -1
        if self._holds == 0 and not self._lost:
            self._transport.resume_reading()
        elif on and self._holds == 1 and not self._lost:
            self._transport.pause_reading()

    def abort(self) -> None:
        """Cut it, whatever is still to be written."""
        self._transport.abort()

    def wishes(self, request: Request) -> list[tuple[str, str]]:
        """The headers that say whether the connection stays."""
        if not request.keep_alive:
            return [("Connection", "close")]
        return [("Connection", "keep-alive")] if request.is_old else []

    def shut(self) -> "asyncio.Task[Given] | None":
        """End it, with the answer it is giving; returns that answer's task where there is one."""
        self._transport.close()
        if self._task is not None:
            self._task.cancel()
        return self._task

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's have no base class
        peer = transport.get_extra_info("peername") or ("", 0)
        self.peer = (str(peer[0]), int(peer[1]))
        self._server.connections.add(self)
        self._within(IDLE_S)

    def connection_lost(self, _: Exception | None) -> None:
        """asyncio: it is closed."""
        self._lost = True
        self._server.connections.discard(self)
        self._stop_timer()
        self.resume_writing()
        for request in (self._coming, self._now, *self._waiting):
            if request is not None:
                request.content.fail(ConnectionResetError("the client hung up"))
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        self._coming = None
        del self._parser  # it holds this object, and would keep it until the next collection

    def pause_writing(self) -> None:
        """asyncio: the client reads too slowly."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """asyncio: it has caught up."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
        if self._now is None and self._waiting and not self._lost:
            self._rest()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        if self._last and self._coming is None:
            return  # whatever follows the last request
        self._mute += len(data)
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, _HeadTooLong):
                self.abort()
                raise
            self._refuse(431)
        except httptools.HttpParserError:
            self._refuse(400)
        if self._mute > self._server.max_head_bytes and not self._last:
            self._refuse(431)  # one name or value without end, which the parser still gathers

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._target, self._size, self._headers = b"", 0, []

    def on_url(self, part: bytes) -> None:
        """httptools: its target, or a piece of it."""
        self._target += part
        self._grow(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header, or a trailer, which counts for nothing."""
        self._grow(len(name) + len(value))
        if self._coming is None:
            self._headers.append((name, value.rstrip(b" \t")))  # it leaves what follows a value

    def on_headers_complete(self) -> None:
        """httptools: the head is whole."""
        self._mute = 0
        if self._last:
            return
        method = self._parser.get_method().decode()
        request = Request(self, method, self._target, self._headers, self._size)
        going_on = self._parser.should_keep_alive()
        request.keep_alive = going_on and not self._parser.should_upgrade()
        request.is_old = self._parser.get_http_version() in ("0.9", "1.0")
        self._coming = request
        if self._now is None and not self.is_slow:
            self._start(request)
            return
        if not self._waiting:
            self.hold(True)
        self._waiting.append(request)

    def on_body(self, piece: bytes) -> None:
        """httptools: some of the body."""
        self._mute = 0
        if self._coming is not None:
            self._coming.content.feed(piece)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        self._mute = 0
        request, self._coming = self._coming, None
        if request is not None:
            request.content.end()
            if request is not self._now and request not in self._waiting:
                self._rest()

    def _grow(self, by: int) -> None:
        self._size += by
        if self._size > self._server.max_head_bytes:
            raise _HeadTooLong

    def _start(self, request: Request) -> None:
        self._now, self._begun = request, False
        if self._coming is request:
            self._await_rest()
        else:
            self._stop_timer()
        if request.headers.get("Expect", "").lower() == "100-continue" and not request.is_old:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._task = self._server.spawn(self._server.handle(request), "answer a client")
        self._task.add_done_callback(self._answered)

    def _answered(self, task: "asyncio.Task[Given]") -> None:
        """An answer was given: send it where it is ours, then turn to the next request."""
        request, self._now, self._task = self._now, None, None
        if self._transport.is_closing() or request is None:
            return
        try:
            whole = self._give(request, task)
        except BaseException:
            self.abort()
            raise
        if not whole:
            self.abort()
            return
        if not request.keep_alive:
            self._last = True
            self._waiting.clear()
        request.content.drop()
        if self._coming is request:
            self._within(LINGER_S)
        else:
            self._rest()

    def _give(self, request: Request, task: "asyncio.Task[Given]") -> bool:
        """Whether the client has a whole answer now."""
        failed = task.cancelled() or task.exception() is not None
        given = plain(500, FAILED) if failed else task.result()
        if given is None and self._broken is not None:
            given, request.keep_alive = self._broken, False
        if isinstance(given, Reply) and not self._begun:
            self._send(request, given)
            return True
        return isinstance(given, Answer) and given.ended

    def _send(self, request: Request, reply: Reply) -> None:
        body = b"" if request.method == "HEAD" else reply.body
        self._transport.write(reply.head(*self.wishes(request)) + body)

    def _rest(self) -> None:
        """Nothing of this request is left: the next one, the end, or a pause."""
        if self._waiting:
            if self.is_slow:
                return  # it does not read the answers it has
            request = self._waiting.popleft()
            if not self._waiting:
                self.hold(False)
            self._start(request)
        elif self._broken is not None:
            self._part()
        elif self._last:
            self._transport.close()
        elif self._now is None:
            self._within(IDLE_S)

    def _refuse(self, status: int, why: str = NO_HTTP) -> None:
        """What came is no request, or no end of one: say so, unless it was answered already."""
        said, self._last = self._last, True
        coming, self._coming = self._coming, None
        if coming is not None:
            self._broken = plain(status, why)
            coming.content.fail(ConnectionResetError(why))
        if self._now is not None or self._waiting or self._transport.is_closing():
            return
        if said or coming is not None:
            self._transport.close()
            return
        reply = plain(status, why)
        self._transport.write(reply.head(("Connection", "close")) + reply.body)
        self._part()

    def _part(self) -> None:
        """Nothing more is said. What still comes is taken in: closed at once, the last answer
        could be lost on its way."""
        try:
            self._transport.write_eof()
        except OSError:
            self.abort()
        else:
            self._within(LINGER_S)

    def _await_rest(self) -> None:
        """Let no client hold a request open for ever whose body never comes."""
        self._stop_timer()
        self._heard = False
        self._timer = self._loop.call_later(IDLE_S, self._rest_is_late)

    def _rest_is_late(self) -> None:
        if self._coming is None:
            return
        if self._heard or self._holds:
            self._await_rest()
        else:
            self._refuse(408, TOO_SLOW)

    def _within(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(seconds, self._transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
