"""Who is who: new incarnations, revoked and lost devices (R10, protocol study §2.6)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from agentspend.core.allowance.messages import Hello, Status, Welcome
from sync_server.allowance.case import Case, Incarnation, Office
from sync_server.allowance.journal import Began, Line, Ranked

_ORDER = [Status.ACTIVE, Status.SUPERSEDED, Status.REVOKED, Status.LOST, Status.FORKED]


def succeed(
    old: Incarnation | None,
    hello: Hello,
    new_inc: str,
    office: Office,
    known: Iterable[Incarnation] = (),
) -> tuple[Welcome | None, list[Line]]:
    """A hello that was not answered yet: a new incarnation, and the old one gets nothing more,
    nor do those among `known` that took over from it before.

    None for another device's ledger. The caller has looked up the nonce first (a repeated hello
    gets the same welcome), knows that the device may go on, and applies the lines.
    """
    if old is not None and old.device != hello.device:
        return None, []
    parent = old.inc if old is not None else ""
    lines: list[Line] = [Began(new_inc, hello.device, hello.nonce, parent, office.now_us)]
    if old is not None:
        over = [old, *heirs(old.inc, known)]
        ended = [each.inc for each in over if each.status is Status.ACTIVE]
        lines += [Ranked(inc, Status.SUPERSEDED) for inc in ended]
    office = replace(office, server_seq=office.server_seq + len(lines))
    return welcome(new_inc, hello, office), lines


def heirs(inc: str, known: Iterable[Incarnation]) -> list[Incarnation]:
    """Those that took over from an incarnation, and those that took over from them.

    Who asks for a successor to `inc` was put back to the time before it had one, and what it had
    since then lies nowhere; or it is a twin, whose other half begins anew once more, and leaves
    this one alone: it has not taken over from it. So twins never retire each other for ever.
    """
    children: defaultdict[str, list[Incarnation]] = defaultdict(list)
    for each in known:
        if each.parent and each.inc != inc:
            children[each.parent].append(each)
    found: list[Incarnation] = []
    names = [inc]
    while names:
        took_over = children.pop(names.pop(), [])
        found += took_over
        names += [each.inc for each in took_over]
    return found


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
    return Incarnation(line.inc, line.device, line.nonce, parent=line.parent, begun_us=line.at_us)


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
