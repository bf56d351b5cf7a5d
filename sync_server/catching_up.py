"""What the journal says that the database lacks: after a restore, all that was decided since."""

from typing import Any

from sqlalchemy import Connection, Row

from agentspend.core.errors import AgentspendError
from sync_server.allowance.journal import Line
from sync_server.journal_file import JournalFile
from sync_server.store import logs

MOST_COMPARED = 1_000
"""So many lines that database and journal have in common are looked at when a server starts."""


def missing(conn: Connection, org: Row[Any], journal: JournalFile) -> list[Line]:
    """The lines beyond the database's last. Raises `AgentspendError` where the two are not of one
    server: nothing may be granted then."""
    after = max(0, org.journal_seq - MOST_COMPARED)
    lines = list(journal.lines(after))
    last = lines[-1][0] if lines else journal.length()
    if last < org.journal_seq:
        raise AgentspendError(
            f"the journal ends at {last} and the database at {org.journal_seq}",
            "this is not its journal, or a part of it is lost; nothing may be granted",
        )
    common = [each for each in lines if each[0] <= org.journal_seq]
    if common != logs.journal_lines(conn, org.id, after):
        raise AgentspendError(
            f"the journal says something else than the database up to {org.journal_seq}",
            "one of them is another server's; nothing may be granted",
        )
    return [line for seq, line in lines if seq > org.journal_seq]
