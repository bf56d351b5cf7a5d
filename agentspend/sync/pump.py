"""When the device and its team server talk: after a while, when told to, and when money is short.

A request that lacks nothing but allowance wakes the pump once; while the server is away or has no
more, the pool counts as dry for some seconds, so that nobody waits for what will not come.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.earlier import retelling, retold
from agentspend.bookkeeper.membership import Membership
from agentspend.bookkeeper.outcomes import Event, Moment
from agentspend.core.allowance.hearing import is_outdated
from agentspend.core.allowance.messages import Answer, Sync, Want
from agentspend.core.errors import AgentspendError, StoreError
from agentspend.sync.client import Heard, NotTaken, TeamClient, Unreachable
from agentspend.sync.pace import LinePace, Pace
from agentspend.sync.wants import wants

NONCE_BYTES = 16

Adopt = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]
Mark = Callable[[], Coroutine[Any, Any, None]]


def _nobody() -> None:
    """Nobody waits for news."""


class Pump:
    """The conversation with one team server. `heard_us` and `failed` are what people are told of
    it. `pushed` is called when the server says that something happened, `news` after each talk
    that went well."""

    def __init__(
        self,
        bookkeeper: Bookkeeper,
        client: TeamClient,
        anchor_sha256: str,
        adopted: Adopt,
        mark: Mark | None = None,
    ) -> None:
        """`adopted` is called with each policy that came into force; `mark` before each report:
        what is told must be known here to have been written (`sync.mark`)."""
        self._bookkeeper = bookkeeper
        self._client = client
        self._anchor = anchor_sha256
        self._adopted = adopted
        self._mark = mark
        self._nudged = asyncio.Event()
        self._talked = asyncio.Event()
        self._ticket = ""
        self.pushed: Callable[[], None] = _nobody
        self.news: Callable[[], None] = _nobody
        self.heard_us = 0
        self.failed = ""

    def nudge(self) -> None:
        """Talk now."""
        self._nudged.set()

    def on_commit(self, events: list[Event]) -> None:
        """Whoever waits for the team's money has it asked for, at once."""
        for event in events:
            if event.kind == "wait" and event.fields["grows"]:
                self.nudge()

    async def run(self) -> None:
        """Talk until cancelled."""
        pace = Pace()
        while True:
            self._nudged.clear()
            try:
                wait_s = pace.answered(await self.talk())
            except NotTaken as error:
                wait_s = await self._fails(error, pace.refused())
            except Exception as error:  # noqa: BLE001 - a full disk ends, and so must this trouble
                wait_s = await self._fails(error, pace.silent())
            while not await self._nudged_within(wait_s):
                if not pace.may_skip(
                    await self._bookkeeper.ask(lambda books, _: books.team.queued)
                ):
                    break

    async def _nudged_within(self, wait_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._nudged.wait()
                return True
        return False

    async def listen(self) -> None:
        """Follow the server's pushes until cancelled; each is a reason to talk.

        So is a line that opens: what was pushed before is lost. One that the server does not take
        needs a fresh ticket, which a talk brings; one that cannot be had is tried again at once
        when a talk has shown that the server is there.
        """
        pace = LinePace()
        await self._talked.wait()
        while True:
            self._talked.clear()
            heard, refused = 0, False
            try:
                async for event in self._client.pushes(self._ticket):
                    heard += 1
                    if heard == 1:
                        await self._listens(line_open=True)
                    if event == "sync" or heard == 1:
                        self.nudge()
                        self.pushed()
            except NotTaken:
                refused = True
                self.nudge()
            except Unreachable:
                pass
            if heard:
                await self._listens(line_open=False)
            again_s = pace.broke(heard)
            with suppress(TimeoutError):
                async with asyncio.timeout(again_s):
                    await (asyncio.sleep(again_s) if heard or refused else self._talked.wait())

    async def talk(self) -> int:
        """Report everything, take in what comes back; raises `Unreachable` or `NotTaken`.

        Answers after how many microseconds to talk again, as allowance is on its way or lies here
        in vain; 0 for not so soon.
        """
        while True:
            more, again_us = await self._exchange()
            if not more:
                await self._tell_again()
                self.news()
                return again_us

    async def _tell_again(self) -> None:
        """What a server that was put back may have forgotten of ledgers we have left behind."""
        while (report := await self._bookkeeper.ask(_retelling)) is not None:
            await self._bookkeeper.ask(await self._told_again(report))

    async def _told_again(self, report: Sync) -> Callable[[Books, Moment], None]:
        """One report of it, and how to note what came of that."""
        answer: Answer | None = None
        with suppress(NotTaken):
            answer, _ = await self._client.sync(report)
        return lambda books, _: retold(books.conn, report, answer)

    async def _exchange(self) -> tuple[bool, int]:
        """One report and its answer: is there more to report, after how long is more to be asked
        for?

        Whom the server lets begin no new ledger still reports: it may have forgotten the old one.
        """
        refused: NotTaken | None = None
        try:
            await self._begin_anew()
        except NotTaken as error:
            refused = error
        asked = await self._bookkeeper.ask(wants)
        nonce = secrets.token_hex(NONCE_BYTES)
        report = await self._bookkeeper.ask(lambda books, _: books.team.report(nonce, asked))
        if report is None:
            if refused is not None:
                raise refused
            return False, 0
        if self._mark is not None:
            await self._mark()
        answer, heard = await self._client.sync(report)
        return await self._take(answer, heard, asked)

    async def _begin_anew(self) -> None:
        """Ask for a new incarnation where the ledger is in doubt or has been replaced."""
        nonce, anchor = secrets.token_hex(NONCE_BYTES), self._anchor
        hello = await self._bookkeeper.ask(lambda books, _: books.team.hello(nonce, anchor))
        if hello is not None:
            word = await self._client.hello(hello)
            await self._bookkeeper.ask(lambda books, at: books.team.welcome(word, books.now(at)))

    async def _take(self, answer: Answer, heard: Heard, asked: list[Want]) -> tuple[bool, int]:
        """Put an answer in force, in one transaction: nobody in line may see the half of it."""
        self._ticket = heard.ticket or self._ticket
        if heard.policy is not None:
            await self._adopt(answer, heard.policy)
        needy = [want for want in asked if want.need_nusd]

        def heard_all(books: Books, at: Moment) -> tuple[bool, int]:
            if books.team.heard(answer, books.now(at)):
                return True, 0
            return False, books.team.lacking(answer, needy, at.mono_us)

        found = await self._bookkeeper.ask(heard_all)
        self.heard_us, self.failed = answer.server_us, ""
        self._talked.set()
        return found

    async def _adopt(self, answer: Answer, policy: dict[str, Any]) -> None:
        """Put a policy in force, unless a newer one is: an old server's may know no cap."""

        def work(books: Books, _: Moment) -> bool:
            standing, known = books.team.standing, books.team.policy.version
            if standing is None or is_outdated(standing, answer, known):
                return False
            books.team.adopt(policy)
            return True

        if await self._bookkeeper.ask(work):
            await self._adopted(policy)

    async def _listens(self, *, line_open: bool) -> None:
        """Whether the server can say of its own accord that there is more of a pool."""
        with suppress(StoreError):
            await self._bookkeeper.ask(lambda books, _: books.team.listens(line_open=line_open))

    async def _fails(self, error: Exception, wait_s: float) -> float:
        """A talk came to nothing: no more of any pool comes now. Answers when the next is due."""
        known = isinstance(error, AgentspendError)
        self.failed = str(error) if known else f"a mistake of ours: {type(error).__name__}"
        with suppress(StoreError):
            await self._bookkeeper.ask(lambda books, at: books.team.away(at.mono_us))
        return wait_s


def _retelling(books: Books, _: Moment) -> Sync | None:
    team = books.team
    if team.membership is None or team.standing is None or not team.gets_more:
        return None
    nonce, version = secrets.token_hex(NONCE_BYTES), team.policy.version
    return retelling(books.conn, team.membership, team.standing, version, nonce)


def member_of(bookkeeper: Bookkeeper) -> Coroutine[Any, Any, Membership | None]:
    """The team this ledger's device is in."""
    return bookkeeper.ask(lambda books, _: books.team.membership)
