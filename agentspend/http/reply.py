"""A whole answer of our own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

from agentspend.http.head import head_bytes

_PHRASES = {int(each): each.phrase for each in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body, all known before a byte leaves."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def head(self, *more: tuple[str, str]) -> bytes:
        """Its head; `more` are headers of this connection."""
        framed = {**self.headers, "Content-Length": str(len(self.body))}
        dated = {**framed, "Date": formatdate(usegmt=True)}
        return head_bytes(first_line(self.status), (*dated.items(), *more))


def first_line(status: int, reason: str = "") -> str:
    """An answer's first line, in a provider's words or HTTP's own."""
    return f"HTTP/1.1 {status} {reason or _PHRASES.get(status, '')}"


def plain(status: int, message: str) -> Reply:
    """A sentence for a person."""
    return Reply(
        status,
        {"Content-Type": "text/plain; charset=utf-8"},
        f"{message}\n".encode(errors="replace"),
    )
