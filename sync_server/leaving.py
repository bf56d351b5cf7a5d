"""A device leaves its team: its person's word stands in its ledger (`wire.entries.LEFT`).

It is noted like a decision, with journal and audit chain: nobody waits for a word of it any more,
and no allowance is kept for it. With a fresh invite it comes back (`sync_server.enrolment`).
"""

from sqlalchemy import Connection

from agentspend.core.allowance.messages import Status
from agentspend.wire.entries import LEFT
from sync_server.allowance.case import Incarnation
from sync_server.allowance.desk import Outcome
from sync_server.allowance.journal import Filed, Line
from sync_server.store import people


def says_so(ledger: Incarnation | None, outcome: Outcome) -> bool:
    """Whether a report has the device's word that it leaves. One of an old ledger, heard late, is
    about a team that it may have joined again since."""
    if ledger is None or ledger.status is not Status.ACTIVE or outcome.forked:
        return False
    return any(
        said.kind == "close" and getattr(said, "text", "") == LEFT for _, said, _ in outcome.entries
    )


def noted(
    conn: Connection, device: str, member: str, now_us: int
) -> tuple[list[Line], dict[str, object]]:
    """The lines that make it so, and the record of it."""
    row = {**people.device_row(conn, device), "left_us": now_us}
    return [Filed("device", row)], {"who": member, "what": "device.leave", "device": device}
