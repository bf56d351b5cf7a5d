"""`agentspend log`: the ledger's entries, oldest first, and as they come with -f."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.diagnostics import as_written, say
from agentspend.cli.ledger_reading import Ask, rows
from agentspend.cli.moments import clock_text
from agentspend.core.errors import DaemonSilent, DaemonUnreachable
from agentspend.core.filters import parse_filter
from agentspend.core.limits import READ_PAGE_ROWS
from agentspend.core.money import dollars
from agentspend.core.printable import clean

SHOWN = 30
LOOK_AGAIN_S = 1.0

Entry = dict[str, Any]


def log(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as entries come.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON entry per line.")] = False,
    count: Annotated[
        int, typer.Option("-n", "--last", min=0, help="How many of the newest; 0 for all.")
    ] = SHOWN,
    session: Annotated[
        str, typer.Option(help="Only this session.", autocompletion=completing.sessions)
    ] = "",
    agent: Annotated[
        str, typer.Option(help="Only this agent.", autocompletion=completing.agents)
    ] = "",
    filter_text: Annotated[
        str, typer.Option("--filter", help="As in top: agent:codex >0.10 !est")
    ] = "",
) -> None:
    """Show the ledger's entries: every charge, policy change and correction."""
    show: Callable[[Entry], None] = output.json_line if as_json else _show
    with as_written():
        passes = parse_filter(filter_text)

    def wanted(entry: Entry) -> bool:
        return (
            session in ("", entry.get("session"))
            and agent in ("", entry.get("agent"))
            and passes.matches(_words_of(entry), entry["amount_nusd"] or 0, _flags_of(entry))
        )

    last = 0
    with access.reading(must_exist=False) as (ask, _):
        found = (
            _newest(ask, count, session, agent)
            if 0 < count <= READ_PAGE_ROWS and not filter_text
            else _passing(ask, wanted, count)
        )
        for entry in found:
            show(entry)
            last = entry["seq"]
    if not last:
        asked = {"session": session, "agent": agent, "filter": filter_text}
        which = " ".join(f"--{name} {word}" for name, word in asked.items() if word)
        say(f"no entry is one of {which}" if which else "no entry yet")
    if follow:
        for entry in _coming(last):
            if wanted(entry):
                show(entry)


def _passing(ask: Ask, wanted: Callable[[Entry], bool], count: int) -> Iterator[Entry]:
    """The newest `count` entries that are wanted, oldest first; all of them for 0."""
    yield from deque(filter(wanted, _entries(ask, 0)), maxlen=min(count, sys.maxsize) or None)


def _newest(ask: Ask, count: int, session: str, agent: str) -> Iterator[Entry]:
    """The newest `count` entries of a session or an agent, oldest first."""
    from agentspend.wire.entries import log_row

    for _, _, body in ask("entries", newest=True, count=count, session=session, agent=agent)[
        "entries"
    ]:
        yield log_row(body.encode())


def _entries(ask: Ask, after: int) -> Iterator[Entry]:
    from agentspend.wire.entries import log_row

    for _, _, body in rows(ask, after):
        yield log_row(body)


def _coming(last: int) -> Iterator[Entry]:
    """Entries as they are written. A daemon that stops is said, and waited for: whoever looks on
    a second screen starts nothing anew. Raises `DaemonUnreachable` where none runs at first."""
    seen = there = False
    while True:
        try:
            for entry in _while_it_runs(last):
                seen = there = True
                if entry is not None:
                    last = entry["seq"]
                    yield entry
        except DaemonSilent:
            raise
        except DaemonUnreachable:
            if not seen:
                raise
        if there:
            say("the daemon stopped: this goes on when it runs again  → agentspend daemon start")
        there = False
        time.sleep(LOOK_AGAIN_S)


def _while_it_runs(last: int) -> Iterator[Entry | None]:
    """Entries until the daemon stops, None first, when it is there: the watch stream says that
    there are some, pages fetch them."""
    with access.connection() as connection:
        connection.wait_forever()
        connection.send("watch")
        yield None
        for message in connection.answers():
            if message.get("event") not in ("snapshot", "settle", "adjust", "policy", "key"):
                continue
            for entry in _entries(access.ask, last):
                last = entry["seq"]
                yield entry


def _show(entry: Entry) -> None:
    """One entry as one line: when, how much, who, what."""
    amount = dollars(entry["amount_nusd"]) if entry["amount_nusd"] is not None else ""
    sure = "" if entry["billing"] in (None, "exact", "free") else f" ({entry['evidence']})"
    paid = " at list price" if entry.get("counted") == "subscription" else ""
    words = [
        entry.get("agent") or "",
        _model(entry),
        _usage_text(entry["usage"] or {}),
        _told(entry),
        entry.get("rid") or "",
    ]
    what = clean("  ".join(word for word in words if word))
    output.sentence(
        f"{entry['seq']:>6}  {clock_text(entry['ts'])}  {entry['kind']:<7}"
        f"{amount:>10}{paid}{sure}  {what}".rstrip()
    )


def _told(entry: Entry) -> str:
    """What an entry without usage is about."""
    if entry["kind"] == "policy":
        found = [_budget(each) for each in entry["policy"]["budgets"]]
        return f"budgets in force: {', '.join(found) or 'none'} ({entry['text']})"
    if entry["kind"] == "key":
        return f"virtual key {entry['key']} {entry['text']}"
    return str(entry["text"]) if entry["kind"] in ("adjust", "note") and entry.get("text") else ""


def _budget(kept: Entry) -> str:
    """`daily $25.00 per day`."""
    per = "" if kept["window"] == "total" else f" per {kept['window']}"
    return f"{kept['name']} {dollars(kept['limit_nusd'])}{per}"


def _words_of(entry: Entry) -> dict[str, str]:
    """What a filter sees of an entry."""
    words = {name: value for name, value in entry.items() if isinstance(value, str)}
    return {**words, "tag": " ".join(entry.get("tags") or ())}


def _flags_of(entry: Entry) -> set[str]:
    from agentspend.core.usage import ESTIMATES

    flags = {"est"} if entry.get("evidence") in ESTIMATES else set()
    return flags | ({"subscription"} if entry.get("counted") == "subscription" else set())


def _usage_text(usage: dict[str, int]) -> str:
    """`in 1,200 cached 40,000 out 512`."""
    written = usage.get("cache_write_5m_tokens", 0) + usage.get("cache_write_1h_tokens", 0)
    counts = {
        "in": usage.get("input_tokens", 0),
        "cached": usage.get("cache_read_tokens", 0),
        "written": written,
        "out": usage.get("output_tokens", 0),
    }
    return " ".join(f"{name} {number:,}" for name, number in counts.items() if number)


def _model(entry: Entry) -> str:
    """The model that answered, and the one the agent had named where a rule put it there."""
    asked = entry.get("downgraded_from")
    return f"{entry['model']} (for {asked})" if asked else entry["model"] or ""
