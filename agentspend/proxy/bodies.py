"""A request's body: read to be understood, and sent on as it came wherever nothing was changed.

Codex signed in with ChatGPT sends zstd (wire study §2). The bytes that go upstream are the
client's own; only a body that had to be rewritten (a clamped limit, tags taken out) leaves plain.
"""

import asyncio

import msgspec
from multidict import CIMultiDict

from agentspend.core.limits import MAX_BODY_BYTES
from agentspend.dialects.base import BadRequest
from agentspend.http.incoming import TooLarge
from agentspend.http.request import Request
from agentspend.proxy.inflating import Damaged, Inflater, TooLong, inflater_for

ENCODING = "Content-Encoding"
_PIECE = 64 * 1024


class Body(msgspec.Struct, frozen=True):
    """One request's body. `raw` is what came, `plain` what it says."""

    raw: bytes
    plain: bytes

    def leaving(self, plain: bytes, headers: CIMultiDict[str]) -> bytes:
        """What to send upstream for `plain`; `headers` then say how it is encoded."""
        if plain == self.plain:
            return self.raw
        headers.popall(ENCODING, None)
        return plain


async def read_body(request: Request) -> Body:
    """The whole body, inflated where it is compressed; raises `TooLarge` or `BadRequest`."""
    raw = await request.content.read(MAX_BODY_BYTES)
    encoding = ", ".join(request.headers.getall(ENCODING, ()))
    if encoding.strip().lower() in ("", "identity"):
        return Body(raw, raw)
    inflater = inflater_for(encoding, MAX_BODY_BYTES)
    if inflater is None:
        raise BadRequest(
            f"the body is encoded as {encoding[:40]!r}: send it plain, or as zstd, gzip or deflate"
        )
    return Body(raw, await asyncio.to_thread(_inflated, inflater, raw, encoding))


def _inflated(inflater: Inflater, raw: bytes, encoding: str) -> bytes:
    pieces = (raw[at : at + _PIECE] for at in range(0, len(raw), _PIECE))
    try:
        plain = b"".join(map(inflater.feed, pieces))
    except TooLong as error:
        raise TooLarge from error
    except Damaged as error:
        raise BadRequest(f"the body is no {encoding}: {error}") from error
    if not inflater.whole:
        raise BadRequest(f"the body ends in the middle of its {encoding}")
    return plain
