"""A provider's answer on its way to the client, in as few writes as it can be.

Each write is a system call that wakes the client: 0.1 ms here, of which an answer that is there at
once needs one, not three. No byte is held back for it.
"""

from multidict import CIMultiDict

from agentspend.http.head import head_bytes
from agentspend.http.reply import Reply, first_line
from agentspend.http.request import Request

BODILESS = frozenset({204, 304})
_LENGTH = "Content-Length"


class Answer:
    """Its head goes with the first bytes where these are here already, its end with the last.

    `status`, `reason` and `headers` are the provider's; without a length it is sent in chunks, to
    an HTTP/1.0 client until the connection closes.
    """

    __slots__ = ("_chunked", "_head", "_headers", "_reason", "_request", "_status", "begun",
                 "ended")  # fmt: skip

    def __init__(
        self, request: Request, status: int, reason: str, headers: CIMultiDict[str]
    ) -> None:
        self._request = request
        self._status, self._reason, self._headers = status, reason, headers
        self._head = b""
        self._chunked = False
        self.begun = self.ended = False

    def begin(self, *, at_once: bool) -> None:
        """Take over the connection; `at_once`: its first bytes may be long in coming.

        Raises `ConnectionError` where the client is gone, `BadHead`.
        """
        request, framed = self._request, list(self._headers.items())
        bodiless = self._status in BODILESS or _LENGTH in self._headers
        if not bodiless and request.is_old:
            request.keep_alive = False
        elif not bodiless:
            self._chunked = True
            framed.append(("Transfer-Encoding", "chunked"))
        framed.extend(request.connection.wishes(request))
        self._head = _head(self._status, self._reason, framed)
        self.begun = True
        if at_once:
            request.connection.write(self._taken())

    async def pass_on(self, chunk: bytes, *, last: bool) -> None:
        """Write the next bytes, and the end with them where they are the `last`.

        Waits while the client reads slowly. Raises `ConnectionError` where it is gone.
        """
        connection = self._request.connection
        head, tail = self._taken(), b""
        if last:
            self.ended = True
            tail = b"0\r\n\r\n" if self._chunked else b""
        if self._chunked and chunk:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        connection.write(head + chunk + tail if head or tail else chunk)
        if connection.is_slow:
            await connection.drained()

    async def end(self) -> None:
        """That was all of it."""
        if not self.ended:
            await self.pass_on(b"", last=True)

    def _taken(self) -> bytes:
        head, self._head = self._head, b""
        return head


def _head(status: int, reason: str, headers: list[tuple[str, str]]) -> bytes:
    """Its bytes; a reason that no client could read is left out: the answer was paid for."""
    return head_bytes(first_line(status, reason if reason.isprintable() else ""), headers)


Given = Reply | Answer | None
"""What a client was given: a reply still to be sent, an answer that was, or nothing (it left)."""
