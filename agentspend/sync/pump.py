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
from agentspend.bookkeeper.outcomes import Event
from agentspend.bookkeeper.team import Membership
from agentspend.core.allowance.messages import Answer, Want
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.sync.client import Heard, NotTaken, TeamClient, Unreachable
from agentspend.sync.wants import wants

REPORT_EVERY_S = 900
"""An hour has four reports at most that nobody asked for: 96 a day (the study's 100)."""
FIRST_AGAIN_S, LAST_AGAIN_S = 2.0, 300.0
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
            if event.kind == "wait" and str(event.fields["budget"]).startswith(TEAM_PREFIX):
                self.nudge()

    async def run(self) -> None:
        """Talk until cancelled."""
        again_s = FIRST_AGAIN_S
        while True:
            self._nudged.clear()
            try:
                await self.talk()
                again_s = FIRST_AGAIN_S
                wait_s: float = REPORT_EVERY_S
            except Unreachable as error:
                self.failed = error.message
                await self._dry(None)
                wait_s, again_s = again_s, min(LAST_AGAIN_S, again_s * 2)
            except NotTaken as error:
                self.failed = error.message
                await self._dry(None)
                wait_s = LAST_AGAIN_S
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._nudged.wait()

    async def listen(self) -> None:
        """Follow the server's pushes until cancelled; each is a reason to talk.

        So is a line that opens: what was pushed before is lost. One that the server does not take
        needs a fresh ticket, which a talk brings; one that cannot be had is tried again at once
        when a talk has shown that the server is there.
        """
        again_s = FIRST_AGAIN_S
        await self._talked.wait()
        while True:
            self._talked.clear()
            heard, refused = 0, False
            try:
                async for event in self._client.pushes(self._ticket):
                    heard += 1
                    if event == "sync" or heard == 1:
                        self.nudge()
                        self.pushed()
                    if heard > 1:
                        again_s = FIRST_AGAIN_S
            except NotTaken:
                refused = True
                self.nudge()
            except Unreachable:
                pass
            with suppress(TimeoutError):
                async with asyncio.timeout(again_s):
                    await (asyncio.sleep(again_s) if heard or refused else self._talked.wait())
            again_s = min(LAST_AGAIN_S, again_s * 2)

    async def talk(self) -> None:
        """Report everything, take in what comes back; raises `Unreachable` or `NotTaken`."""
        while await self._exchange():
            pass
        self.news()

    async def _exchange(self) -> bool:
        """One report and its answer; True when there is more to report."""
        await self._begin_anew()
        asked = await self._bookkeeper.ask(wants)
        nonce = secrets.token_hex(NONCE_BYTES)
        report = await self._bookkeeper.ask(lambda books, _: books.team.report(nonce, asked))
        if report is None:
            return False
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

    async def _take(self, answer: Answer, heard: Heard, asked: list[Want]) -> bool:
        """Put an answer in force; True when there is more to report."""
        self._ticket = heard.ticket or self._ticket
        if heard.policy is not None:
            policy = heard.policy
            await self._bookkeeper.ask(lambda books, _: books.team.adopt(policy))
            await self._adopted(policy)
        more = await self._bookkeeper.ask(lambda books, at: books.team.heard(answer, books.now(at)))
        self.heard_us, self.failed = answer.server_us, ""
        self._talked.set()
        await self._dry([want for want in asked if want.need_nusd])
        return more

    async def _dry(self, needy: list[Want] | None) -> None:
        """The pools of which no more comes now: all while the server is away, else those that
        still lack what somebody waits for."""
        await self._bookkeeper.ask(lambda books, at: books.team.dry_up(needy, at.mono_us))


def member_of(bookkeeper: Bookkeeper) -> Coroutine[Any, Any, Membership | None]:
    """The team this ledger's device is in."""
    return bookkeeper.ask(lambda books, _: books.team.membership)
