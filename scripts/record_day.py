"""Record a working day of one device for the live screen: `tui/recorded_day.jsonl`.

The real bookkeeper keeps the books on a real ledger, on a made-up clock; what is recorded is what
the control API would have told. `python scripts/record_day.py`.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from agentspend import db
from agentspend.bookkeeper import day, snapshot
from agentspend.bookkeeper.adoption import Adoption
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Held, HoldRequest, Moment, Settlement
from agentspend.cli.why import steps_of
from agentspend.core.admission import Ask
from agentspend.core.budgets import Budget, Mode
from agentspend.core.facts import RequestFacts
from agentspend.core.money import parse_usd
from agentspend.core.scopes import Payer, Scope
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.core.windows import Window
from agentspend.prices import load_book
from agentspend.store import entries, sessions
from agentspend.store.schema import MIGRATIONS
from agentspend.store.sessions import SessionRow
from agentspend.wire.entries import log_row

OUT = Path(__file__).parents[1] / "tui" / "recorded_day.jsonl"
START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
END = datetime(2026, 11, 23, 14, 32, 7, tzinfo=UTC)
S = 1_000_000
WORK = (
    ("claude", "acme/api", "main", "anthropic", "claude-opus-5-5", 150),
    ("codex", "acme/web", "checkout", "openai", "gpt-6.1-sol", 220),
    ("aider", "dotfiles", "main", "openai", "gpt-5.4-mini", 300),
    ("gemini", "notes", "draft", "google", "gemini-3.8-flash", 400),
    ("opencode", "acme/api", "fix-login", "anthropic", "claude-haiku-4-5", 260),
    ("ci-fixer", "acme/ci", "nightly", "openai", "gpt-5.4-mini", 160),
)


def budget(name: str, limit: str, window: str, mode: str = "hard", **scope: str) -> Budget:
    """One budget of the day."""
    return Budget(name, parse_usd(limit), Window.parse(window), Scope.of(scope), Mode(mode))


BUDGETS = (
    budget("laptop", "25.00", "day"),
    budget("opus-daily", "12.00", "day", model="claude-opus-*"),
    budget("november", "600.00", "month", "warn"),
    budget("ci-bots", "0.20", "hour", agent="ci-fixer"),
)


@dataclass(slots=True)
class Recorder:
    """The books, the clock, and what was told."""

    books: Books
    now_us: int
    lines: list[dict[str, Any]]
    told_seq: int = 0

    def tell(self, event: str, fields: dict[str, Any]) -> None:
        """Record one message."""
        self.lines.append({"at_us": self.now_us, "event": event, **fields})

    @property
    def at(self) -> Moment:
        """Now."""
        return Moment(self.now_us, self.now_us)

    def status(self) -> dict[str, Any]:
        """What `status` answers now."""
        return {
            "budgets": snapshot.budget_lines(self.books, self.at),
            "sessions": snapshot.session_lines(self.books, self.at),
            "today_nusd": snapshot.today_nusd(self.books, self.at),
            "waits": [], "gate_closed": "", "config_error": "", "running": True,
        }  # fmt: skip

    def flush(self) -> None:
        """Tell the events, the new entries, and the status after them."""
        for event in self.books.events:
            self.tell(event.kind, msgspec.to_builtins(dict(event.fields)))
        self.books.events.clear()
        rows = entries.page(self.books.conn, self.told_seq)
        if rows:
            self.told_seq = rows[-1][0]
            self.tell("entries", {"entries": [log_row(row[2]) for row in rows]})
        self.tell("status", self.status())


def main() -> None:
    """Live the day and write it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        conn = db.connect(path)
        db.migrate(conn, path, MIGRATIONS)
        conn.execute("BEGIN")
        books = Books(conn, "i_demo", UTC)
        recorder = Recorder(books, int(START.timestamp()) * S, [])
        _live(recorder)
        conn.execute("ROLLBACK")
    keep = _thinned(recorder.lines)
    OUT.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in keep))
    print(f"{len(keep)} messages, {OUT.stat().st_size // 1024} KB")


def _live(recorder: Recorder) -> None:
    books = recorder.books
    books.chain.append("genesis", recorder.now_us, {"text": "demo"})
    Adoption(books).declare(BUDGETS, "{}", recorder.at)
    books.events.clear()
    for agent, project, branch, *_ in WORK:
        body = msgspec.json.encode(
            {"payer": {"agent": agent, "project": project, "branch": branch, "member": "ana"}}
        )
        row = SessionRow(f"s_{agent}", f"hash {agent}", body, recorder.now_us)
        sessions.put(books.conn, row)
    recorder.tell("top", {**recorder.status(), **day.today(books, recorder.at)})
    for at_us, step in sorted(_steps(Random(23)), key=lambda each: each[0]):
        recorder.now_us = at_us
        step(recorder)
        recorder.flush()
    told = [row[0] for row in books.conn.execute(
        "SELECT rid FROM request ORDER BY at_us DESC LIMIT 40"
    )]  # fmt: skip
    for rid in told:
        recorder.tell("why", {"rid": rid, "steps": steps_of(snapshot.why(books, rid))})


def _steps(chance: Random) -> Iterator[tuple[int, Any]]:
    """Every request of the day as two or three steps: held, streaming, settled."""
    end_us = int(END.timestamp()) * S
    for number, (agent, project, branch, provider, model, gap_s) in enumerate(WORK):
        at_us = int(START.timestamp()) * S + chance.randint(0, 1800) * S
        stops_us = end_us if agent in ("claude", "codex", "aider", "ci-fixer") else end_us - 400 * S
        count = 0
        while at_us < stops_us:
            count += 1
            payer = Payer(
                member="ana", device="ana-laptop", agent=agent, session=f"s_{agent}",
                project=project, branch=branch, provider=provider, model=model,
            )  # fmt: skip
            lasts_us = chance.randint(4, 40) * S
            rid = f"r_{number}{count:04d}{chance.randrange(16**6):06x}"
            yield from _request(chance, rid, payer, at_us, lasts_us, end_us)
            at_us += lasts_us + int(chance.expovariate(1 / gap_s)) * S


def _request(
    chance: Random, rid: str, payer: Payer, at_us: int, lasts_us: int, end_us: int
) -> Iterator[tuple[int, Any]]:
    book = load_book()
    prompt = chance.randint(20_000, 90_000)
    warm = prompt * chance.randint(60, 97) // 100
    output = chance.randint(200, 2_500)
    usage = Usage(input_tokens=prompt - warm, cache_read_tokens=warm, output_tokens=output)

    def hold(recorder: Recorder) -> None:
        facts = RequestFacts(payer.model, 16_000, prompt + 2_000)
        bound = book.bound(payer.provider, facts, recorder.now_us)
        asked = HoldRequest(
            rid, payer, "billed", Ask(bound, bound, 16_000, 16_000, 4_096), recorder.now_us,
            recorder.now_us,
            {"provider": payer.provider, "model": payer.model, "price": book.version,
             "basis": "the previous turn", "input_tokens_bound": prompt + 2_000,
             "arrived_us": recorder.now_us},
        )  # fmt: skip
        held = recorder.books.hold(asked, recorder.at)
        if isinstance(held, Held):
            open_holds[rid] = True

    def settle(recorder: Recorder) -> None:
        if rid not in open_holds:
            return
        part = UsagePart(payer.model, usage)
        charge = book.charge(
            payer.provider, Metered((part,), Billing.EXACT), recorder.now_us, payer.model
        )
        fields = {"model": payer.model, "usage": usage.counts(), "status": 200,
                  "rates": {line.what: line.rate_pusd for line in charge.lines}}  # fmt: skip
        recorder.books.settle(
            Settlement(rid, charge.nusd, Billing.EXACT, "provider_usage", fields), recorder.at
        )

    yield at_us, hold
    if at_us + lasts_us < end_us:
        yield at_us + lasts_us, settle


open_holds: dict[str, bool] = {}


def _thinned(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a screen that starts now needs of the past, and everything of the last ten minutes."""
    late_us = int(END.timestamp()) * S - 600 * S
    past = [line for line in lines if line["at_us"] < late_us]
    found = [past[0], {"at_us": late_us, "event": "entries", "entries": []}]
    for line in past:
        if line["event"] == "entries":
            found[1]["entries"] += [_told(entry) for entry in line["entries"]]
        elif line["event"] in ("warning", "refuse"):
            found.append(line)
    found.append([line for line in past if line["event"] == "status"][-1])
    return [*found, *map(_shortened, lines[len(past) :])]


def _shortened(line: dict[str, Any]) -> dict[str, Any]:
    if line["event"] != "entries":
        return line
    return {**line, "entries": [_told(entry) for entry in line["entries"]]}


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry's words that a screen reads."""
    return {name: value for name, value in entry.items() if name in _READ}


_READ = frozenset(
    {"seq", "kind", "rid", "ts", "held_at", "session", "agent", "member", "project", "branch",
     "provider", "model", "usage", "amount_nusd", "counted", "evidence"}
)  # fmt: skip


if __name__ == "__main__":
    main()
