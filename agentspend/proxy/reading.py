"""Reading a request off the event loop's critical path where it is long or odd."""

import asyncio

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_WORD_CHARS
from agentspend.dialects.base import BadRequest, Dialect

INLINE_BYTES = 2 * 1024 * 1024


async def read_facts(dialect: Dialect, body: bytes, path_model: str = "") -> RequestFacts:
    """The facts of a request. Huge bodies, and texts that are not NFC, are read in a thread.

    Raises `dialects.base.BadRequest`; also for a model whose name cannot be printed, which would
    stand in the ledger, on screens and in a team's database.
    """
    in_nfc = not dialect.needs_normalising(body)
    if len(body) > INLINE_BYTES or not in_nfc:
        facts = await asyncio.to_thread(
            dialect.read_request, body, in_nfc=in_nfc, path_model=path_model
        )
    else:
        facts = dialect.read_request(body, path_model=path_model)
    for name in (facts.model, *facts.other_models):
        if len(name) > MAX_WORD_CHARS:
            raise BadRequest(f"model: must be no longer than {MAX_WORD_CHARS} characters")
        if not name.isprintable():
            raise BadRequest(f"model: {name!r} must hold printable characters only")
    return facts
