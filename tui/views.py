"""Each view's rows, from the day. Pure: the time is an argument."""

from collections.abc import Mapping
from functools import lru_cache

from agentspend.core.scopes import Payer
from tui import team
from tui.day import Day
from tui.facts import Charge, Flight, Refusal
from tui.format import ago, cents, precise, tokens
from tui.now import Clock, Now
from tui.rows import NEVER, Cells, Column, Mark, Row, Table, View
from tui.spending import Sum

RECENT_US = 10_000_000
"""A session that did something this lately is marked as at work."""
SHOWN_REQUESTS = 500

AGENT_COLUMNS = (
    Column("AGENT", 12, grows=True), Column("PROJECT", 11, least=1),
    Column("TEAM", 7, least=NEVER), Column("MODEL", 14, least=1),
    Column("REQ", 4, right=True, least=1), Column("IN", 6, right=True, least=2),
    Column("CACHED", 6, right=True, least=2),
    Column("OUT", 6, right=True, least=2), Column("TOK/M", 6, right=True, least=1),
    Column("HELD", 7, right=True, least=1), Column("SPENT", 8, right=True),
    Column("SHARE", 5, right=True, least=3), Column("LISTED", 9, right=True, least=3),
    Column("LAST", 7),
)  # fmt: skip
_IN_TEAMS = {
    "PROJECT": Column("PROJECT", 10, least=1),
    "TEAM": Column("TEAM", 7, least=1, grows=True),
    "TOK/M": Column("TOK/M", 6, right=True, least=2),
}
AGENT_COLUMNS_IN_TEAMS = tuple(_IN_TEAMS.get(each.name, each) for each in AGENT_COLUMNS)
"""Where sessions are for several teams: each has its place, also on 80 cells."""
REQUEST_COLUMNS = (
    Column("TIME", 8), Column("AGENT", 12, grows=True), Column("MODEL", 18, least=1),
    Column("STATE", 9), Column("IN", 6, right=True, least=1), Column("OUT", 6, right=True, least=1),
    Column("HELD", 8, right=True, least=1), Column("COST", 9, right=True),
    Column("REQUEST", 21, least=2),
)  # fmt: skip
GROUP_COLUMNS = (
    Column("NAME", 20, grows=True), Column("REQ", 5, right=True), Column("IN", 7, right=True),
    Column("CACHED", 6, right=True, least=1), Column("OUT", 7, right=True, least=1),
    Column("SPENT", 10, right=True), Column("SHARE", 5, right=True, least=1),
    Column("LISTED", 9, right=True, least=2), Column("LAST", 6),
)  # fmt: skip
REFUSED_COLUMNS = (
    Column("TIME", 8), Column("AGENT", 12, grows=True), Column("PROJECT", 14, least=1),
    Column("MODEL", 18, least=1), Column("BUDGET", 14), Column("WHY", 12, least=1),
    Column("REQUEST", 21, least=2),
)  # fmt: skip


def table(view: View, day: Day, now: Now) -> Table:
    """One view of the day at a moment."""
    now_us, clock = now.us, now.clock
    match view:
        case View.AGENTS:
            several = len(team.paying(day)) > 1
            columns = AGENT_COLUMNS_IN_TEAMS if several else AGENT_COLUMNS
            return Table(columns, _agents(day, now_us), sort=10)
        case View.REQUESTS:
            return Table(REQUEST_COLUMNS, _requests(day, clock), sort=0)
        case View.MODELS:
            named = Column("MODEL", 20, grows=True)
            return _groups(named, "model", day.spending.by_model, day, now_us)
        case View.PROJECTS:
            named = Column("PROJECT", 20, grows=True)
            return _groups(named, "project", day.spending.by_project, day, now_us)
        case View.REFUSED:
            return Table(REFUSED_COLUMNS, [_refused(each, clock) for each in day.refusals], sort=0)
        case View.TEAM:
            return Table(team.COLUMNS, team.rows(day, now_us), sort=team.COMMITTED)


def _agents(day: Day, now_us: int) -> list[Row]:
    """Every live session, and every one that spent something today."""
    live = {str(each["id"]): each for each in day.status["sessions"]}
    sums = day.spending.by_session
    held = day.held_by_session()
    refused = {each.payer.session: each for each in day.refusals}
    names = dict.fromkeys((*live, *sums, *refused, *held))
    return [
        _agent(name, live.get(name), sums.get(name) or Sum(), held.get(name, 0),
               refused.get(name), day, now_us)
        for name in names
        if name
    ]  # fmt: skip


def _agent(
    name: str, session: Mapping[str, object] | None, found: Sum, held_nusd: int,
    refusal: Refusal | None, day: Day, now_us: int,
) -> Row:  # fmt: skip
    last = found.last
    payer = last.payer if last else refusal.payer if refusal else Payer()
    agent = str((session or {}).get("agent") or payer.agent or name)
    project = str((session or {}).get("project") or payer.project)
    of = str((session or {}).get("team") or payer.team)
    last_us = max(last.at_us if last else 0, refusal.at_us if refusal else 0)
    is_refused = refusal is not None and refusal.at_us >= (last.at_us if last else 0)
    busy = bool(held_nusd) or now_us - last_us < RECENT_US
    mark = Mark.REFUSED if is_refused else Mark.LIVE if busy else Mark.NONE
    waits = bool((session or {}).get("waiting"))
    when = "refused" if is_refused else "waiting" if waits else ""
    rate = found.tokens_a_minute(now_us)
    cells = Cells(lambda: (
        agent, project, of, payer.model, str(found.requests), tokens(found.input_tokens),
        _cached(found), tokens(found.output_tokens), tokens(rate),
        cents(held_nusd) if held_nusd else "-", cents(found.nusd), _share(found, day),
        cents(found.listed_nusd) if found.listed_nusd else "-", when or _ago(last_us, now_us),
    ))  # fmt: skip
    order = (
        agent, project, of, payer.model, found.requests, found.input_tokens, found.cached_tokens,
        found.output_tokens, rate, held_nusd, found.nusd, found.nusd, found.listed_nusd, last_us,
    )  # fmt: skip
    flags = {"live"} if session else set()
    return Row(
        key=name, cells=cells, order=order, mark=mark,
        fields=_fields(payer, name, agent, project, of),
        nusd=found.nusd, session=name,
        flags=frozenset(flags | ({"refused"} if is_refused else set())),
    )  # fmt: skip


def _requests(day: Day, clock: Clock) -> list[Row]:
    """What is in flight, and the newest that ended."""
    settled = [charge for charge in day.recent if charge.kind == "settle"][-SHOWN_REQUESTS:]
    return [
        *(_flight(each, clock) for each in day.flights.values()),
        *(_settled(each, clock) for each in settled),
    ]


def _flight(flight: Flight, clock: Clock) -> Row:
    payer = flight.payer
    state = f"◐ {flight.state}"
    held = precise(flight.held_nusd) if flight.held_nusd else ""
    return Row(
        key=flight.rid,
        cells=(clock(flight.since_us), payer.agent, payer.model, state, "", "", held, "",
               flight.rid),
        order=(flight.since_us, payer.agent, payer.model, state, 0, 0, flight.held_nusd, 0,
               flight.rid),
        mark=Mark.LIVE, fields=_fields(payer), rid=flight.rid, session=payer.session,
        flags=frozenset({"live"}),
    )  # fmt: skip


def _settled(charge: Charge, clock: Clock) -> Row:
    payer = charge.payer
    state = "✓ est." if charge.estimate else "✓" if charge.counted == "billed" else "✓ listed"
    flags = {"est"} if charge.estimate else set()
    flags |= {"subscription"} if charge.counted != "billed" else set()
    sent = charge.input_tokens + charge.cached_tokens
    return Row(
        key=charge.rid or str(charge.seq),
        cells=Cells(lambda: (clock(charge.at_us), payer.agent, payer.model, state, tokens(sent),
                             tokens(charge.output_tokens), "", precise(charge.nusd), charge.rid)),
        order=(charge.at_us, payer.agent, payer.model, state, sent, charge.output_tokens, 0,
               charge.nusd, charge.rid),
        fields=_fields(payer), nusd=charge.nusd, rid=charge.rid, session=payer.session,
        flags=frozenset(flags),
    )  # fmt: skip


def _groups(named: Column, key: str, sums: Mapping[str, Sum], day: Day, now_us: int) -> Table:
    rows = [_group(key, name, each, day, now_us) for name, each in sums.items()]
    return Table((named, *GROUP_COLUMNS[1:]), rows, sort=5)


def _group(key: str, name: str, found: Sum, day: Day, now_us: int) -> Row:
    last_us = found.last.at_us if found.last else 0
    cells = (
        name or "(none)", str(found.requests), tokens(found.input_tokens), _cached(found),
        tokens(found.output_tokens), cents(found.nusd), _share(found, day),
        cents(found.listed_nusd) if found.listed_nusd else "-", _ago(last_us, now_us),
    )  # fmt: skip
    order = (name, found.requests, found.input_tokens, found.cached_tokens, found.output_tokens,
             found.nusd, found.nusd, found.listed_nusd, last_us)  # fmt: skip
    return Row(name, cells, order, fields={key: name}, nusd=found.nusd)


def _refused(refusal: Refusal, clock: Clock) -> Row:
    payer = refusal.payer
    why = refusal.reason.replace("_", " ")
    words = (payer.agent, payer.project, payer.model, refusal.budget or "-", why, refusal.rid)
    return Row(
        key=refusal.rid, cells=Cells(lambda: (clock(refusal.at_us), *words)),
        order=(refusal.at_us, *words), mark=Mark.REFUSED,
        fields={**_fields(payer), "budget": refusal.budget}, rid=refusal.rid,
        session=payer.session, flags=frozenset({"refused"}),
    )  # fmt: skip


@lru_cache(maxsize=8_192)
def _fields(
    payer: Payer, session: str = "", agent: str = "", project: str = "", of: str = ""
) -> Mapping[str, str]:
    """A payer's words for the filter."""
    known = {key: value for key, value in payer.known().items() if isinstance(value, str)}
    own = {"session": session, "agent": agent, "project": project, "team": of}
    return {
        **known,
        **{key: value for key, value in own.items() if value},
        "tag": " ".join(payer.tags),
    }


def _cached(found: Sum) -> str:
    sent = found.input_tokens + found.cached_tokens
    return f"{found.cached_tokens * 100 // sent}%" if sent else "-"


def _share(found: Sum, day: Day) -> str:
    total = day.spending.total.nusd
    return f"{found.nusd * 100 // total}%" if total else "-"


def _ago(at_us: int, now_us: int) -> str:
    return ago(max(0, now_us - at_us) // 1_000_000) if at_us else "-"
