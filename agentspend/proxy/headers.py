"""Header hygiene on the way through (protocol study §5.3; RFC 9110 §7.6.1)."""

import re
from collections.abc import Iterable

from multidict import CIMultiDict

HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
NOT_SENT_UP = HOP_BY_HOP | {
    "host", "content-length", "cookie", "forwarded", "accept-encoding", "expect", "origin",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
    "x-agentspend-tags", "x-agentspend-token",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
NOT_SENT_BACK = HOP_BY_HOP | {"set-cookie", "date", "server"}


def to_upstream(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The client's headers that may go on, in their order and spelling.

    Compression is not asked for: usage must be readable.
    """
    kept = _without(headers, NOT_SENT_UP)
    kept["Accept-Encoding"] = "identity"
    return kept


def to_client(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The provider's headers that may come back.

    One with a control character could not be written: an answer that was paid for would be lost.
    """
    kept = _without(headers, NOT_SENT_BACK)
    for name in {name for name, value in kept.items() if _CONTROL.search(value)}:
        del kept[name]
    return kept


def request_id(headers: CIMultiDict[str]) -> str:
    """The provider's own id of a request: Anthropic's header, else OpenAI's; Google sends none."""
    return headers.get("request-id") or headers.get("x-request-id") or ""


def _without(headers: CIMultiDict[str], dropped: frozenset[str]) -> CIMultiDict[str]:
    if "Connection" in headers:
        dropped |= _named_by_connection(headers.getall("Connection"))
    return CIMultiDict(
        [(name, value) for name, value in headers.items() if name.lower() not in dropped]
    )


def _named_by_connection(values: Iterable[str]) -> frozenset[str]:
    """The headers a `Connection` header marks as hop-by-hop."""
    return frozenset(name.strip().lower() for value in values for name in value.split(","))
