"""One request that came in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from multidict import CIMultiDict

from agentspend.http.head import READ
from agentspend.http.incoming import Incoming

if TYPE_CHECKING:
    from agentspend.http.connection import Connection


class Request:
    """What a client asked. `target` is the path and query as they came, `path` decoded.

    `head_size` counts the bytes of names and values; `keep_alive` says whether the client would go
    on; `is_old`: it speaks HTTP/1.0.
    """

    __slots__ = ("connection", "content", "head_size", "headers", "is_old", "keep_alive", "method",
                 "path", "query", "target")  # fmt: skip

    def __init__(
        self,
        connection: "Connection",
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        head_size: int,
    ) -> None:
        self.connection = connection
        self.method = method
        self.target = str(target, *READ)
        path, _, self.query = self.target.partition("?")
        self.path = unquote(path, *READ) if "%" in path else path
        self.headers = CIMultiDict(
            [(str(name, *READ), str(value, *READ)) for name, value in headers]
        )
        self.head_size = head_size
        self.keep_alive = True
        self.is_old = False
        self.content = Incoming(connection.hold)

    @property
    def has_body(self) -> bool:
        """Whether a body was announced."""
        length = self.headers.get("Content-Length", "0")
        return length.strip("0") != "" or "Transfer-Encoding" in self.headers

    @property
    def peer(self) -> tuple[str, int]:
        """The client's address and port; ("", 0) when nobody knows."""
        return self.connection.peer

    def abort(self) -> None:
        """Cut the connection, so that the client sees its answer is not whole."""
        self.connection.abort()
