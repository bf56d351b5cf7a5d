"""Requests that wait for a team's money (`on_exceed = "ask"`): the leads are asked, once a pool.

The question is a raise request like one of `agentspend team request`, and is asked by a name that
follows from the pool's window and cap: after a restart it is the same question, and a lead's no
stands until the cap is another one. A name that was answered by a raise which is no more (it was
taken back, or used up elsewhere) is not asked again, but with a number behind it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
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

LOOK_EVERY_S = 5.0
"""How often an open question is looked after, while the server says nothing by itself."""
REST_S = 2.0
"""So long a question rests after it was put: what the server says meanwhile may be its echo."""
NUSD = 10**9

Post = Callable[[RaiseRequest], Coroutine[Any, Any, dict[str, Any]]]
Talk = Callable[[], Coroutine[Any, Any, object]]


Asks = tuple[Question, RaiseRequest, str]
"""An open question, the raise request that asks it, and the name that follows from its pool."""


@dataclass(slots=True)
class Asked:
    """A question as it was put to the server. `id` is the server's name for it, "" before."""

    request: RaiseRequest
    id: str = ""


class Asking:
    """Puts the open questions of one team to its leads, and hears what they say."""

    def __init__(
        self,
        bookkeeper: Bookkeeper,
        post: Post,
        talk: Talk,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`post` sends a raise request, again and again; `talk` fetches what was granted."""
        self._bookkeeper = bookkeeper
        self._post = post
        self._talk = talk
        self._now_s = now_s
        self._put_s: dict[str, float] = {}
        self._nudged = asyncio.Event()
        self._by_hand: dict[str, RaiseRequest] = {}
        self._rounds: Counter[str] = Counter()
        self.asked: dict[str, Asked] = {}

    def on_commit(self, events: list[Event]) -> None:
        """Somebody asks for a pool of the team's."""
        for event in events:
            if event.kind == "ask" and str(event.fields["budget"]).startswith(TEAM_PREFIX):
                self.nudge()

    def nudge(self) -> None:
        """Look after the questions now, or as soon as they have rested."""
        self._nudged.set()

    def by_hand(self, request: RaiseRequest, answer: dict[str, Any]) -> None:
        """A person asked for a pool: while that is open, nobody asks for it besides."""
        if answer.get("pool") and answer.get("status") == "open":
            self._by_hand[str(answer["pool"])] = request

    async def run(self) -> None:
        """Look after them until cancelled."""
        while True:
            self._nudged.clear()
            open_ones = await self._bookkeeper.ask(lambda books, _: _open(books, self._rounds))
            names = {each[2] for each in open_ones.values()}
            self._rounds = Counter({name: self._rounds[name] for name in names})
            self.asked = {pool: each for pool, each in self.asked.items() if pool in open_ones}
            chosen = {pool: self._by_hand.get(pool, each[1]) for pool, each in open_ones.items()}
            nonces = {request.nonce for request in chosen.values()}
            self._put_s = {nonce: at for nonce, at in self._put_s.items() if nonce in nonces}
            wait_s = LOOK_EVERY_S
            for pool, request in chosen.items():
                rests_s = self._rests_s(request)
                if rests_s > 0:
                    wait_s = min(wait_s, rests_s)
                    continue
                with suppress(AgentspendError):
                    await self._look_after(pool, open_ones[pool], request)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s if open_ones else None):
                    await self._nudged.wait()

    def _rests_s(self, request: RaiseRequest) -> float:
        """How long this question is left alone yet; at most 0: not any more."""
        put_s = self._put_s.get(request.nonce)
        return 0.0 if put_s is None else put_s + REST_S - self._now_s()

    async def _look_after(self, pool: str, asks: Asks, request: RaiseRequest) -> None:
        """Ask, or hear how it stands; asking again changes nothing at the server.

        What is still asked by the same name after its approval was fetched is another question.
        """
        question, own, name = asks
        self._put_s[request.nonce] = self._now_s()
        answer = await self._post(request)
        self.asked[pool] = Asked(request, str(answer.get("id", "")))
        match answer.get("status"):
            case "approved":
                await self._talk()
                self._by_hand.pop(pool, None)
                if request is own:
                    self._rounds[name] += 1
            case "refused" | "over" if pool in self._by_hand:
                del self._by_hand[pool]
            case "refused":
                budget = question.budget
                await self._bookkeeper.ask(lambda books, _: books.questions.say_no(budget))


def _open(books: Books, rounds: Mapping[str, int]) -> dict[str, Asks]:
    """The open questions by pool."""
    team, found = books.team, {}
    if team.membership is None or team.standing is None:
        return {}
    caps = team.policy.caps
    for question in books.questions.all():
        pool = question.budget.removeprefix(TEAM_PREFIX)
        if pool == question.budget or pool not in caps:
            continue
        window = team.standing.windows.get(pool, 0)
        turn, name = team.turn(pool), f"{team.standing.inc} {pool} {window} {caps[pool]}"
        name = f"{name} {turn}" if turn else name
        number = rounds.get(name, 0)
        asked = f"{name} again {number}" if number else name
        found[pool] = (
            question,
            RaiseRequest(
                team=team.membership.team,
                device=team.membership.device,
                nonce=sha256(asked.encode()).hexdigest()[:32],
                pool=pool,
                amount_nusd=-(-max(1, question.lacking_nusd) // NUSD) * NUSD,
                reason=_reason(question),
            ),
            name,
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
