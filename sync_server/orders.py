"""What a person orders from a device (an answer to a question, a reserve) counts once, and soon.

A report is safe to repeat by what it says; an order is not: an approval that was taken back, or a
reserve that is whole again, would be given anew by whoever sends the bytes a second time. So each
order is remembered, in the journal with what it decided, and answered as it was the first time;
and one that says when its device heard the server last counts for a few minutes from then.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Connection, select

from agentspend.core.allowance.messages import Decide, DrawReserve
from agentspend.core.errors import AgentspendError
from agentspend.wire.canonical import canonical
from sync_server.acts.act import Done
from sync_server.allowance.journal import Filed
from sync_server.store.tables import ordered

WITHIN_US = 300_000_000
Order = Decide | DrawReserve


class NotNow(AgentspendError):
    """The order is too old, or cannot be told from one that was carried out."""


def once(
    conn: Connection, body: bytes, order: Order, now_us: int, does: Callable[[], Done]
) -> Done:
    """What the order decides, nothing where it did so before. Raises `NotNow`, and as `does`."""
    name = sha256(body).hexdigest()
    known = conn.execute(select(ordered.c.answer).where(ordered.c.id == name)).scalar_one_or_none()
    if known is not None and not order.nonce:
        raise NotNow("this was ordered before, word for word", "update agentspend on this device")
    if known is not None:
        return Done(json.loads(known))
    if order.heard_us and now_us - order.heard_us > WITHIN_US:
        raise NotNow("this was said too long ago, and arrives only now", "say it again")
    done = does()
    row = {
        "id": name, "device": order.device, "at_us": now_us,
        "answer": canonical(dict(done.answer)).decode(),
    }  # fmt: skip
    return replace(done, lines=[*done.lines, Filed("ordered", row)])
