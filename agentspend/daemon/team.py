"""The daemon's place in a team: joins, follows the server in the background, leaves."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentspend.bookkeeper import Bookkeeper, once
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.leaving import LeftToTell
from agentspend.bookkeeper.membership import Membership
from agentspend.bookkeeper.outcomes import Event
from agentspend.core.allowance.messages import (
    AddDevice,
    Decide,
    DrawReserve,
    PoolSeen,
    RaiseRequest,
    Verdict,
)
from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.errors import AgentspendError, StoreError
from agentspend.daemon.identity import Device
from agentspend.daemon.log import log
from agentspend.daemon.session_team import teams_of
from agentspend.daemon.team_joining import STILL_JOINING, Enrolled, enrolled
from agentspend.daemon.team_leaving import STILL_LEAVING, Leaving, leaving_words, left
from agentspend.daemon.team_rules import prices_of, rules_of
from agentspend.daemon.watchers import Watchers, nothing
from agentspend.proxy.desk import Desk
from agentspend.sync.anchor import identity
from agentspend.sync.asking import Asking
from agentspend.sync.client import NotTaken, TeamClient, Unreachable
from agentspend.sync.mark import MarkFile
from agentspend.sync.pump import NONCE_BYTES, Pump
from agentspend.sync.viewing import Viewing, overview_words

MARK_EVERY_S = 0.05
REQUESTING = "requesting"
OF_ALL = {"member", "device"}
"""What the scope of a cap may name that all requests of a member's device count in."""
LOOK_WITHIN_S = 2.0
"""A command that shows the team waits no longer for its server; then it shows what was known."""
Spawn = Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]


class TeamDesk:
    """One team at most. `pump` is the conversation with its server, None without a team; `viewing`
    what it told last of the whole team."""

    def __init__(
        self, desk: Desk, device: Device, ledger: Path, spawn: Spawn, watchers: Watchers
    ) -> None:
        self._desk = desk
        self._device = device
        self._identity = identity(ledger)
        self._mark = MarkFile(ledger)
        self._moved = asyncio.Event()
        self._spawn = spawn
        self._watchers = watchers
        self._client: TeamClient | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self._leaver: asyncio.Task[Any] | None = None
        self._joins = False
        self._asking: Asking | None = None
        self.priced: Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]] = _as_configured
        self.pump: Pump | None = None
        self.viewing: Viewing | None = None

    @property
    def _books(self) -> Bookkeeper:
        return self._desk.bookkeeper

    async def start(self) -> None:
        """Go on where the last run stopped; a ledger that was moved is in doubt from here on."""
        here, mark = self._identity, self._mark.read()
        await self._books.ask(lambda books, _: books.team.opened_at(here, mark))
        membership = await self._books.ask(lambda books, _: books.team.membership)
        if membership is None:
            return
        leaves, rules = await self._books.ask(
            lambda books, _: (books.team.leaves, books.team.rules)
        )
        if not leaves:
            self._desk.team_rules = rules_of(rules, membership)
            await self.priced(prices_of(rules))
        self._follow(membership)
        if leaves:
            self._leave_once_told()

    async def join(self, url: str, code: str) -> Membership:
        """Enrol with an invite. Raises `AgentspendError`: in a team already, or not let in."""
        if await self._books.ask(lambda books, _: books.team.leaves):
            raise STILL_LEAVING
        if await self._books.ask(lambda books, _: books.team.membership) is not None:
            raise AgentspendError("this device is in a team already", "agentspend team leave")
        if self._joins:
            raise STILL_JOINING
        self._joins = True
        try:
            found = await enrolled(self._books, self._device, self._identity, url, code)
            await self._begin(found)
        finally:
            self._joins = False
        return found.membership

    async def leave(self, *, at_once: bool) -> Mapping[str, Any]:
        """Spend no more for the team, give back what lies free, and report. Be nobody's member
        once the server has heard everything, also of what is in flight now; or `at_once`: then
        allowance that it does not hear of stays out until a lead writes the device off.

        Answers whether the team is `left` by now, else what it is still to hear of.
        """
        failed = ""
        if self.pump is not None:
            await self._books.ask(lambda books, at: books.team.retire(books.now(at)))
            self._desk.team_rules = {}
            await self.priced({})
            try:
                await self.pump.talk()
            except AgentspendError as error:
                failed = error.message
        untold = await left(self._books)
        if is_left := untold.is_over or at_once:
            await self._be_nobodys(untold)
        elif self._leaver is None or self._leaver.done():
            self._leave_once_told()
        return {"left": is_left, "failed": failed, **leaving_words(untold)}

    def _leave_once_told(self) -> None:
        assert self.pump is not None
        leaving = Leaving(self._books, self.pump)

        async def leave() -> None:
            await leaving.told()
            await self._be_nobodys(LeftToTell())

        self._leaver = self._spawn(leave(), "leave the team")

    async def _be_nobodys(self, untold: LeftToTell) -> None:
        await self.stop()
        await self._books.ask(lambda books, _: books.team.leave())
        log("team_left", count=untold.queued, held_nusd=untold.held_nusd)

    async def tell_last(self) -> None:
        """The daemon ends: report, and give back what the server asks for, if it answers soon; or
        that lies here for as long as nobody starts the daemon."""
        if self.pump is not None and not self.pump.failed:
            with suppress(TimeoutError, AgentspendError):
                async with asyncio.timeout(LOOK_WITHIN_S):
                    await self.pump.talk()

    async def stop(self) -> None:
        """Hang up."""
        await self._keep_mark()
        if self._leaver is not None and self._leaver is not asyncio.current_task():
            self._leaver.cancel()
            await asyncio.gather(self._leaver, return_exceptions=True)
        self._leaver = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._client is not None:
            await self._client.close()
        self._client = self.pump = self.viewing = self._asking = None
        self._watchers.began = nothing

    async def lines(self) -> Mapping[str, Any] | None:
        """The team as people see it; None without one."""
        membership = await self._books.ask(lambda books, _: books.team.membership)
        if membership is None:
            return None
        pools, state, queued, policy, leaves, untold = await self._books.ask(
            lambda books, _: (
                books.team.lines(), books.team.state, books.team.queued, books.team.policy,
                books.team.leaves, books.team.left_to_tell,
            )
        )  # fmt: skip
        failed = self.pump.failed if self.pump is not None else ""
        seen = self.viewing.seen if self.viewing is not None else None
        return {
            "url": membership.url,
            "team": policy.home or membership.team,
            "teams": [{"team": name, "frozen": name in policy.frozen} for name in policy.teams],
            "member": membership.member,
            "role": seen.role if seen is not None else membership.role,
            "device": membership.device,
            "state": state,
            "leaving": leaving_words(untold) if leaves else None,
            "frozen": bool(policy.teams) and policy.frozen.issuperset(policy.teams),
            "pools": pools,
            "queued": queued,
            "heard_us": self.pump.heard_us if self.pump is not None else 0,
            "failed": failed,
            "overview": overview_words(seen) if seen is not None else None,
        }

    def seen(self) -> Mapping[str, PoolSeen]:
        """How the server said each pool stands, a moment ago; none where it did not of late."""
        if self.viewing is None or self.pump is None or self.pump.failed:
            return {}
        return self.viewing.pools

    async def look(self) -> None:
        """Hear how the team stands, if its server answers soon and was there a moment ago."""
        if self.viewing is not None and self.pump is not None and not self.pump.failed:
            with suppress(TimeoutError, Unreachable, NotTaken):
                async with asyncio.timeout(LOOK_WITHIN_S):
                    await self.viewing.look()

    async def glance(self) -> None:
        """The same, for whoever may ask again and again."""
        if self.viewing is not None and not self.viewing.is_new:
            await self.look()

    async def request(self, amount_nusd: int, reason: str, pool: str) -> Mapping[str, Any]:
        """Ask the team's leads for more. What brought no answer, and is asked again while the
        windows are the same, is the same request."""
        client, own = await self._in_team()
        fresh = secrets.token_hex(NONCE_BYTES)

        def name(books: Books, _: object) -> str:
            windows = books.team.standing.windows if books.team.standing is not None else {}
            words = f"{pool} {amount_nusd} {sorted(windows.items())} {reason}"
            return once.name_of(books.conn, REQUESTING, words, fresh)

        nonce = await self._books.ask(name)
        asked = RaiseRequest(own.team, own.device, nonce, pool, amount_nusd, reason)
        found = await client.request_raise(asked)
        await self._books.ask(lambda books, _: once.answered(books.conn, REQUESTING))
        if self._asking is not None:
            self._asking.by_hand(asked, found)
        self._news()
        return found

    async def teams(self) -> Sequence[str]:
        """The teams this device may spend for, the home team first."""
        return await teams_of(self._books)

    async def tightest(self, team: str) -> str:
        """The pool of a team with the least left that all its requests count in; "" for the home
        team, whose server finds it. Raises `AgentspendError` where it has no such pool."""
        await self.look()
        policy, free = await self._books.ask(
            lambda books, _: (
                books.team.policy,
                {pool.id: seat.account.free_nusd for seat, pool in books.team.every_seat()},
            )
        )
        if team in ("", policy.home):
            return ""
        free |= {name: pool.free_nusd for name, pool in self.seen().items()}
        always = [
            pool.id
            for pool in policy.pools
            if pool.team in ("", team) and {key for key, _ in pool.scope.terms} <= OF_ALL
        ]
        if not always:
            raise AgentspendError(
                f"team {team} has no cap that all its requests count in", "agentspend team status"
            )
        return min(always, key=lambda name: (free.get(name, 0), name))

    def request_for(self, budget: str) -> str:
        """The raise request that asks for more of a pool, while requests wait for it."""
        asked = self._asking.asked.get(budget.removeprefix(TEAM_PREFIX)) if self._asking else None
        return asked.id if asked is not None else ""

    async def decide(self, request: str, verdict: str, amount_nusd: int) -> Mapping[str, Any]:
        """Answer somebody's question as a lead; its server refuses who is none."""
        client, own = await self._in_team()
        nonce, heard_us = secrets.token_hex(NONCE_BYTES), await self._heard_us()
        said = Decide(own.team, own.device, request, Verdict(verdict), amount_nusd, nonce, heard_us)
        found = await client.decide(said)
        self._news()
        return found

    async def add_device(self) -> Mapping[str, Any]:
        """Let another machine of this member's in: the line to type there, once and soon."""
        client, own = await self._in_team()
        return await client.add_device(
            AddDevice(own.team, own.device, secrets.token_hex(NONCE_BYTES))
        )

    async def draw_reserve(self, pool: str, reason: str) -> Mapping[str, Any]:
        """Draw a pool's emergency reserve, and fetch what it brings."""
        client, own = await self._in_team()
        if not reason.strip():
            raise AgentspendError(
                "a reserve is drawn with a reason: the leads are told it",
                f'agentspend team reserve {pool} --reason "…"',
            )
        nonce, heard_us = secrets.token_hex(NONCE_BYTES), await self._heard_us()
        asked = DrawReserve(own.team, own.device, nonce, pool, reason, heard_us)
        found = await client.draw_reserve(asked)
        if self.pump is not None:
            self.pump.nudge()
        return found

    async def _heard_us(self) -> int:
        """The server's clock, as it says now: what a person orders counts soon or never."""
        if self.viewing is None or self.pump is None:
            return 0
        with suppress(TimeoutError, Unreachable, NotTaken):
            async with asyncio.timeout(LOOK_WITHIN_S):
                await self.viewing.look()
        seen = self.viewing.seen
        return max(self.pump.heard_us, seen.server_us if seen is not None else 0)

    async def _in_team(self) -> tuple[TeamClient, Membership]:
        membership = await self._books.ask(lambda books, _: books.team.membership)
        if self._client is None or membership is None:
            raise AgentspendError("this device is in no team", "agentspend team join URL CODE")
        if await self._books.ask(lambda books, _: books.team.leaves):
            raise STILL_LEAVING
        return self._client, membership

    def _news(self) -> None:
        """Something happened in the team: whoever looks sees it soon."""
        if self.viewing is not None:
            self.viewing.nudge()

    async def _begin(self, found: Enrolled) -> None:
        here, policy = self._identity, found.heard.policy

        def work(books: Any, at: Any) -> None:
            books.team.join(found.membership, found.inc, here, books.now(at))
            if policy is not None:
                books.team.adopt(policy)

        await self._books.ask(work)
        if policy is not None:
            await self._adopted(policy)
        self._follow(found.membership)

    def _follow(self, membership: Membership) -> None:
        """Talk in the background from now on."""
        key = bytes.fromhex(membership.server_key)
        self._client = TeamClient(membership.url, membership.pin, self._device.private_key, key)
        self.pump = Pump(self._books, self._client, self._identity, self._adopted, self._keep_mark)
        self._asking = Asking(self._books, self._client.request_raise, self.pump.talk)
        self.viewing = Viewing(
            self._client, membership, lambda: self._watchers.watched,
            lambda: self._watchers.announce([Event("team", {})]),
        )  # fmt: skip
        self._watchers.began = self.pump.news = self.viewing.nudge
        self.pump.pushed = self._asking.nudge
        self._books.on_commit(self.pump.on_commit)
        self._books.on_commit(self._asking.on_commit)
        self._books.on_commit(lambda _: self._moved.set())
        self._tasks = [
            self._spawn(self._mark_the_way(), "mark how far the ledger has come"),
            self._spawn(self.viewing.run(), "look at the team"),
            self._spawn(self.pump.run(), "talk to the team server"),
            self._spawn(self.pump.listen(), "listen to the team server"),
            self._spawn(self._asking.run(), "ask the team's leads"),
        ]

    async def _mark_the_way(self) -> None:
        """As soon as the ledger has grown, say so beside it; not oftener than can be of use."""
        while True:
            await self._keep_mark()
            await asyncio.sleep(MARK_EVERY_S)
            await self._moved.wait()
            self._moved.clear()

    async def _keep_mark(self) -> None:
        try:
            self._mark.write(await self._books.ask(lambda books, _: books.team.mark))
        except (OSError, StoreError) as error:
            log("team_mark_unwritten", error=str(error))

    async def _adopted(self, policy: Mapping[str, Any]) -> None:
        """The team's rules beside its pools hold from now on."""
        membership, leaves = await self._books.ask(
            lambda books, _: (books.team.membership, books.team.leaves)
        )
        if leaves:
            return
        assert membership is not None
        self._desk.team_rules = rules_of(policy, membership)
        await self.priced(prices_of(policy))
        log("team_policy", version=policy.get("version"))


async def _as_configured(_: Mapping[str, Any]) -> None:
    """Prices are the configuration's."""
