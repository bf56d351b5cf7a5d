"""One laptop: the shipped rules of holding, waiting, reporting and returning, over dicts.

What the bookkeeper and the pump do around those rules is done here in the same order, by a clock
that a simulation turns.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from agentspend.bookkeeper.earlier import MOST_AT_ONCE
from agentspend.core.admission import Admit, Ask, Refuse, Room, Wait, decide
from agentspend.core.allowance.accounts import EMPTY, Place
from agentspend.core.allowance.device import Device, Draft
from agentspend.core.allowance.dryness import Dryness
from agentspend.core.allowance.hearing import answered, to_sync
from agentspend.core.allowance.messages import Answer, Sync, Want
from agentspend.core.allowance.standing import Standing
from agentspend.sync.pace import Pace
from agentspend.sync.wants import RECENT_US, needs
from tests.simulation.month.plan import Person
from tests.simulation.team.machine import Disk

TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Price:
    """A bound that is linear in its output, of `TOKENS` in all: a fifth of it is input."""

    nusd_in_all: int

    def nusd(self, output_tokens: int) -> int:
        """The cost with this much output."""
        input_nusd = self.nusd_in_all // 5
        return input_nusd - -(self.nusd_in_all - input_nusd) * output_tokens // TOKENS

    def output_that_fits(self, free_nusd: int) -> int:
        """The most output that costs no more; -1 when not even the input fits."""
        input_nusd = self.nusd_in_all // 5
        if free_nusd < input_nusd:
            return -1
        return (free_nusd - input_nusd) * TOKENS // max(1, self.nusd_in_all - input_nusd)


@dataclass(eq=False, slots=True)
class Call:
    """One request: what it counts in, what it costs, and how long it is patient."""

    rid: str
    pools: tuple[str, ...]
    cost_nusd: int
    ask: Ask
    until_us: int
    waits: bool = False

    @classmethod
    def of(cls, rid: str, pools: tuple[str, ...], cost: int, bound: int, until_us: int) -> "Call":
        """A request whose floor is half of its output; what it costs fits below it."""
        price = Price(bound)
        floor = max(TOKENS // 2, min(TOKENS, price.output_that_fits(cost) + 1))
        return cls(rid, pools, cost, Ask(price, price, TOKENS, max(floor, 800), floor), until_us)


class Laptop:
    """`settled` etc. are for the world to call; `nudge` is called when it should talk at once.
    `unreached`: it did not reach the server when it last tried."""

    def __init__(self, person: Person, number: int, nudge: Callable[["Laptop"], None]) -> None:
        self.person = person
        self.disk = Disk(Standing(f"d_{number}", f"i_{number}", "place"))
        self.device = Device(self.disk.standing, self.disk.accounts, self.disk.holds)
        self.disk.append(Draft("genesis", ()), 0)
        self.pools = ("org.day", "org.month", f"{person.team}.day", f"{person.name}.month",
                      *sorted({f"{name}.month" for name in person.projects}))  # fmt: skip
        self.awake = person.always_on
        self.cut_off = False
        self.pace = Pace()
        self.dryness = Dryness()
        self.line: list[Call] = []
        self.unreached = False
        self._nudge = nudge
        self._recent: deque[tuple[int, int, tuple[str, ...]]] = deque()

    @property
    def online(self) -> bool:
        """Whether it is awake and reaches the server."""
        return self.awake and not self.cut_off

    @property
    def queued(self) -> int:
        """How many entries the server has not acknowledged."""
        return self.disk.end.seq - self.disk.standing.acked_seq

    def hold(self, call: Call, now_us: int) -> Admit | Wait | Refuse:
        """Once through the ladder; whoever came earlier goes first."""
        self.dryness.listens = self.online
        rooms = [self._room(pool, now_us) for pool in call.pools]
        patient = now_us < call.until_us
        ahead = ""
        if patient:
            for other in self.line:
                if other is call:
                    break
                shared = [pool for pool in call.pools if pool in other.pools]
                if shared:
                    ahead = shared[0]
                    break
        decision = decide(call.ask, rooms, patient=patient, behind=ahead)
        match decision:
            case Admit(output_tokens):
                amount_nusd = call.ask.strict.nusd(output_tokens)
                assert self.device.reserve(call.rid, call.pools, amount_nusd) is None
                self._leave(call)
            case Wait(budget):
                if not call.waits:
                    call.waits = True
                    self.line.append(call)
                dryness = self.dryness
                if not ahead and not (
                    dryness.is_dry(budget, now_us) or dryness.is_coming(budget, now_us)
                ):
                    self._nudge(self)
            case Refuse():
                self._leave(call)
        assert isinstance(decision, Admit | Wait | Refuse)
        return decision

    def _room(self, pool: str, now_us: int) -> Room:
        account = self._account(pool)
        grows = not self.dryness.is_dry(pool, now_us)
        limit_nusd = account.granted_nusd - account.returned_nusd
        scant = self.dryness.is_scant(pool, now_us)
        held_nusd = account.held_nusd
        return Room(pool, limit_nusd, account.used_nusd, held_nusd, grows=grows, scant=scant)

    def _account(self, pool: str):  # type: ignore[no-untyped-def]
        window = self.disk.standing.windows.get(pool)
        return EMPTY if window is None else self.disk.accounts.get(Place(pool, window), EMPTY)

    def _leave(self, call: Call) -> None:
        if call.waits:
            call.waits = False
            self.line.remove(call)

    def settle(self, call: Call, now_us: int) -> None:
        """The response has ended."""
        self.disk.append(self.device.settle(call.rid, call.cost_nusd), now_us, call.rid)
        self._recent.append((now_us, call.cost_nusd, call.pools))

    def report(self, nonce: str, now_us: int) -> tuple[Sync, list[Want]]:
        """What the pump would send now."""
        asked = self._wants(now_us)
        after = self.disk.standing.acked_seq
        sync = to_sync(
            self.device, self.disk, team="t", nonce=nonce,
            entries=self.disk.bodies[after : after + MOST_AT_ONCE], policy=1, wants=asked,
        )  # fmt: skip
        assert sync is not None
        return sync, asked

    def hear(self, answer: Answer, asked: list[Want], now_us: int) -> tuple[bool, int]:
        """What the pump does with an answer: is there more to report, after how long is more to be
        asked for?"""
        self.unreached = False
        before = self.disk.standing.acked_seq
        keep_nusd = answered(self.device, self.disk, answer)
        back = self.device.give_back(keep_nusd) if keep_nusd else None
        drafts = [back, self.device.close()]
        for draft in drafts:
            if draft is not None:
                self.disk.append(draft, now_us)
        if back is not None:
            self.dryness.returned(right.pool for right in back.rights)
        acked_seq = self.disk.standing.acked_seq
        more = acked_seq < self.disk.end.seq and (before < acked_seq or any(drafts))
        free_nusd = {want.pool: self._account(want.pool).free_nusd for want in asked}
        needy = [want for want in asked if want.need_nusd]
        if more:
            return True, 0
        return False, self.dryness.answered(answer, needy, free_nusd, now_us)

    def away(self, now_us: int) -> None:
        """The server was not reached."""
        self.unreached = True
        self.dryness.away(now_us)

    def _wants(self, now_us: int) -> list[Want]:
        recent = self._recent
        while recent and recent[0][0] < now_us - RECENT_US:
            recent.popleft()
        burn_nusd = dict.fromkeys(self.pools, 0)
        for _, cost_nusd, pools in recent:
            for pool in pools:
                burn_nusd[pool] += cost_nusd
        lacking = needs(self._need(call, now_us) for call in self.line)
        return [
            Want(pool, burn_nusd[pool], lacking.get(pool, 0), self._account(pool).held_nusd)
            for pool in self.pools
        ]

    def _need(self, call: Call, now_us: int) -> tuple[int, dict[str, int]]:
        """As `sync.wants.need`."""
        scant = any(self.dryness.is_scant(pool, now_us) for pool in call.pools)
        nusd = call.ask.strict.nusd(call.ask.floor_output if scant else call.ask.comfort_output)
        return nusd, {pool: self._account(pool).free_nusd for pool in call.pools}
