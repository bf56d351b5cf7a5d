"""What is known of the selected session: who pays, what it took, what its next request may hold.

Pure; shown beside the live requests where there is room.
"""

from collections.abc import Sequence

from agentspend.core.scopes import Payer, Scope
from tui import budgets, team
from tui.day import Day
from tui.format import cents, free_cents, precise, tokens
from tui.now import Now
from tui.rows import Row
from tui.spending import Sum

Fact = tuple[str, str]


def facts(row: Row | None, day: Day, now: Now) -> Sequence[Fact]:
    """Names and words, from top to bottom; empty where nothing is selected."""
    if row is not None and (row.question or "budget" in row.fields) and not row.session:
        return team.facts(row, day, now.us)
    if row is None or not row.session:
        return ()
    found = day.spending.by_session.get(row.session) or Sum()
    payer = found.last.payer if found.last else Payer(session=row.session)
    took = f"in {tokens(found.input_tokens)}  cached {tokens(found.cached_tokens)}"
    return (
        ("Session", f"{row.session}  {payer.project} {payer.branch}".rstrip()),
        *((("Team", paid),) if (paid := team.team_paying(day, row.session)) else ()),
        ("Spent", _spent(found, day, row.session)),
        ("Tokens", f"{took}  out {tokens(found.output_tokens)}"),
        ("Requests", _requests(row.session, found, day)),
        *_budgets(payer, day, now),
    )


def _spent(found: Sum, day: Day, session: str) -> str:
    held = day.held_by_session().get(session, 0)
    words = [cents(found.nusd)]
    words += [f"{cents(found.listed_nusd)} at list price"] if found.listed_nusd else []
    words += [f"held {cents(held)}"] if held else []
    return "  ".join(words)


def _requests(session: str, found: Sum, day: Day) -> str:
    costs = sorted(
        charge.nusd
        for charge in day.recent
        if charge.kind == "settle" and charge.payer.session == session
    )
    if not costs:
        return str(found.requests)
    middle, high = costs[len(costs) // 2], costs[len(costs) * 95 // 100]
    return (
        f"{found.requests}  median {precise(middle)}  p95 {precise(high)}"
        f"  largest {precise(costs[-1])}"
    )


def _budgets(payer: Payer, day: Day, now: Now) -> Sequence[Fact]:
    """The hard budgets it pays from, and the most that one more request may hold."""
    told = {line["name"]: line for line in day.status["budgets"]}
    found = [
        line
        for line in budgets.lines(day, now.us)
        if Scope.of(told[line.name].get("terms") or {}).matches(payer)
        and line.session in ("", payer.session)
        and (not payer.team or told[line.name].get("team") in (None, "", payer.team))
    ]
    hard = [line for line in found if line.mode == "hard"]
    if not hard:
        return (("Pays from", "no hard budget"),)
    tight = min(hard, key=lambda line: line.free_nusd)
    return (
        ("Pays from", ", ".join(line.name for line in found)),
        ("Next", f"may hold at most {free_cents(tight.free_nusd)} ({tight.name})"),
    )
