"""Reading a request off the event loop's critical path where it is long or odd."""

import asyncio
import unicodedata

from agentspend.core.facts import RequestFacts
from agentspend.dialects.base import Dialect

INLINE_BYTES = 2 * 1024 * 1024


async def read_facts(dialect: Dialect, body: bytes) -> RequestFacts:
    """The facts of a request. Huge bodies and texts that are not NFC are read in a thread.

    Raises `dialects.base.BadRequest`.
    """
    if len(body) > INLINE_BYTES or dialect.needs_normalising(body):
        return await asyncio.to_thread(_read_normalised, dialect, body)
    return dialect.read_request(body)


def _read_normalised(dialect: Dialect, body: bytes) -> RequestFacts:
    """Bound the NFC form: normalising can lengthen a text (pricing study §4.2)."""
    if not dialect.needs_normalising(body):
        return dialect.read_request(body)
    normalised = unicodedata.normalize("NFC", body.decode("utf-8", "replace")).encode()
    return dialect.read_request(body, normalised)
