"""Who asks for a team's money: one raise request a pool, however many wait, and both answers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentspend.bookkeeper.outcomes import Asked, Held, Refused
from agentspend.core.allowance.messages import RaiseRequest, Told
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.sync import asking
from agentspend.sync.asking import Asking
from agentspend.sync.client import NotTaken, Unreachable
from tests.bookkeeper.conftest import bound, hold_request
from tests.bookkeeper.test_team import MEMBER, ORG, answer
from tests.support.desk import Device

USD = 10**9
ANA = Payer(agent="claude", session="s_1", project="acme/api")


@dataclass
class Lead:
    """Stands for the server: what was asked, and what it says of it; `known` of one by its nonce.
    Where an answer is `lost`, so is what it brings."""

    says: str = "open"
    known: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    trouble: AgentspendError | None = None
    asked: list[RaiseRequest] = field(default_factory=list)
    talks: int = 0

    async def post(self, request: RaiseRequest) -> dict[str, Any]:
        """One raise request, new or not."""
        self.asked.append(request)
        if self.trouble is not None:
            raise self.trouble
        says = self.known.get(request.nonce, self.says)
        return {"id": "r_1", "status": says, "pool": "acme"}

    async def talk(self) -> None:
        """A report and its answer."""
        if self.lost:
            raise Unreachable("away", "")
        self.talks += 1


class Team:
    """A device in a team that has granted it $1."""

    def __init__(self, device: Device, lead: Lead) -> None:
        self.device, self.lead = device, lead
        self.now_s = 0.0
        self.asking = Asking(device.bookkeeper, lead.post, lead.talk, lambda: self.now_s)
        self.count = 0

    def ask(self, usd: str) -> "asyncio.Task[Any]":
        """A request that no allowance lets pass."""
        self.count += 1
        at = self.device.desk.now()
        request = hold_request(
            f"r_{self.count}", bound(usd), 1, comfort=1, floor=1, payer=ANA,
            arrived_us=at.mono_us, wait_s=0,
        )  # fmt: skip
        asks = replace(request, asks_until_us=at.mono_us + 60_000_000)
        return asyncio.ensure_future(self.device.bookkeeper.hold(asks))

    async def heard(self, nusd: int) -> None:
        """So much is granted in all."""

        def work(books: Any, at: Any) -> None:
            books.team.heard(answer(books, Told("acme", 24_322, nusd)), at.wall_us)

        await self.device.bookkeeper.ask(work)

    async def until(self, check: Any) -> None:
        """Wait for a state."""
        for _ in range(1_000):
            if check():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("never")


@pytest.fixture
async def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Team]:
    """Joined, followed, and looked after often."""
    monkeypatch.setattr(asking, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(asking, "REST_S", 0.0)
    async with Device(tmp_path) as device:

        def join(books: Any, at: Any) -> None:
            books.team.join(MEMBER, "i_team", "here", at.wall_us)
            books.team.adopt({"version": 1, "pools": [ORG]})

        await device.bookkeeper.ask(join)
        made = Team(device, Lead())
        await made.heard(USD)
        await device.bookkeeper.ask(lambda books, at: books.team.away(at.mono_us + 2**40))
        device.bookkeeper.on_commit(made.asking.on_commit)
        task = asyncio.ensure_future(made.asking.run())
        yield made
        task.cancel()


async def test_one_request_whatever_waits(team: Team) -> None:
    """The same question again and again, by one name, for what the first lacked."""
    first = team.ask("3")
    await team.until(lambda: team.asking.asked)
    second = team.ask("2")
    asked = len(team.lead.asked)
    await team.until(lambda: len(team.lead.asked) > asked + 2)
    assert len({each.nonce for each in team.lead.asked}) == 1
    request = team.lead.asked[0]
    assert (request.pool, request.amount_nusd) == ("acme", 3 * USD)
    assert request.reason == "1 request of claude in acme/api now waiting for it"
    assert team.asking.asked["acme"].id == "r_1"

    await team.heard(7 * USD)

    assert isinstance(await first, Held)
    assert isinstance(await second, Held)
    await team.until(lambda: not team.asking.asked)


async def test_a_nudge_does_not_ask_again_at_once(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push may be the echo of our own question: it rests first, and is asked then."""
    monkeypatch.setattr(asking, "REST_S", 2.0)
    waiting = team.ask("3")
    await team.until(lambda: team.asking.asked)
    for _ in range(50):
        team.asking.nudge()
        await team.device.bookkeeper.ask(lambda *_: None)
    assert len(team.lead.asked) == 1
    team.now_s = 2.0
    team.asking.nudge()
    await team.until(lambda: len(team.lead.asked) == 2)
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_approved_it_fetches_what_was_granted(team: Team) -> None:
    """It does not rest on a push that may be lost."""
    waiting = team.ask("3")
    team.lead.says = "approved"
    await team.until(lambda: team.lead.talks)
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_a_leads_no_refuses_all(team: Team) -> None:
    """And is asked no more."""
    waiting = [team.ask("3"), team.ask("2")]
    team.lead.says = "refused"
    for each in waiting:
        refused = await each
        assert isinstance(refused, Refused)
        assert refused.asked is Asked.NO


async def test_a_server_that_will_not_hear_it_is_no_leads_no(team: Team) -> None:
    """Too many questions are open, say: it waits for its time, and is asked again."""
    team.lead.trouble = NotTaken("20 questions of this device are open", "")
    waiting = team.ask("3")
    await team.until(lambda: len(team.lead.asked) > 2)
    assert not waiting.done()
    team.lead.trouble = None
    await team.until(lambda: team.asking.asked)
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_a_server_that_is_away_is_asked_again(team: Team) -> None:
    """It waits meanwhile."""
    team.lead.trouble = Unreachable("away", "")
    waiting = team.ask("3")
    await team.until(lambda: len(team.lead.asked) > 1)
    assert not waiting.done()
    team.lead.trouble = None
    await team.until(lambda: team.asking.asked)
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_what_a_person_asked_is_not_asked_again(team: Team) -> None:
    """While `team request` is open for the pool, that is the question."""
    by_hand = RaiseRequest("t_1", "d_1", "by hand", "acme", 9 * USD, "a release")
    team.asking.by_hand(by_hand, {"id": "r_9", "status": "open", "pool": "acme"})
    waiting = team.ask("3")
    await team.until(lambda: team.lead.asked)
    assert {each.nonce for each in team.lead.asked} == {"by hand"}
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_what_a_person_asked_in_an_earlier_window_is_over(team: Team) -> None:
    """Nobody will answer it: what waits asks for itself."""
    by_hand = RaiseRequest("t_1", "d_1", "by hand", "acme", 9 * USD, "a release")
    team.asking.by_hand(by_hand, {"id": "r_9", "status": "open", "pool": "acme"})
    team.lead.says = "over"
    waiting = team.ask("3")
    await team.until(lambda: len({each.nonce for each in team.lead.asked}) == 2)
    assert not waiting.done()
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_an_approval_that_was_taken_back_is_asked_anew(team: Team) -> None:
    """The cap is what it was, and so would the question's name be; nobody would see it."""
    waiting = team.ask("3")
    await team.until(lambda: team.asking.asked)
    first = team.lead.asked[0].nonce
    team.lead.known[first] = "approved"
    await team.until(lambda: team.lead.asked[-1].nonce != first)
    assert team.lead.talks
    assert not waiting.done()
    asked = len(team.lead.asked)
    await team.until(lambda: len(team.lead.asked) > asked + 1)
    assert len({each.nonce for each in team.lead.asked}) == 2
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_an_approval_that_could_not_be_fetched_is_not_asked_anew(team: Team) -> None:
    """What it brought is not known yet: the same question is looked after."""
    team.lead.lost = True
    waiting = team.ask("3")
    team.lead.says = "approved"
    await team.until(lambda: len(team.lead.asked) > 3)
    assert len({each.nonce for each in team.lead.asked}) == 1
    team.lead.lost = False
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


async def test_a_no_falls_with_the_cap_it_was_said_of(team: Team) -> None:
    """The cap is raised and set back: what waits then asks anew, also after a restart."""
    waiting = team.ask("3")
    team.lead.says = "refused"
    assert isinstance(await waiting, Refused)
    first = team.lead.asked[-1].nonce
    assert isinstance(await team.ask("3"), Refused)
    for version, cap in ((2, 2), (3, 1)):
        pool = {**ORG, "cap_nusd": cap * int(str(ORG["cap_nusd"]))}
        policy = {"version": version, "pools": [pool]}
        await team.device.bookkeeper.ask(lambda books, _, word=policy: books.team.adopt(word))
        await team.device.bookkeeper.ask(lambda books, at: books.team.away(at.mono_us + 2**40))
    team.lead.says = "open"
    waiting = team.ask("3")
    await team.until(lambda: team.lead.asked[-1].nonce != first)
    assert not waiting.done()
    await team.device.bookkeeper.ask(lambda books, _: books.team.forget())
    asked = len(team.lead.asked)
    await team.until(lambda: len(team.lead.asked) > asked + 1)
    assert len({each.nonce for each in team.lead.asked}) == 2
    await team.heard(7 * USD)
    assert isinstance(await waiting, Held)


class Losing(Lead):
    """A server that notes a question and approves it when it is asked again; each of the ways may
    lose what it carries, once."""

    def __init__(self, team: Team, lost: str) -> None:
        super().__init__()
        self.team, self.losing = team, lost
        self.noted: dict[str, int] = {}

    def loses(self, way: str) -> None:
        """Here it is lost, if it is to be."""
        if self.losing == way:
            self.losing = ""
            raise Unreachable(f"{way} was lost", "")

    async def post(self, request: RaiseRequest) -> dict[str, Any]:
        """Open when it is new, approved afterwards."""
        self.loses("the question")
        count = self.noted[request.nonce] = self.noted.get(request.nonce, 0) + 1
        if count == 1:
            self.loses("that it is open")
            return {"id": "r_1", "status": "open", "pool": "acme"}
        self.loses("that it is approved")
        return {"id": "r_1", "status": "approved", "pool": "acme"}

    async def talk(self) -> None:
        """Reports and what was granted, which may come in parts."""
        self.loses("the report")
        await self.team.heard(2 * USD)
        self.loses("the last of its answers")
        await self.team.heard(7 * USD)


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize(
    "lost",
    ["", "the question", "that it is open", "that it is approved", "the report",
     "the last of its answers"],
)  # fmt: skip
async def test_whatever_is_lost_what_waits_hears_of_the_approval(
    team: Team, lost: str, by_hand: bool
) -> None:
    """And nobody is asked a second time for the same, whoever asked first."""
    losing = Losing(team, lost)
    team.asking._post, team.asking._talk = losing.post, losing.talk
    if by_hand:
        asked = RaiseRequest("t_1", "d_1", "by hand", "acme", 9 * USD, "a release")
        losing.noted["by hand"] = 1
        team.asking.by_hand(asked, {"id": "r_9", "status": "open", "pool": "acme"})
    assert isinstance(await team.ask("3"), Held)
    assert losing.losing in ("", "that it is open")
    assert len(losing.noted) == 1
