"""The server's clock: a lead says that it is right, by the date that a calendar shows."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Row

from agentspend.core.errors import AgentspendError
from agentspend.core.windows import moment as as_datetime
from sync_server import clock
from sync_server.acts.act import EVERYONE, Act, Done, Moment
from sync_server.roles import Role


class Today(msgspec.Struct, forbid_unknown_fields=True):
    """The date of today, in the organisation's zone."""

    today: date


def told(org: Row[Any], now_us: int) -> dict[str, object]:
    """What the clock says, the last moment that is known, and whether it is in doubt."""
    return {
        "now_us": now_us,
        "known_us": org.clock_us,
        "in_doubt": clock.in_doubt(org.clock_us, now_us),
    }


def _confirm(_: Connection, org: Row[Any], said: Today, moment: Moment) -> Done:
    """A wrong clock cannot be confirmed by habit: who looks at a calendar sees that it is wrong."""
    here = as_datetime(moment.now_us).astimezone(ZoneInfo(org.zone)).date()
    if said.today != here:
        raise AgentspendError(
            f"the server's clock says {here}, not {said.today}",
            "if that is today's date, set the clock of the server's machine right;"
            " nothing is to be confirmed then",
        )
    if not clock.in_doubt(org.clock_us, moment.now_us):
        raise AgentspendError("the server's clock is not in doubt", "agentspend-server org show")
    words = moment.words("clock.confirm", known_us=org.clock_us, now_us=moment.now_us)
    changes: dict[str, object] = {"clock_us": moment.now_us}
    return Done(told(org, moment.now_us), words=words, org=changes, concerns=EVERYONE)


ACTS = (Act("clock.confirm", Role.LEAD, Today, _confirm, "Say that the server's clock is right"),)
