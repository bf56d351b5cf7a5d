"""What `status`, `top` and `why` read: numbers of one moment, from the books themselves."""

import msgspec
import pytest

from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.outcomes import Held
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.store import sessions
from agentspend.store.sessions import SessionRow
from tests.bookkeeper.conftest import Desk, budget

USD = 10**9


def _session(desk: Desk, name: str, **payer: object) -> None:
    body = msgspec.json.encode({"payer": {"agent": "claude", **payer}, "pid": 42})
    desk.do(lambda: sessions.put(desk.conn, SessionRow(name, f"hash {name}", body, desk.now_us)))


def _lines(desk: Desk) -> dict[tuple[object, object], dict[str, object]]:
    found = desk.do(lambda: snapshot.budget_lines(desk.books, desk.at))
    return {(line["name"], line["session"]): line for line in found}


def test_a_budget_line_adds_up(desk: Desk) -> None:
    """Spent, held, free, limit, and when it resets in the budgets' zone."""
    desk.adopt(budget("daily", "5"), budget("ever", "100", "total", agent="claude"))
    held = desk.hold(desk.request())
    desk.settle(held.rid, "0.11")  # type: ignore[union-attr]
    desk.hold(desk.request())

    line = _lines(desk)["daily", ""]

    assert line["spent_nusd"] == 110_000_000
    assert line["held_nusd"] == 900_000_000
    assert line["free_nusd"] == 5 * USD - 110_000_000 - 900_000_000
    assert line["resets_at"] == "2026-11-26T00:00:00+01:00"
    assert (line["scope"], line["window"], line["mode"]) == ("everything", "day", "hard")
    ever = _lines(desk)["ever", ""]
    assert (ever["scope"], ever["resets_at"]) == ("agent=claude", None)


def test_a_budget_nobody_has_used_has_a_line_of_zeros(desk: Desk) -> None:
    """It is in force, so it is shown."""
    desk.adopt(budget("daily", "5"))

    line = _lines(desk)["daily", ""]

    assert (line["spent_nusd"], line["held_nusd"], line["free_nusd"]) == (0, 0, 5 * USD)


def test_a_budget_per_subagent_shows_the_fullest_of_each_live_session(desk: Desk) -> None:
    """There may be hundreds; none yet, one line."""
    desk.adopt(budget("fan-out", "1", "subagent"))
    assert list(_lines(desk)) == [("fan-out", "")]
    _session(desk, "s_1")
    for number in range(5):
        payer = Payer(agent="claude", session="s_1", subagent=f"a:{number}")
        held = desk.hold(desk.request("0.01", 10, payer=payer))
        desk.settle(held.rid, f"0.0{number + 1}")  # type: ignore[union-attr]

    found = desk.do(lambda: snapshot.budget_lines(desk.books, desk.at))

    assert [(line["session"], line["subagent"], line["spent_nusd"]) for line in found] == [
        ("s_1", "a:4", 50_000_000), ("s_1", "a:3", 40_000_000), ("s_1", "a:2", 30_000_000),
    ]  # fmt: skip


def test_a_session_budget_has_a_line_for_each_live_session(desk: Desk) -> None:
    """Each with its own money; none live, one line."""
    desk.adopt(budget("each", "1", "session"))
    assert list(_lines(desk)) == [("each", "")]
    _session(desk, "s_1")
    _session(desk, "s_2")
    held = desk.hold(desk.request("0.20", 100))
    desk.settle(held.rid, "0.15")  # type: ignore[union-attr]

    lines = _lines(desk)

    assert lines["each", "s_1"]["spent_nusd"] == 150_000_000
    assert lines["each", "s_2"]["spent_nusd"] == 0


def test_an_overrun_is_shown(desk: Desk) -> None:
    """Free stops at zero, and how far it went past stands beside it."""
    desk.adopt(budget("daily", "1"))
    held = desk.hold(desk.request("0.20", 100))
    desk.settle(held.rid, "1.25")  # type: ignore[union-attr]

    line = _lines(desk)["daily", ""]

    assert (line["free_nusd"], line["over_nusd"]) == (0, 250_000_000)


def test_a_session_line_says_what_it_holds_and_what_it_waits_for(desk: Desk) -> None:
    """Who, what it cost, and since when a request stands in line."""
    desk.adopt(budget("daily", "1.30"))
    _session(desk, "s_1", project="github.com/ana/rows", tags=["team=data"])
    done = desk.hold(desk.request("0.01", 100))
    desk.settle(done.rid, "0.05")  # type: ignore[union-attr]
    desk.hold(desk.request())
    waiting = desk.request()
    desk.hold(waiting)
    desk.pass_time(2.5)

    (line,) = snapshot.session_lines(desk.books, desk.at)

    assert (line["agent"], line["project"]) == ("claude", "github.com/ana/rows")
    assert (line["requests"], line["spent_nusd"]) == (1, 50_000_000)
    assert line["held_nusd"] == 900_000_000
    assert line["waiting"] == [{"rid": waiting.rid, "budget": "daily", "since_ms": 2_500}]


def test_a_sessions_total_counts_its_refusals_and_outlives_it(desk: Desk) -> None:
    """The last line of a run: what it cost, how often it was told no."""
    desk.adopt(budget("daily", "1"))
    _session(desk, "s_1")
    held = desk.hold(desk.request("0.20", 100))
    desk.settle(held.rid, "0.15")  # type: ignore[union-attr]
    sub = desk.hold(desk.request("9", 100, counted="subscription"))
    desk.settle(sub.rid, "2")  # type: ignore[union-attr]
    desk.hold(desk.request("9", 100))
    desk.do(lambda: sessions.close(desk.conn, "s_1", desk.now_us))

    assert snapshot.session_lines(desk.books, desk.at) == []
    assert snapshot.session_total(desk.books, "s_1") == {
        "requests": 2,
        "spent_nusd": 150_000_000,
        "subscription_nusd": 2 * USD,
        "refused": 1,
        "released": 0,
    }


def test_why_the_last_request_was_not_billed(desk: Desk) -> None:
    """The last line of a run says whose answer it was; nothing where all was billed."""
    held = desk.hold(desk.request("0.20", 100))
    assert isinstance(held, Held)
    session = desk.conn.execute("SELECT session FROM hold").fetchone()[0]
    assert snapshot.last_release(desk.books, session) == {}
    why = "the provider answered 401 and bills nothing"
    desk.do(lambda: desk.books.release(held.rid, why, desk.at, {"status": 401}))
    found = snapshot.last_release(desk.books, session)
    assert (found["status"], found["why"]) == (401, why)


def test_today_is_the_zones_day_and_real_dollars(desk: Desk) -> None:
    """List price of a subscription is not spending; yesterday is not today."""
    for counted, usd in (("billed", "0.40"), ("subscription", "3")):
        held = desk.hold(desk.request("9", 100, counted=counted))
        desk.settle(held.rid, usd)  # type: ignore[union-attr]
    assert desk.do(lambda: snapshot.today_nusd(desk.books, desk.at)) == 400_000_000

    desk.pass_time(11.5 * 3_600)

    assert desk.do(lambda: snapshot.today_nusd(desk.books, desk.at)) == 0


def test_why_tells_a_requests_whole_story(desk: Desk) -> None:
    """Settled, refused or released, by its id or the start of it."""
    desk.adopt(budget("daily", "1"))
    held = desk.hold(desk.request("0.20", 100))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.15")
    refused = desk.request("9", 100, payer=Payer(agent="claude", session="s_2"))
    desk.hold(refused)
    gone = desk.hold(desk.request("0.20", 100))
    desk.release(gone.rid)  # type: ignore[union-attr]

    told = snapshot.why(desk.books, held.rid)
    assert (told["outcome"], told["amount_nusd"], told["hold_nusd"]) == (
        "settled",
        150_000_000,
        202_500_000,
    )
    assert len(told["entries"]) == 1  # type: ignore[arg-type]
    story = snapshot.why(desk.books, refused.rid)
    assert (story["outcome"], story["reason"], story["budget"]) == (
        "refused",
        "never_fits",
        "daily",
    )
    assert snapshot.why(desk.books, gone.rid)["outcome"] == "released"  # type: ignore[union-attr]
    with pytest.raises(AgentspendError, match="could be"):
        snapshot.why(desk.books, "r_00")
    with pytest.raises(AgentspendError, match="no request"):
        snapshot.why(desk.books, "x")
