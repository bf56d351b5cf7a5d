"""Read models of the books at a moment: what `status`, `top` and `why` show."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Moment
from agentspend.bookkeeper.rooms import InForce
from agentspend.core.allowance.messages import PoolSeen
from agentspend.core.allowance.pools import Pool
from agentspend.core.allowance.whole_cap import Shown, whole
from agentspend.core.budgets import Budget
from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.included import called
from agentspend.core.scopes import Payer
from agentspend.core.windows import Window, WindowKind, span, subagents_of
from agentspend.store import accounts, entries, holds, included, requests, sessions
from agentspend.store.accounts import Account
from agentspend.store.sessions import SessionRow

TODAY = Window(WindowKind.DAY)
NOT_SEEN: Mapping[str, PoolSeen] = MappingProxyType({})
"""The team's server has not told of late how its caps stand."""
SHOWN_SUBAGENTS = 3
"""So many subagents of a session are shown; there may be hundreds."""
_SHOWN_OF_SESSION = ("agent", "project", "branch", "member", "key")


def as_of(books: Books, at: Moment) -> dict[str, object]:
    """Up to which ledger entry a snapshot counts, and when its day began: whoever adds entries up
    comes to the same sums."""
    here = span(TODAY, books.now(at), books.rooms.zone)
    return {"ledger_seq": entries.head(books.conn)[0], "day_starts_us": here.starts_us}


def budget_lines(books: Books, at: Moment) -> list[dict[str, object]]:
    """One line a budget; a budget per session has one for each live session, and one per subagent
    one for the fullest of each."""
    now_us = books.now(at)
    live = [row.id for row in sessions.all_open(books.conn)]
    lines = []
    for item in books.rooms.in_force:
        match item.budget.window.kind:
            case WindowKind.SESSION:
                lines += [_of(books, item, now_us, Payer(session=one)) for one in live or [""]]
            case WindowKind.SUBAGENT:
                found = [_of(books, item, now_us, one) for one in _subagents(books, item, live)]
                lines += found or [_of(books, item, now_us, Payer())]
            case _:
                lines.append(_of(books, item, now_us, Payer()))
    return lines


def _of(books: Books, item: InForce, now_us: int, payer: Payer) -> dict[str, object]:
    """A budget's line, of one payer where each has an account of its own."""
    account = books.rooms.account(item, now_us, payer)
    return {**_line(books, item, account, payer.session), "subagent": payer.subagent}


def _subagents(books: Books, item: InForce, live: list[str]) -> list[Payer]:
    """The subagents of live sessions that used most of a budget."""
    found = []
    for session in live:
        prefix = subagents_of(session)
        rows = accounts.of_keys(
            books.conn, item.budget.name, item.generation, prefix, SHOWN_SUBAGENTS
        )
        found += [
            Payer(session=session, subagent=row.window_key.removeprefix(prefix)) for row in rows
        ]
    return found


def team_lines(
    books: Books, at: Moment, seen: Mapping[str, PoolSeen] = NOT_SEEN
) -> list[dict[str, object]]:
    """One line a pool of the team's that may refuse here, as if it were a budget of ours.

    Its amounts are the whole cap's where it was `seen` a moment ago, else those of the allowance
    this device has. `cap_nusd` and `allowance_nusd` are what they are.
    """
    now_us = books.now(at)
    lines = []
    for seat, pool in books.team.every_seat():
        if pool.warns:
            continue
        here = books.rooms.span(seat.budget, now_us, Payer())
        account = replace(seat.account, ends_us=here.ends_us)
        line = _line(books, InForce(seat.budget, 0), account, "")
        shown = msgspec.to_builtins(shown_of(pool, account, seen))
        told = {"cap_nusd": pool.cap_nusd, "allowance_nusd": account.limit_nusd, "team": pool.team}
        lines.append({**line, **shown, **told, "source": "your team"})
    return lines


def shown_of(pool: Pool, account: Account, seen: Mapping[str, PoolSeen]) -> Shown:
    """What people see of a pool: all of its cap, or what this device was granted of it.

    A cap that was changed is known here before the picture of it is looked at anew.
    """
    found = seen.get(pool.id)
    if found is None:
        return own(account)
    free_nusd = max(0, found.free_nusd + pool.cap_nusd - found.cap_nusd)
    return whole(own(account), pool.cap_nusd, found.spent_nusd, found.out_nusd, free_nusd)


def own(account: Account) -> Shown:
    """An account's amounts, as they are."""
    return Shown(account.limit_nusd, account.spent_nusd, account.held_nusd, account.free_nusd)


def today_nusd(books: Books, at: Moment) -> int:
    """Real dollars spent since midnight in the budgets' zone."""
    return _today_nusd(books, at, billed_only=True)


def today_listed_nusd(books: Books, at: Moment) -> int:
    """What subscriptions covered since then, at list price."""
    return _today_nusd(books, at, billed_only=False) - today_nusd(books, at)


def included_lines(books: Books, at: Moment) -> list[dict[str, object]]:
    """One line a window that a subscription's login is in, as its provider told it last."""
    now_us = books.now(at)
    return [
        {
            "provider": window.provider,
            "account": window.account,
            "name": window.name,
            "model": window.model,
            "called": called(window),
            "used_percent": None if window.used_bp is None else window.used_bp // 100,
            "resets_at": _iso(books, window.resets_us),
            "status": window.stand.value,
            "seen_at": _iso(books, window.seen_us),
        }
        for window in included.all_of(books.conn)
        if window.ends_us > now_us
    ]


def session_lines(books: Books, at: Moment) -> list[dict[str, object]]:
    """One line a live session: who, since when, what it spent and holds, what it waits for."""
    held = holds.held_by_session(books.conn)
    totals = sessions.totals_of_open(books.conn)
    waiting: dict[str, list[dict[str, object]]] = {}
    for request, budget in books.line.waits():
        since_s = (at.mono_us - request.arrived_us) / 1_000_000
        wait = {"rid": request.rid, "budget": budget, "since_ms": int(since_s * 1000)}
        if books.line.asks(request.rid):
            wait["asks"] = True
        waiting.setdefault(request.payer.session, []).append(wait)
    return [
        {
            **_session(row, totals.get(row.id, (0, 0, 0)), books.team.policy.home),
            "held_nusd": held.get(row.id, 0),
            "waiting": waiting.get(row.id, []),
        }
        for row in sessions.all_open(books.conn)
    ]


def question_lines(books: Books, at: Moment) -> list[dict[str, object]]:
    """One line a question that waits for a person's answer."""
    return [
        {
            "budget": question.budget,
            "scope": question.scope,
            "window": question.window,
            "source": question.source,
            "limit_nusd": question.limit_nusd,
            "lacking_nusd": question.lacking_nusd,
            "requests": len(question.requests),
            "agents": sorted({each.payer.agent for each in question.requests if each.payer.agent}),
            "sessions": sorted({each.payer.session for each in question.requests}),
            "since_ms": (at.mono_us - question.since_us) // 1_000,
            "ends_ms": (question.until_us - at.mono_us) // 1_000,
        }
        for question in books.questions.all()
    ]


def _today_nusd(books: Books, at: Moment, *, billed_only: bool) -> int:
    here = span(TODAY, books.now(at), books.rooms.zone)
    return entries.spent_nusd(books.conn, entries.Part(billed_only=billed_only), here)


def session_total(books: Books, session_id: str) -> dict[str, object]:
    """What one session did, also after it ended."""
    count, billed_nusd, subscription_nusd = sessions.totals(books.conn, session_id)
    return {
        "requests": count,
        "spent_nusd": billed_nusd,
        "subscription_nusd": subscription_nusd,
        "refused": requests.count(books.conn, session_id, "refused"),
        "released": requests.count(books.conn, session_id, "released"),
    }


def last_release(books: Books, session_id: str) -> dict[str, object]:
    """Why a session's last request that nobody billed was not: provider, status (0: no answer) and
    words; nothing where there is none."""
    body = requests.newest_of(books.conn, session_id, "released")
    if body is None:
        return {}
    story = msgspec.json.decode(body)
    told = {name: story.get(name, "") for name in ("provider", "why")}
    return {**told, "status": story.get("status", 0)}


def requests_like(books: Books, rid: str) -> list[tuple[str, int, str, bytes]]:
    """The one request whose id starts so, or none: (rid, at_us, outcome, body). More than one is an
    error that names them."""
    found = requests.find(books.conn, rid)
    if len(found) > 1 and all(row[0] != rid for row in found):
        names = ", ".join(row[0] for row in found)
        raise AgentspendError(f"{rid!r} could be {names}", "give more of the id", Kind.UNKNOWN_NAME)
    return [row for row in found if row[0] == rid] or found


def why(books: Books, rid: str) -> dict[str, object]:
    """The whole story of one request; a prefix of its id is enough when only one starts so."""
    found = requests_like(books, rid)
    if not found:
        hint = "`agentspend log` shows their ids"
        raise AgentspendError(f"no request {rid!r} is known", hint, Kind.UNKNOWN_NAME)
    name, at_us, outcome, body = found[0]
    story: dict[str, object] = msgspec.json.decode(body)
    charged = [msgspec.json.decode(entry) for entry in entries.of_request(books.conn, name)]
    return {"v": 1, "rid": name, "outcome": outcome, "at_us": at_us, **story, "entries": charged}


def _line(books: Books, item: InForce, account: Account, session: str) -> dict[str, object]:
    budget: Budget = item.budget
    return {
        "name": budget.name,
        "scope": budget.scope.text(),
        "terms": dict(budget.scope.terms),
        "window": budget.window.text(),
        "mode": budget.mode.value,
        "bound": budget.bound.value,
        "counts": budget.counts.value,
        "limit_nusd": budget.limit_nusd,
        "spent_nusd": account.spent_nusd,
        "held_nusd": account.held_nusd,
        "free_nusd": account.free_nusd,
        "over_nusd": account.over_nusd,
        "resets_at": _iso(books, account.ends_us),
        "session": session,
        "source": budget.source,
    }


def _iso(books: Books, moment_us: int | None) -> str | None:
    """A moment in the budgets' zone, ISO 8601 to the second."""
    if moment_us is None:
        return None
    return (
        datetime.fromtimestamp(moment_us / 1_000_000, UTC).astimezone(books.rooms.zone).isoformat()
    )


def _session(row: SessionRow, totals: sessions.Totals, home: str) -> dict[str, object]:
    kept = msgspec.json.decode(row.body)
    count, billed_nusd, subscription_nusd = totals
    return {
        "id": row.id,
        **{name: kept["payer"].get(name, "") for name in _SHOWN_OF_SESSION},
        "team": kept["payer"].get("team") or home,
        "tags": kept["payer"].get("tags", []),
        "pid": kept.get("pid", 0),
        "opened_us": row.opened_us,
        "requests": count,
        "spent_nusd": billed_nusd,
        "subscription_nusd": subscription_nusd,
    }
