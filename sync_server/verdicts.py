"""A lead answers a question for more from a device: the same acts as everywhere, by its own key.

The role is the member's at this moment, read in the transaction that decides.
"""

from typing import Any

from sqlalchemy import Connection, Row

from agentspend.core.allowance.messages import Decide, Verdict
from sync_server.acts import requests
from sync_server.acts.act import Caller, Done, Moment
from sync_server.roles import Role
from sync_server.store.people import Speaker

_ACTS = {act.name: act for act in requests.ACTS}


def decided(conn: Connection, org: Row[Any], who: Speaker, asked: Decide, now_us: int) -> Done:
    """What the answer decides. Raises as the act does, `NotAllowed` for who is no lead."""
    fields: dict[str, object] = {"request": asked.request}
    if asked.verdict is Verdict.APPROVE:
        fields["amount_nusd"] = asked.amount_nusd or None
    moment = Moment(Caller(who.member, Role(who.role), who.member), now_us)
    act = _ACTS[f"request.{asked.verdict.value}"]
    return act.plan(fields, moment)(conn, org)
