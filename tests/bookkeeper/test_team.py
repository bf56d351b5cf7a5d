"""The team's rights in the books: the same as the pure rules say, and never more than granted."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.bookkeeper.membership import Membership
from agentspend.bookkeeper.outcomes import Held, Refused, Settlement, Waiting
from agentspend.bookkeeper.rights import Rights, TeamChain
from agentspend.core.admission import RefusalReason
from agentspend.core.allowance.accounts import EMPTY, Place
from agentspend.core.allowance.device import Device
from agentspend.core.allowance.dryness import SURPLUS_US
from agentspend.core.allowance.hearing import answered
from agentspend.core.allowance.messages import Answer, Lacking, Status, Told, Want
from agentspend.core.allowance.standing import Standing, State
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.store import team
from agentspend.sync.wants import wants
from agentspend.wire.entries import decode
from agentspend.wire.team import seal
from sync_server.doors.devices import MOST_BYTES
from tests.bookkeeper.conftest import Desk, budget

USD = 10**9
MEMBER = Membership("https://team.example", "t_1", "d_1", "ana", "member", "00")
ORG = {"id": "acme", "scope": {}, "window": "month", "cap_nusd": 100 * USD}
API = {"id": "api", "scope": {"project": "acme/api"}, "window": "day", "cap_nusd": 10 * USD}
ANA = Payer(agent="claude", session="s_1", project="acme/api")
ELSEWHERE = Payer(agent="claude", session="s_1", project="other")


def join(desk: Desk, *pools: dict[str, Any]) -> None:
    """Be a member, with this policy."""

    def work() -> None:
        desk.books.team.join(MEMBER, "i_team", "here", desk.now_us)
        desk.books.team.adopt({"version": 1, "pools": list(pools)})

    desk.do(work)


def answer(desk: Desk, *told: Told, **more: Any) -> Answer:
    """The server has everything we told, and says this of our accounts."""
    return Answer(
        device="d_1", inc="i_team", in_reply_to="n", server_inc=1, server_seq=1, server_us=0,
        status=more.pop("status", Status.ACTIVE), acked=TeamChain(desk.conn, "i_team").end,
        resend=False, accounts=told, policy=1, policy_sha256="", audit="",
    )  # fmt: skip


def hear(desk: Desk, *told: Told, **more: Any) -> None:
    """Take such an answer in."""
    desk.do(lambda: desk.books.team.heard(answer(desk, *told, **more), desk.now_us))


def line(desk: Desk, pool: str) -> dict[str, Any]:
    """What people see of a pool."""
    return desk.do(lambda: next(each for each in desk.books.team.lines() if each["name"] == pool))


def test_a_request_needs_rights_in_every_pool_it_counts_in(desk: Desk) -> None:
    """It waits while more may be had, is served by a grant, and counts in all its pools."""
    join(desk, ORG, API)
    hear(desk, Told("acme", 24_322, 5 * USD), Told("api", 739_000, 0))
    assert isinstance(desk.hold(desk.request(payer=ELSEWHERE)), Held)
    request = desk.request(payer=ANA)
    assert isinstance(desk.hold(request), Waiting)

    hear(desk, Told("api", 739_000, 2 * USD))

    assert isinstance(desk.woken()[request.rid], Held)
    desk.settle(request.rid, "0.25")
    assert line(desk, "api")["spent_nusd"] == USD // 4
    told = decode(team.after(desk.conn, "i_team", 1, 9)[-1])
    assert [tuple(right) for right in told.rights or ()] == [
        ("acme", 24_322, USD // 4), ("api", 739_000, USD // 4),
    ]  # fmt: skip
    assert (told.project, told.amount_nusd) == ("acme/api", USD // 4)


def test_a_report_is_one_that_the_server_reads(desk: Desk) -> None:
    """However long the words of a request are: the rest of a long week goes with the next one."""
    join(desk)
    tags = tuple(f"{number}=" + '"' * 250 for number in range(32))
    for _ in range(40):
        held = desk.hold(desk.request(payer=replace(ANA, tags=tags)))
        assert isinstance(held, Held)
        desk.settle(held.rid, "0.25")
    report = desk.do(lambda: desk.books.team.report("n_1", ()))
    assert report is not None
    assert 0 < len(report.entries) < 40
    sealed = seal(report, lambda *_: bytes(64))
    posted = {"body": sealed.body.decode(), "signature": sealed.signature.hex()}
    assert len(json.dumps(posted, ensure_ascii=False).encode()) <= MOST_BYTES


def test_a_pool_that_is_dry_refuses_like_a_budget(desk: Desk) -> None:
    """Nobody waits for what the server has not got; the refusal names the pool. Under
    another policy it may have some again."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, USD // 2))
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    refused = desk.hold(desk.request("0.60"))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.budget) == (RefusalReason.NEVER_FITS, "team:acme")

    asked = [Want("acme", need_nusd=6 * USD // 10)]
    said = answer(desk, Told("acme", 24_322, USD // 2, lacking=Lacking.DRY))
    assert desk.do(lambda: desk.books.team.lacking(said, asked, desk.mono_us)) > 0
    assert desk.do(lambda: desk.books.team.lacking(said, asked, desk.mono_us)) == SURPLUS_US
    assert isinstance(desk.hold(desk.request("0.60")), Refused)
    desk.do(lambda: desk.books.team.adopt({"version": 2, "pools": [ORG]}))
    assert isinstance(desk.hold(desk.request("0.60")), Waiting)


def test_personal_budgets_hold_beside_the_teams(desk: Desk) -> None:
    """Nothing merges: both must have room."""
    desk.adopt(budget("daily", "0.10"))
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 50 * USD))
    refused = desk.hold(desk.request("0.20"))
    assert isinstance(refused, Refused)
    assert refused.budget == "daily"


def test_subscription_use_takes_no_rights(desk: Desk) -> None:
    """It costs the team nothing."""
    join(desk, ORG)
    assert isinstance(desk.hold(desk.request(counted="subscription")), Held)


def test_an_expelled_device_gets_nothing_and_still_reports(desk: Desk) -> None:
    """Revoked: what it has is given back by closing, what it did is told."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 5 * USD))
    held = desk.hold(desk.request())
    hear(desk, status=Status.REVOKED)
    assert not isinstance(desk.hold(desk.request()), Held)
    desk.settle(held.rid, "0.11")  # type: ignore[union-attr]
    hear(desk, status=Status.REVOKED)
    kinds = [decode(body).kind for body in team.after(desk.conn, "i_team", 0, 9)]
    assert kinds == ["genesis", "settle", "close"]
    assert Rights(desk.conn, "i_team")[Place("acme", 24_322)].closed


def test_a_ledger_opened_elsewhere_has_no_rights(desk: Desk) -> None:
    """A copy or a restore spends nothing of the team's and asks for a new incarnation."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 5 * USD))
    desk.do(lambda: desk.books.team.opened_at("another disk"))
    assert desk.books.team.standing is not None
    assert desk.books.team.standing.state is State.DOUBT
    assert not isinstance(desk.hold(desk.request()), Held)
    hello = desk.do(lambda: desk.books.team.hello("n_1", "00"))
    assert hello is not None
    assert hello.old_inc == "i_team"


def test_a_ledger_put_back_in_its_place_has_no_rights(desk: Desk) -> None:
    """The same file, but it lacks an entry it once had; a question from before is not repeated."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 5 * USD))
    mark = desk.do(lambda: desk.books.team.mark)
    assert mark is not None
    desk.do(lambda: desk.books.team.opened_at("here", mark))
    assert desk.books.team.state == "active"
    desk.do(lambda: desk.books.team.opened_at("here", mark._replace(seq=mark.seq + 1)))
    assert desk.books.team.state == "doubt"
    first = desk.do(lambda: desk.books.team.hello("n_1", "00"))
    desk.do(lambda: desk.books.team.opened_at("here", mark._replace(hash="00")))
    again = desk.do(lambda: desk.books.team.hello("n_2", "00"))
    assert (first.nonce, again.nonce) == ("n_1", "n_2")


def test_a_crash_charges_the_teams_rights_in_full(desk: Desk) -> None:
    """R3: what was held counts as spent there too, and is told."""
    from agentspend.bookkeeper.recovery import recover

    join(desk, ORG)
    hear(desk, Told("acme", 24_322, 5 * USD))
    held = desk.hold(desk.request())
    desk.do(lambda: recover(desk.books, desk.at, {}))
    assert line(desk, "acme")["spent_nusd"] == held.amount_nusd  # type: ignore[union-attr]


def test_leaving_ends_it(desk: Desk) -> None:
    """No pool counts any more."""
    join(desk, ORG)
    desk.do(desk.books.team.leave)
    assert isinstance(desk.hold(desk.request()), Held)
    assert desk.books.team.policy.pools == ()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), st.integers(0, 3), st.integers(0, 9)),
        st.tuples(st.just("hold"), st.integers(0, 1), st.integers(1, 4)),
        st.tuples(st.just("shrink"), st.integers(0, 5), st.integers(0, 3)),
        st.tuples(st.just("settle"), st.integers(0, 5), st.integers(0, 5)),
        st.tuples(st.just("release"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("keep"), st.integers(0, 3), st.integers(0, 3)),
    ),
    max_size=25,
)
POOLS = [{"id": f"p{n}", "scope": {"project": f"p{n}"} if n else {}, "window": "month",
          "cap_nusd": 10**12} for n in range(2)]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_books_do_what_the_pure_rules_do(steps: list[tuple[str, int, int]]) -> None:
    """Any run of grants, holds, settles and returns leaves the same counters in every account."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db")
        join(desk, *POOLS)
        model = Device(Standing("d_1", "i_team", "here"), {}, {})
        running: list[str] = []
        for step in steps:
            _both(desk, model, running, step)
            _agree(desk, model)
        desk.conn.close()


def _both(desk: Desk, model: Device, running: list[str], step: tuple[str, int, int]) -> None:
    """Do one step in the books and by the rules."""
    kind, which, amount = step
    rid = running[which % len(running)] if running else ""
    match kind:
        case "grant" | "keep":
            told = Told(f"p{which % 2}", which // 2, amount * USD if kind == "grant" else 0,
                        keep_nusd=amount * USD if kind == "keep" else None)  # fmt: skip
            message = answer(desk, told)
            keep = answered(model, TeamChain(desk.conn, "i_team"), message)
            for draft in (model.give_back(keep) if keep else None, model.close()):
                assert draft is None or draft.kind in ("return", "close")
            desk.do(lambda: desk.books.team.heard(message, desk.now_us))
        case "hold":
            request = desk.request(f"{amount}.00", 1, comfort=1, floor=1, wait_s=-1,
                                   payer=Payer(session="s", project=f"p{which}"))  # fmt: skip
            pools = ["p0", "p1"] if which else ["p0"]
            held = desk.hold(request)
            nusd = request.ask.strict.nusd(1)
            ours = all(pool in model.standing.windows for pool in pools)
            fits = ours and model.reserve(request.rid, pools, nusd) is None
            assert isinstance(held, Held) == fits
            running += [request.rid] if fits else []
        case "shrink" if rid:
            desk.do(lambda: desk.books.shrink(rid, amount * USD))
            model.shrink(rid, amount * USD)
        case "settle" if rid:
            running.remove(rid)
            model.settle(rid, amount * USD)
            done = Settlement(rid, amount * USD, Billing.EXACT, "provider_usage", {"usage": {}})
            desk.do(lambda: desk.books.settle(done, desk.at))
        case "release" if rid:
            running.remove(rid)
            model.release(rid)
            desk.release(rid)


def _agree(desk: Desk, model: Device) -> None:
    """Granted, returned, used, held and closed are the same on both sides."""
    ours = Rights(desk.conn, "i_team")
    known = {place: account for place, account in model.accounts.items() if account != EMPTY}
    assert {place: ours[place] for place in {*ours, *known} if ours[place] != EMPTY} == known
    assert not any(account.closed for account in ours.values())


def test_a_pool_that_the_team_watches_refuses_nobody(desk: Desk) -> None:
    """It names no rights: its server counts what is reported. Once hard, it needs them."""
    join(desk, {**ORG, "mode": "warn"}, API)
    hear(desk, Told("api", 739_000, 5 * USD))
    held = desk.hold(desk.request("3", payer=ANA))
    assert isinstance(held, Held)
    desk.settle(held.rid, "3")
    told = decode(team.after(desk.conn, "i_team", 1, 9)[-1])
    assert [right[0] for right in told.rights or ()] == ["api"]
    assert line(desk, "acme")["mode"] == "warn"
    assert isinstance(desk.hold(desk.request("30", payer=ELSEWHERE)), Held)

    desk.do(lambda: desk.books.team.adopt({"version": 2, "pools": [ORG, API]}))

    assert not isinstance(desk.hold(desk.request("1", payer=ANA)), Held)


def rights_told(desk: Desk) -> list[tuple[str, int, int]]:
    """What the last report names."""
    bodies = team.after(desk.conn, "i_team", 0, 99)
    return [tuple(right) for right in decode(bodies[-1]).rights or ()]  # type: ignore[misc]


def test_what_is_in_flight_when_a_cap_comes_counts_in_it(desk: Desk) -> None:
    """Held there from the first answer on, so that all of the grant is not taken beside it; it is
    not returned, is told to the server, and its charge names the right."""
    join(desk, API)
    before = desk.request("3", 1, comfort=1, floor=1, payer=ELSEWHERE)
    free = desk.request("3", 1, comfort=1, floor=1, payer=ELSEWHERE, counted="subscription")
    assert isinstance(desk.hold(before), Held)
    assert isinstance(desk.hold(free), Held)
    desk.do(lambda: desk.books.team.adopt({"version": 2, "pools": [{**ORG, "cap_nusd": 10 * USD}]}))
    hear(desk, Told("acme", 24_322, 10 * USD, keep_nusd=0))

    least_nusd = before.ask.strict.nusd(1)
    assert line(desk, "acme")["held_nusd"] == least_nusd
    assert line(desk, "acme")["ours_nusd"] == least_nusd
    assert [each.held_nusd for each in desk.do(lambda: wants(desk.books, desk.at))] == [least_nusd]
    hear(desk, Told("acme", 24_322, 20 * USD - least_nusd))
    assert not isinstance(desk.hold(desk.request("9.99", payer=ELSEWHERE)), Held)
    desk.settle(before.rid, "3")
    assert rights_told(desk) == [("acme", 24_322, 3 * USD)]
    desk.settle(free.rid, "3")
    assert rights_told(desk) == []
    assert line(desk, "acme")["spent_nusd"] == 3 * USD


def test_what_is_in_flight_in_a_watched_pool_counts_once_it_is_hard(desk: Desk) -> None:
    """Above the rights of this device its charge is an overrun, which is told."""
    join(desk, {**ORG, "mode": "warn"})
    hear(desk, Told("acme", 24_322, 0))
    held = desk.hold(desk.request("3", 1, comfort=1, floor=1, payer=ANA))
    assert isinstance(held, Held)
    assert line(desk, "acme")["held_nusd"] == 0
    for version in (2, 3):
        desk.do(lambda at=version: desk.books.team.adopt({"version": at, "pools": [ORG]}))
        assert line(desk, "acme")["held_nusd"] == held.amount_nusd
    assert not isinstance(desk.hold(desk.request("1", payer=ANA, wait_s=-1)), Held)
    hear(desk, Told("acme", 24_323, 2 * USD))
    assert line(desk, "acme")["held_nusd"] == 0

    desk.settle(held.rid, "3")

    assert rights_told(desk) == [("acme", 24_322, 3 * USD)]
    account = Rights(desk.conn, "i_team")[Place("acme", 24_322)]
    assert (account.committed_nusd, account.free_nusd) == (3 * USD, -3 * USD)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=8), st.data())
def test_a_cap_is_not_passed_whenever_it_comes(
    asked: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Requests before, while watched and after: all that was in flight or later names the right,
    and where the rights cover what was in flight, no more than they is spent."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db")
        join(desk)
        stages: list[list[dict[str, Any]]] = [[], [{**ORG, "mode": "warn"}], [ORG]]
        rids, early_nusd = [], 0
        for stage, pools in enumerate(stages):
            desk.do(lambda to=pools: desk.books.team.adopt({"version": 2, "pools": to}))
            if (pools and data.draw(st.booleans())) or stage == 2:
                hear(desk, Told("acme", 24_322, 12 * USD * (stage == 2)))
            for at, amount in asked:
                if at == stage:
                    request = desk.request(f"{amount}.00", 1, comfort=1, floor=1, wait_s=-1)
                    held = desk.hold(request)
                    if isinstance(held, Held):
                        rids.append(held.rid)
                        early_nusd += held.amount_nusd if stage < 2 else 0
        assert line(desk, "acme")["held_nusd"] <= max(12 * USD, early_nusd)
        for rid in data.draw(st.permutations(rids)):
            desk.settle(rid, "1.00")
            assert rights_told(desk) == [("acme", 24_322, USD)]
        after = line(desk, "acme")
        assert (after["spent_nusd"], after["held_nusd"]) == (len(rids) * USD, 0)
        desk.conn.close()


def test_what_is_on_its_way_is_not_asked_for_at_every_turn(desk: Desk) -> None:
    """The one that waits is tried again at each change; the server is turned to again only when
    asking may bring something."""
    join(desk, ORG)
    hear(desk, Told("acme", 24_322, USD // 2))
    assert isinstance(desk.hold(desk.request("0.60")), Waiting)
    assert turned_to(desk)
    asked = [Want("acme", need_nusd=6 * USD // 10)]
    said = answer(desk, Told("acme", 24_322, USD // 2, lacking=Lacking.COMING))
    wait_us = desk.do(lambda: desk.books.team.lacking(said, asked, desk.mono_us))
    assert not turned_to(desk)
    desk.do(lambda: None)
    assert not turned_to(desk)
    desk.pass_time(wait_us / 1_000_000 + 1)
    desk.do(lambda: None)
    assert turned_to(desk)


def turned_to(desk: Desk) -> bool:
    """Whether the server was turned to for more since the last look."""
    found = [each for each in desk.books.events if each.kind == "wait" and each.fields["grows"]]
    desk.books.events.clear()
    return bool(found)
