"""`agentspend adjust`: an estimate is lowered by an entry of its own, and the money comes back."""

import pytest

from agentspend.bookkeeper.corrections import adjust, charged_nusd
from agentspend.bookkeeper.outcomes import Held, Refused, Settlement
from agentspend.core.allowance.messages import Told
from agentspend.core.errors import AgentspendError
from agentspend.core.money import parse_usd
from agentspend.core.usage import Billing
from agentspend.store import entries, team
from agentspend.wire.chain import verify_chain
from agentspend.wire.entries import decode
from tests.bookkeeper.conftest import Desk, budget
from tests.bookkeeper.test_team import ORG, hear, join, line

USD = 10**9


def _estimate(desk: Desk, usd: str, evidence: str = "estimate", *, counted: str = "billed") -> str:
    """A request whose charge is an upper bound."""
    held = desk.hold(desk.request("0.90", 100, counted=counted))
    assert isinstance(held, Held)
    done = Settlement(held.rid, parse_usd(usd), Billing.CEILING, evidence, {"usage": {}})
    desk.do(lambda: desk.books.settle(done, desk.at))
    return held.rid


def _adjust(desk: Desk, rid: str, usd: str) -> None:
    desk.do(lambda: adjust(desk.books, rid, parse_usd(usd), "the invoice says so", desk.at))


@pytest.mark.parametrize("evidence", ["estimate", "crash_upper_bound", "stream_metered"])
def test_an_estimate_is_lowered_to_what_it_was(desk: Desk, evidence: str) -> None:
    """The entry points at the charge, says a person said so, and every budget gets it back."""
    desk.adopt(budget("daily", "1"), budget("rolling", "1", "5h"), budget("all", "9", counts="all"))
    rid = _estimate(desk, "0.90", evidence)
    assert isinstance(desk.hold(desk.request("0.20", 100)), Refused)

    _adjust(desk, rid, "0.10")

    assert isinstance(desk.hold(desk.request("0.20", 100)), Held)
    for name in ("daily", "rolling", "all"):
        assert desk.account(name)[0] == 100_000_000
    found = [decode(body) for body in entries.of_request(desk.conn, rid)]
    assert [(e.kind, e.amount_nusd) for e in found] == [
        ("settle", 900_000_000),
        ("adjust", -800_000_000),
    ]
    assert (found[1].ref, found[1].evidence, found[1].text) == (
        found[0].seq,
        "person",
        "the invoice says so",
    )
    assert charged_nusd(desk.books, rid)[1] == 100_000_000
    assert verify_chain(entries.bodies(desk.conn)).totals.billed_nusd == 100_000_000


def test_it_can_be_lowered_again_down_to_nothing(desk: Desk) -> None:
    """Each step from what is charged now."""
    desk.adopt(budget("daily", "1"))
    rid = _estimate(desk, "0.90")

    _adjust(desk, rid, "0.50")
    _adjust(desk, rid, "0")

    assert desk.account("daily") == (0, 0)
    assert charged_nusd(desk.books, rid)[1] == 0


@pytest.mark.parametrize(
    ("usd", "evidence", "words"),
    [
        ("0.90", "estimate", "only lower"),
        ("5", "estimate", "only lower"),
        ("0.10", "provider_usage", "the provider's own usage"),
    ],
)
def test_a_charge_is_never_raised_nor_an_exact_one_changed(
    desk: Desk, usd: str, evidence: str, words: str
) -> None:
    """What cannot be adjusted says why."""
    desk.adopt(budget("daily", "1"))
    rid = _estimate(desk, "0.90", evidence)

    with pytest.raises(AgentspendError, match=words):
        _adjust(desk, rid, usd)
    desk.conn.execute("ROLLBACK")

    assert desk.account("daily") == (900_000_000, 0)


def test_a_charge_nobody_knows_is_an_error(desk: Desk) -> None:
    """Released requests have none either."""
    with pytest.raises(AgentspendError, match="no charge"):
        _adjust(desk, "r_9999", "0")


def test_the_beginning_of_an_id_will_do(desk: Desk) -> None:
    """As for `why`: when only one request starts so; the entry bears the whole id."""
    desk.adopt(budget("daily", "9"))
    first, second = _estimate(desk, "0.40"), _estimate(desk, "0.50")
    shared = next(end for end in range(len(first)) if first[end] != second[end])

    _adjust(desk, second[: shared + 1], "0.10")

    assert charged_nusd(desk.books, first)[1] == 400_000_000
    assert [decode(body).rid for body in entries.of_request(desk.conn, second)] == [second] * 2
    assert charged_nusd(desk.books, second[: shared + 1])[1] == 100_000_000
    with pytest.raises(AgentspendError, match=f"could be {first}, {second}"):
        charged_nusd(desk.books, first[:shared])


def test_yesterdays_estimate_gives_nothing_to_today(desk: Desk) -> None:
    """The money belongs to the window it was held in."""
    desk.adopt(budget("daily", "1"))
    rid = _estimate(desk, "0.90")
    desk.pass_time(86_400)
    today = desk.hold(desk.request("0.20", 100))
    desk.settle(today.rid, "0.15")  # type: ignore[union-attr]

    _adjust(desk, rid, "0.10")

    rows = desk.conn.execute("SELECT spent_nusd FROM account ORDER BY id").fetchall()
    assert rows == [(100_000_000,), (150_000_000,)]


def test_a_subscriptions_estimate_leaves_real_dollars_alone(desk: Desk) -> None:
    """List price was never in that budget."""
    desk.adopt(budget("real", "1"), budget("all", "2", counts="all"))
    rid = _estimate(desk, "0.90", counted="subscription")

    _adjust(desk, rid, "0.40")

    assert desk.account("all") == (400_000_000, 0)
    rows = desk.conn.execute("SELECT count(*) FROM account WHERE budget = 'real'").fetchone()
    assert rows == (0,)


def test_a_teams_pool_keeps_it_until_its_server_gives_it_back(desk: Desk) -> None:
    """The personal budget has it back; the rights are used as before, and the team is told."""
    desk.adopt(budget("daily", "5"))
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, USD))
    rid = _estimate(desk, "0.90")

    pools = desk.do(lambda: adjust(desk.books, rid, USD // 10, "by the invoice", desk.at))

    assert pools == ("acme",)
    assert desk.account("daily")[0] == USD // 10
    assert line(desk, "acme")["spent_nusd"] == 9 * USD // 10
    told = [decode(body) for body in team.after(desk.conn, "i_team", 0, 9)]
    assert [(each.kind, each.amount_nusd, bool(each.rights)) for each in told[1:]] == [
        ("settle", 9 * USD // 10, True), ("adjust", -8 * USD // 10, False),
    ]  # fmt: skip
    hear(desk, Told("acme", 24_322, USD + 8 * USD // 10))
    assert isinstance(desk.hold(desk.request("0.80", 100)), Held)


def test_without_a_team_nobody_is_told(desk: Desk) -> None:
    """A charge that counts in no pool concerns no server."""
    desk.adopt(budget("daily", "5"))
    rid = _estimate(desk, "0.90")
    assert desk.do(lambda: adjust(desk.books, rid, 0, "x", desk.at)) == ()
