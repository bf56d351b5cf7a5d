"""Requests that wait for a team's money (`on_exceed = "ask"`): the leads are asked, once a pool.

The question is a raise request like one of `agentspend team request`, and is asked by a name that
follows from the pool's window and cap: after a restart it is the same question, and a lead's no
stands until the cap is another one.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import Event
from agentspend.bookkeeper.questions import Question
from agentspend.core.allowance.messages import RaiseRequest
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.errors import AgentspendError
from agentspend.sync.client import NotTaken

LOOK_EVERY_S = 5.0
"""How often an open question is looked after, while the server says nothing by itself."""
NUSD = 10**9

Post = Callable[[RaiseRequest], Coroutine[Any, Any, dict[str, Any]]]
Talk = Callable[[], Coroutine[Any, Any, object]]


@dataclass(slots=True)
class Asked:
    """A question as it was put to the server. `id` is the server's name for it, "" before."""

    request: RaiseRequest
    id: str = ""


class Asking:
    """Puts the open questions of one team to its leads, and hears what they say."""

    def __init__(self, bookkeeper: Bookkeeper, post: Post, talk: Talk) -> None:
        """`post` sends a raise request, again and again; `talk` fetches what was granted."""
        self._bookkeeper = bookkeeper
        self._post = post
        self._talk = talk
        self._nudged = asyncio.Event()
        self._by_hand: dict[str, RaiseRequest] = {}
        self.asked: dict[str, Asked] = {}

    def on_commit(self, events: list[Event]) -> None:
        """Somebody asks for a pool of the team's."""
        for event in events:
            if event.kind == "ask" and str(event.fields["budget"]).startswith(TEAM_PREFIX):
                self.nudge()

    def nudge(self) -> None:
        """Look after the questions now."""
        self._nudged.set()

    def by_hand(self, request: RaiseRequest, answer: dict[str, Any]) -> None:
        """A person asked for a pool: while that is open, nobody asks for it besides."""
        if answer.get("pool") and answer.get("status") == "open":
            self._by_hand[str(answer["pool"])] = request

    async def run(self) -> None:
        """Look after them until cancelled."""
        while True:
            self._nudged.clear()
            open_ones = await self._bookkeeper.ask(_open)
            self.asked = {pool: each for pool, each in self.asked.items() if pool in open_ones}
            for pool, (question, request) in open_ones.items():
                with suppress(AgentspendError):
                    await self._look_after(pool, question, request)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S if open_ones else None):
                    await self._nudged.wait()

    async def _look_after(self, pool: str, question: Question, fresh: RaiseRequest) -> None:
        """Ask, or hear how it stands; asking again changes nothing at the server."""
        request = self._by_hand.get(pool, fresh)
        try:
            answer = await self._post(request)
        except NotTaken:
            answer = {"status": "refused"}
        self.asked[pool] = Asked(request, str(answer.get("id", "")))
        match answer.get("status"):
            case "approved":
                self._by_hand.pop(pool, None)
                await self._talk()
            case "refused" if pool in self._by_hand:
                del self._by_hand[pool]
            case "refused":
                name = question.budget
                await self._bookkeeper.ask(lambda books, _: books.questions.say_no(name))


def _open(books: Books, _: object) -> dict[str, tuple[Question, RaiseRequest]]:
    """The open questions by pool, each with the raise request that asks it."""
    team, found = books.team, {}
    if team.membership is None or team.standing is None:
        return {}
    caps = {pool.id: pool.cap_nusd for pool in team.pools}
    for question in books.questions.all():
        pool = question.budget.removeprefix(TEAM_PREFIX)
        if pool == question.budget or pool not in caps:
            continue
        window = team.standing.windows.get(pool, 0)
        name = f"{team.standing.inc} {pool} {window} {caps[pool]}"
        found[pool] = (
            question,
            RaiseRequest(
                team=team.membership.team,
                device=team.membership.device,
                nonce=sha256(name.encode()).hexdigest()[:32],
                pool=pool,
                amount_nusd=-(-max(1, question.lacking_nusd) // NUSD) * NUSD,
                reason=_reason(question),
            ),
        )
    return found


def _reason(question: Question) -> str:
    """What a lead reads: who waits, and where."""
    count = len(question.requests)
    agents = {each.payer.agent for each in question.requests} - {""}
    projects = {each.payer.project for each in question.requests} - {""}
    whose = f" of {', '.join(sorted(agents))}" if agents else ""
    where = f" in {', '.join(sorted(projects))}" if projects else ""
    return f"{count} request{'' if count == 1 else 's'}{whose}{where} now waiting for it"
