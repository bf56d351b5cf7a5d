"""A device whose member is in two teams: each request is one team's, its pools and no other's."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentspend.bookkeeper import snapshot
from agentspend.bookkeeper.closed import FROZEN, LEFT, VIEWER
from agentspend.bookkeeper.corrections import adjust
from agentspend.bookkeeper.outcomes import Held, Refused, Settlement
from agentspend.core.allowance.messages import Told
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.store import team
from agentspend.sync.wants import wants
from agentspend.wire.entries import Entry, decode
from tests.bookkeeper.conftest import Desk
from tests.bookkeeper.test_team import MEMBER, USD, hear, line

ORG, BACKEND, DATA = (
    {"id": name, "scope": {}, "window": "month", "cap_nusd": 100 * USD}
    for name in ("org.month", "team.backend.month", "team.data.month")
)
WINDOW = 24_322
ONE = Payer(agent="claude", session="s_1")
TWO = Payer(agent="claude", session="s_2", team="data")


def policy(**more: Any) -> dict[str, Any]:
    """Home in backend, and in data too."""
    data = {"team": "data", "pools": [{**DATA, "team": "data"}], **more.pop("data", {})}
    pools = [ORG, {**BACKEND, "team": "backend"}]
    return {"version": 1, "team": "backend", "pools": pools, "teams": [data], **more}


def join(desk: Desk, **more: Any) -> None:
    """Be in both, with allowance in all pools."""

    def work() -> None:
        desk.books.team.join(MEMBER, "i_team", "here", desk.now_us)
        desk.books.team.adopt(policy(**more))

    desk.do(work)
    names = ("org.month", "team.backend.month", "team.data.month")
    hear(desk, *(Told(name, WINDOW, 10 * USD) for name in names))


def last(desk: Desk) -> Entry:
    """The last entry of the team's chain."""
    return decode(team.after(desk.conn, "i_team", 0, 99)[-1])


def pools_of(entry: Entry) -> list[str]:
    """The pools it counts in."""
    return [pool for pool, _, _ in entry.rights or ()]


def test_a_request_counts_in_its_own_team_and_in_what_all_share(desk: Desk) -> None:
    """The home team's where the session names none; the entry says which, in both ledgers."""
    join(desk)
    for payer, name in ((ONE, "backend"), (TWO, "data")):
        held = desk.hold(desk.request(payer=payer))
        assert isinstance(held, Held)
        desk.settle(held.rid, "0.25")
        assert pools_of(last(desk)) == ["org.month", f"team.{name}.month"]
        assert last(desk).team == name
        story = snapshot.why(desk.books, held.rid)
        assert story["payer"]["team"] == name  # type: ignore[index]
        assert [entry["team"] for entry in story["entries"]] == [name]  # type: ignore[attr-defined]
    spent = [line(desk, f"team.{name}.month")["spent_nusd"] for name in ("backend", "data")]
    assert (line(desk, "org.month")["spent_nusd"], spent) == (USD // 2, [USD // 4, USD // 4])


def test_a_team_that_is_used_up_refuses_its_own_sessions_only(desk: Desk) -> None:
    """The refusal names the pool of the session's team."""
    join(desk)
    hear(desk, Told("team.data.month", WINDOW, 10 * USD, keep_nusd=0))
    desk.do(lambda: desk.books.team.away(desk.mono_us))
    refused = desk.hold(desk.request(payer=TWO))
    assert isinstance(refused, Refused)
    assert refused.budget == "team:team.data.month"
    assert isinstance(desk.hold(desk.request(payer=ONE)), Held)


def test_a_frozen_team_stops_its_own_sessions_only(desk: Desk) -> None:
    """Whichever of them it is."""
    join(desk, data={"frozen": True})
    refused = desk.hold(desk.request(payer=TWO))
    assert isinstance(refused, Refused)
    assert refused.budget == f"{FROZEN}data"
    assert isinstance(desk.hold(desk.request(payer=ONE)), Held)
    desk.do(lambda: desk.books.team.adopt(policy(version=2, frozen=True)))
    refused = desk.hold(desk.request(payer=ONE))
    assert isinstance(refused, Refused)
    assert refused.budget == f"{FROZEN}backend"
    assert isinstance(desk.hold(desk.request(payer=TWO)), Held)


def test_a_viewer_spends_for_no_team(desk: Desk) -> None:
    """Though there is allowance, and also where the caps only warn and ask for none."""
    join(desk)
    warns = [{**ORG, "mode": "warn"}]
    for number, more in enumerate(({}, {"pools": warns, "teams": []}), start=2):
        told = policy(version=number, role="viewer", **more)
        desk.do(lambda told=told: desk.books.team.adopt(told))
        for payer in (ONE, TWO):
            refused = desk.hold(desk.request(payer=payer))
            assert isinstance(refused, Refused)
            assert refused.budget == f"{VIEWER}{MEMBER.member}"
    desk.do(lambda: desk.books.team.adopt(policy(version=4)))
    assert isinstance(desk.hold(desk.request(payer=TWO)), Held)


def test_a_session_does_not_slip_into_another_team_when_its_own_is_left(desk: Desk) -> None:
    """What it has in flight is still that team's; a request after that is refused."""
    join(desk)
    held = desk.hold(desk.request(payer=TWO))
    assert isinstance(held, Held)
    desk.do(lambda: desk.books.team.adopt(policy(version=2, teams=[])))
    refused = desk.hold(desk.request(payer=TWO))
    assert isinstance(refused, Refused)
    assert refused.budget == f"{LEFT}data"
    desk.settle(held.rid, "0.25")
    assert (pools_of(last(desk)), last(desk).team) == (["org.month", "team.data.month"], "data")


def test_what_is_in_flight_keeps_its_team_when_the_home_team_changes(desk: Desk) -> None:
    """A session that named none follows its member, and a request stays where it was held."""
    join(desk)
    held = desk.hold(desk.request(payer=ONE))
    assert isinstance(held, Held)
    moved = {"version": 2, "team": "data", "pools": [ORG, {**DATA, "team": "data"}]}
    desk.do(lambda: desk.books.team.adopt(moved))
    desk.settle(held.rid, "0.25")
    assert (pools_of(last(desk)), last(desk).team) == (
        ["org.month", "team.backend.month"],
        "backend",
    )
    later = desk.hold(desk.request(payer=ONE))
    assert isinstance(later, Held)
    desk.settle(later.rid, "0.25")
    assert (pools_of(last(desk)), last(desk).team) == (["org.month", "team.data.month"], "data")


def test_the_pace_in_a_teams_pool_is_that_of_its_own_requests(desk: Desk) -> None:
    """So that a device asks for little where it does little."""
    join(desk)
    held = desk.hold(desk.request(payer=TWO))
    assert isinstance(held, Held)
    desk.settle(held.rid, "0.25")
    burn = {want.pool: want.burn_nusd for want in desk.do(lambda: wants(desk.books, desk.at))}
    assert burn == {
        "org.month": USD // 4, "team.backend.month": 0, "team.data.month": USD // 4,
    }  # fmt: skip


def test_a_correction_is_the_same_teams(desk: Desk) -> None:
    """The leads of the team that paid read of it."""
    join(desk)
    held = desk.hold(desk.request(payer=TWO))
    assert isinstance(held, Held)
    done = Settlement(held.rid, USD, Billing.CEILING, "estimate", {"usage": {}})
    desk.do(lambda: desk.books.settle(done, desk.at))
    pools = desk.do(lambda: adjust(desk.books, held.rid, USD // 2, "seen", desk.at))
    assert pools == ("org.month", "team.data.month")
    assert (last(desk).kind, last(desk).team) == ("adjust", "data")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "hold", "settle", "grant", "leave", "back", "move"]),
        st.integers(0, 2), st.integers(0, 5),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_pool_gives_more_than_it_was_granted_whoever_pays(
    steps: list[tuple[str, int, int]],
) -> None:
    """Whatever comes between: each pool's sums are those of its own team's requests, and never
    above its grant; a request refused lacks room in its own pools."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db")
        join(desk)
        _Run(desk).all(steps)
        desk.conn.close()


class _Run:
    """A run of steps beside sums that are kept by hand."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.granted = dict.fromkeys(
            ("org.month", "team.backend.month", "team.data.month"), 10 * USD
        )
        self.taken = dict.fromkeys(self.granted, 0)
        self.running: dict[str, tuple[int, list[str]]] = {}
        self.home, self.teams = "backend", {"backend", "data"}

    def all(self, steps: list[tuple[str, int, int]]) -> None:
        """Every step, and what holds after each."""
        for kind, which, amount in steps:
            getattr(self, kind)(which, amount)
            for pool, nusd in self.taken.items():
                assert nusd <= self.granted[pool]

    def hold(self, which: int, amount: int) -> None:
        """A request of a session for one of the teams, or for the one that is home."""
        payer = [ONE, TWO, Payer(agent="claude", session="s_3", team="backend")][which]
        desk, name = self.desk, payer.team or self.home
        request = desk.request(f"{amount}.00", 1, comfort=1, floor=1, wait_s=-1, payer=payer)
        nusd = request.ask.strict.nusd(1)
        pools = ["org.month", f"team.{name}.month"]
        fits = all(self.taken[pool] + nusd <= self.granted[pool] for pool in pools)
        found = desk.hold(request)
        assert isinstance(found, Held) == (fits and name in self.teams)
        if isinstance(found, Held):
            self.running[request.rid] = nusd, pools
            self._take(nusd, pools)

    def settle(self, which: int, amount: int) -> None:
        """One of those in flight costs at most its hold."""
        if self.running:
            rid = list(self.running)[which % len(self.running)]
            nusd, pools = self.running.pop(rid)
            cost_nusd = min(nusd, amount * USD)
            done = Settlement(rid, cost_nusd, Billing.EXACT, "provider_usage", {"usage": {}})
            self.desk.do(lambda: self.desk.books.settle(done, self.desk.at))
            self._take(cost_nusd - nusd, pools)
            assert pools_of(last(self.desk)) == pools

    def grant(self, which: int, amount: int) -> None:
        """More of one pool."""
        pool = list(self.granted)[which]
        self.granted[pool] += amount * USD
        hear(self.desk, Told(pool, WINDOW, self.granted[pool]))

    def leave(self, _which: int, _amount: int) -> None:
        """Out of the team that is not home."""
        self._adopt(self.home, {self.home})

    def back(self, _which: int, _amount: int) -> None:
        """In both."""
        self._adopt(self.home, {"backend", "data"})

    def move(self, which: int, _amount: int) -> None:
        """Another home team."""
        home = ["backend", "data"][which % 2]
        self._adopt(home, self.teams | {home})

    def _take(self, nusd: int, pools: list[str]) -> None:
        for pool in pools:
            self.taken[pool] += nusd

    def _adopt(self, home: str, teams: set[str]) -> None:
        self.home, self.teams = home, teams
        own = {"backend": {**BACKEND, "team": "backend"}, "data": {**DATA, "team": "data"}}
        further = [{"team": name, "pools": [own[name]]} for name in sorted(teams - {home})]
        told = {"version": 2, "team": home, "pools": [ORG, own[home]], "teams": further}
        self.desk.do(lambda: self.desk.books.team.adopt(told))
