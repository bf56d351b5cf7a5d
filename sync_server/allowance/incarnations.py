"""Who is who: new incarnations, revoked and lost devices (R10, protocol study §2.6)."""

from dataclasses import replace

from agentspend.core.allowance.messages import NOTHING, Hello, Status, Welcome
from sync_server.allowance.case import Case, Incarnation, Office
from sync_server.allowance.journal import Began, Line, Ranked

_ORDER = [Status.ACTIVE, Status.SUPERSEDED, Status.REVOKED, Status.LOST, Status.FORKED]
_GONE = frozenset({Status.REVOKED, Status.LOST})


def succeed(
    old: Incarnation | None, hello: Hello, new_inc: str, office: Office
) -> tuple[Welcome | None, list[Line]]:
    """A hello that was not answered yet: a new incarnation, and the old one gets nothing more.

    None for a device that may not go on: it was revoked or lost. The caller has looked up the
    nonce first (a repeated hello gets the same welcome) and applies the lines.
    """
    if old is not None and (old.device != hello.device or old.status in _GONE):
        return None, []
    lines: list[Line] = [Began(new_inc, hello.device, hello.nonce)]
    if old is not None and old.status is Status.ACTIVE:
        lines.append(Ranked(old.inc, Status.SUPERSEDED))
    office = replace(office, server_seq=office.server_seq + len(lines))
    return welcome(new_inc, hello, office), lines


def welcome(inc: str, hello: Hello, office: Office) -> Welcome:
    """The answer to a hello."""
    return Welcome(
        device=hello.device,
        inc=inc,
        in_reply_to=hello.nonce,
        server_inc=office.server_inc,
        server_seq=office.server_seq,
        server_us=office.now_us,
    )


def begun(line: Began) -> Incarnation:
    """A new incarnation as it is stored: nothing reported, nothing granted."""
    return Incarnation(line.inc, line.device, line.nonce, Status.ACTIVE, NOTHING)


def ranked(case: Case, status: Status) -> None:
    """Give an incarnation another status; it never goes back to an earlier one of `_ORDER`.

    `lost` also writes off all that is left of it: a lead declares that it counts as spent.
    """
    if case.incarnation is None:
        return
    highest = max(case.incarnation.status, status, key=_ORDER.index)
    case.incarnation = replace(case.incarnation, status=highest)
    if status is Status.LOST:
        for place, account in list(case.accounts.items()):
            if not account.closed:
                case.put(place, replace(account, written_off=True))
