"""What a report adds up is what the ledger and the accounts say, to the nano-dollar."""

import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.bookkeeper import spending
from agentspend.bookkeeper.corrections import adjust
from agentspend.bookkeeper.outcomes import Held, Settlement
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.core.windows import QUARTER_US, Window, WindowKind, span
from agentspend.reports.periods import Calendar, Period
from agentspend.reports.rollup import Row, roll_up, sums_of, total
from agentspend.reports.terms import DIMENSIONS, columns
from agentspend.store import entries
from agentspend.wire.entries import decode
from tests.bookkeeper.conftest import Desk, budget

BERLIN = ZoneInfo("Europe/Berlin")
BY = (*DIMENSIONS[:-1], "tag:ticket")
WORDS = st.sampled_from(["", "a", "b"])
PAYERS = st.builds(
    Payer, project=WORDS, branch=WORDS, agent=WORDS, model=WORDS, provider=WORDS, member=WORDS,
    team=WORDS, key=WORDS,
    tags=st.sampled_from([(), ("ticket=A",), ("ticket=A", "ticket=B"), ("urgent",)]),
)  # fmt: skip
STEPS = st.lists(
    st.tuples(
        PAYERS,
        st.sampled_from(["billed", "subscription"]),
        st.sampled_from(["provider_usage", "estimate", "crash_upper_bound", "free", "adjusted"]),
        st.integers(0, 2 * 10**9),
        st.integers(0, 40 * 3_600),
    ),
    max_size=12,
)


def asked(desk: Desk, words: set[str], period: Period | None = None) -> list[Row]:
    """All pages, as the command reads them."""
    found, since = list[Row](), 0
    until = None
    if period is not None and period.ends_us is not None:
        since, until = (at // QUARTER_US for at in (period.starts_us, period.ends_us))
    following: int | None = since
    while following is not None:
        page = spending.page(desk.conn, sorted(words), following, until)
        names = page["names"]
        for row in page["rows"]:
            said = dict(zip(names, row, strict=False))
            found.append((said, sums_of(said["counted"], *row[len(names) :])))
        following = page["next"]
    return found


def played(desk: Desk, steps: list[tuple[Payer, str, str, int, int]]) -> None:
    """Requests of these payers: each is settled after the next two were held, some hours later;
    some are corrected, some cost nothing, and the last ones stay open."""
    waiting: list[tuple[str, str, int]] = []
    for payer, counted, evidence, nusd, later_s in steps:
        held = desk.hold(desk.request("0.01", 100, payer=payer, counted=counted))
        assert isinstance(held, Held)
        waiting.append((held.rid, evidence, nusd))
        desk.pass_time(later_s)
        if len(waiting) > 2:
            ended(desk, *waiting.pop(0))


def ended(desk: Desk, rid: str, evidence: str, nusd: int) -> None:
    """One request's end."""
    if evidence == "free":
        desk.release(rid)
        return
    said = "estimate" if evidence == "adjusted" else evidence
    done = Settlement(rid, nusd, Billing.EXACT, said, {"usage": {"output_tokens": 1}})
    desk.do(lambda: desk.books.settle(done, desk.at))
    if evidence == "adjusted" and nusd:
        desk.pass_time(86_400)
        desk.do(lambda: adjust(desk.books, rid, nusd // 2, "by the invoice", desk.at))


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_every_report_has_the_ledger_s_total(
    steps: list[tuple[Payer, str, str, int, int]],
) -> None:
    """By any word, and by day as the windows of budgets have it: what was settled late counts where
    it was held, a correction with its charge. The account of everything agrees."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db")
        desk.adopt(budget("all", "1000", "total"))
        played(desk, steps)
        kept = [decode(body) for body in entries.bodies(desk.conn)]
        charged = [entry for entry in kept if entry.kind in ("settle", "adjust")]
        billed = sum(e.amount_nusd or 0 for e in charged if e.counted == "billed")
        listed = sum(e.amount_nusd or 0 for e in charged if e.counted == "subscription")
        for word in BY:
            lines = roll_up(asked(desk, columns((word,), ())), (word,), (), Calendar(BERLIN))
            whole = total(lines)
            assert (whole.billed_nusd, whole.subscription_nusd) == (billed, listed)
            assert whole.requests == sum(entry.kind == "settle" for entry in charged)
        row = desk.conn.execute("SELECT spent_nusd FROM account WHERE budget = 'all'").fetchone()
        assert (row[0] if row else 0) == billed
        by_day = roll_up(asked(desk, {"quarter"}), ("day",), (), Calendar(BERLIN))
        for line in by_day:
            day = [e for e in charged if _day(desk, e.rid) == line.values[0]]
            assert line.sums.all_nusd == sum(e.amount_nusd or 0 for e in day)
        corrected = {entry.rid for entry in charged if entry.kind == "adjust"}
        assert total(by_day).estimated_nusd == sum(
            e.amount_nusd or 0 for e in charged
            if e.counted == "billed" and e.rid not in corrected
            and e.evidence in ("estimate", "crash_upper_bound")
        )  # fmt: skip
        desk.conn.close()


def _day(desk: Desk, rid: str | None) -> str:
    """The day in whose budgets a request counted: when its hold was made."""
    first = decode(entries.of_request(desk.conn, str(rid))[0])
    return span(Window(WindowKind.DAY), first.held_at or 0, BERLIN).key


def test_what_is_in_flight_stands_beside(desk: Desk) -> None:
    """Real dollars alone, and the zone that the days are of."""
    assert isinstance(desk.hold(desk.request("0.10", 100)), Held)
    assert isinstance(desk.hold(desk.request("0.10", 100, counted="subscription")), Held)
    found = spending.opening(desk.conn, BERLIN, 7)
    assert found == {
        "now_us": 7, "zone": "Europe/Berlin", "extent": None, "held_requests": 1,
        "held_nusd": desk.conn.execute("SELECT min(amount_nusd) FROM hold").fetchone()[0],
    }  # fmt: skip
    assert msgspec.json.encode(found)


def test_a_page_names_its_words(desk: Desk) -> None:
    """In the order of the row."""
    held = desk.hold(desk.request("0.10", 100))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.05")
    page = spending.page(desk.conn, ["model", "agent"], 0, None)
    assert page["names"] == ["counted", "agent", "model"]
    assert page["rows"][0][:4] == ("billed", "claude", "", 50_000_000)
    assert page["next"] is None
