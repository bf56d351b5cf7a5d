"""The month itself: events in order of time, what was spent, and who was refused why."""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from agentspend.core.admission import Admit, Refuse
from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import Answer, Lacking, Sync
from sync_server.allowance.sizing import asked_back
from sync_server.doors.pace import Pace as Knocks
from tests.simulation.month.laptop import Call, Laptop
from tests.simulation.month.office import Office
from tests.simulation.month.plan import BEGINS_US, DAY_US, HOUR_US, SECOND_US, Draw, Plan

PATIENCE_US = 20 * SECOND_US
TRIP_US = SECOND_US // 10


@dataclass(slots=True)
class Outcome:
    """How a month went; amounts in nano-USD.

    `stranded`: refusals of online devices though half a percent of the cap that said no was free
    and could be had; "just back": the same in the seconds before a device that was cut off finds
    that it is not any more; "cut off": refusals of devices that could not reach the server while as
    much was free there. `messages` are reports, answers to which always come, and pushes.
    """

    served: int = 0
    spent_nusd: int = 0
    demand_nusd: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    most_messages: int = 0
    usual_messages: int = 0
    overshoot_nusd: int = 0
    stranded: list[str] = field(default_factory=list)
    waited: int = 0

    def messages_per_day(self, plan: Plan) -> float:
        """Of one device, on average."""
        return sum(self.messages.values()) / (plan.devices * plan.days)


class World:
    """Eighty laptops, a server, a clock."""

    def __init__(self, plan: Plan) -> None:
        self.draw = Draw(plan)
        self.plan = plan
        self.now = BEGINS_US
        self.outcome = Outcome()
        self.caps = self.draw.caps()
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._ids = itertools.count()
        self._spent: dict[Place, int] = defaultdict(int)
        self._by_rights: dict[Place, int] = defaultdict(int)
        self._talks: dict[Laptop, int] = {}
        self._again: set[Laptop] = set()
        self._timed: dict[int, int] = {}
        self._ends: dict[Call, Callable[[], None]] = {}
        self._daily: Counter[tuple[str, int]] = Counter()
        self._knocks = Knocks(lambda: self.now / SECOND_US)
        self.office = Office(self.caps, self.now, lambda _: None)
        self.laptops = [
            Laptop(person, number, self._nudged) for number, person in enumerate(self.draw.people)
        ]
        for laptop in self.laptops:
            standing, person = laptop.disk.standing, laptop.person
            self.office.enrol(standing.device, standing.inc, person.name, person.team)
            self._plan_days(laptop)
            self._next_cut(laptop)
            if laptop.awake:
                self._at(self.now + SECOND_US, lambda it=laptop: self._talk(it))

    def run(self) -> Outcome:
        """The whole month, and a day for what is left over."""
        ends_us = BEGINS_US + (self.plan.days + 1) * DAY_US
        while self._events and self._events[0][0] <= ends_us:
            self.now, _, act = heapq.heappop(self._events)
            act()
        self._count_messages()
        return self.outcome

    def _at(self, when_us: int, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when_us, next(self._ids), act))

    # Who works when.

    def _plan_days(self, laptop: Laptop) -> None:
        for day in range(self.plan.days):
            midnight = BEGINS_US + day * DAY_US
            wakes, sleeps = self.draw.day(laptop.person)
            if not laptop.person.always_on:
                self._at(midnight + wakes, lambda: self._wake(laptop))
                self._at(midnight + sleeps, lambda: self._sleep(laptop))
            for begins in self.draw.sessions():
                self._at(midnight + begins, lambda: self._session(laptop))

    def _wake(self, laptop: Laptop) -> None:
        """The line to the server is opened again, and that is a reason to talk."""
        laptop.awake = True
        self._at(self.now + 5 * SECOND_US, lambda: self._nudged(laptop))

    def _sleep(self, laptop: Laptop) -> None:
        laptop.awake = False

    def _next_cut(self, laptop: Laptop) -> None:
        """Cut off for some hours, then reachable for nine times as long."""
        share = self.plan.cut_off_percent
        if not share:
            return
        mean = self.plan.cut_off_hours * HOUR_US
        if not laptop.cut_off:
            mean = mean * (100 - share) // share
        wait = int(self.draw.rng.expovariate(1 / mean))

        def change() -> None:
            laptop.cut_off = not laptop.cut_off
            if laptop.online:
                self._nudged(laptop)
            self._next_cut(laptop)

        self._at(self.now + wait, change)

    def _session(self, laptop: Laptop) -> None:
        count, lanes = self.plan.requests, self.plan.lanes
        project = self.draw.rng.choice(laptop.person.projects)
        for lane in range(lanes):
            self._lane(laptop, project, count // lanes + (lane < count % lanes))

    def _lane(self, laptop: Laptop, project: str, left: int) -> None:
        if left:
            self._at(self.now + self.draw.gap(), lambda: self._request(laptop, project, left))

    # One request.

    def _request(self, laptop: Laptop, project: str, left: int) -> None:
        person = laptop.person
        cost, bound = self.draw.cost(person)
        self.outcome.demand_nusd += cost
        pools = ("org.day", "org.month", f"{person.team}.day", f"{person.name}.month",
                 f"{project}.month")  # fmt: skip
        call = Call.of(f"r_{next(self._ids)}", pools, cost, bound, self.now + PATIENCE_US)
        call_on = lambda: self._lane(laptop, project, left - 1)  # noqa: E731
        self._ends[call] = call_on
        self._try(laptop, call)
        if call.waits:
            self.outcome.waited += 1
            self._at(call.until_us, lambda: self._patience_ends(laptop, call))

    def _try(self, laptop: Laptop, call: Call) -> None:
        decision = laptop.hold(call, self.now)
        if isinstance(decision, Admit):
            self.outcome.served += 1
            self._at(self.now + self.draw.duration(), lambda: self._end(laptop, call))
        elif isinstance(decision, Refuse):
            self._refused(laptop, call, decision)
            self._ends.pop(call)()

    def _patience_ends(self, laptop: Laptop, call: Call) -> None:
        if call.waits:
            self._wake_line(laptop)

    def _wake_line(self, laptop: Laptop) -> None:
        for call in list(laptop.line):
            if call.waits:
                self._try(laptop, call)

    def _end(self, laptop: Laptop, call: Call) -> None:
        self._bill(laptop, call)
        laptop.settle(call, self.now)
        self._ends.pop(call)()
        self._wake_line(laptop)

    def _bill(self, laptop: Laptop, call: Call) -> None:
        """The provider charges: no cap may be passed, by rights or by the calendar."""
        self.outcome.spent_nusd += call.cost_nusd
        self.office.roll(self.now)
        for place in laptop.disk.holds[call.rid].places:
            cap = self.caps[place.pool][1]
            running = Place(place.pool, self.office.database.pools[place.pool].window)
            for sums, where in ((self._by_rights, place), (self._spent, running)):
                sums[where] += call.cost_nusd
                over = sums[where] - cap
                self.outcome.overshoot_nusd = max(self.outcome.overshoot_nusd, over)

    def _refused(self, laptop: Laptop, call: Call, refuse: Refuse) -> None:
        pool = refuse.room.budget
        state = self.office.database.pools[pool]
        elsewhere = [each for each in self.laptops if each.online]
        obtainable = max(state.available_nusd, 0) + sum(
            max(each.device.free_nusd(pool), 0) for each in elsewhere
        )
        enough = max(state.cap_nusd // 200, refuse.needed_nusd)
        if obtainable < enough:
            self.outcome.refused["exhausted"] += 1
        elif laptop.online and laptop.unreached:
            self.outcome.refused["just back"] += 1
        elif laptop.online:
            self.outcome.refused["stranded"] += 1
            self.outcome.stranded.append(
                f"{(self.now - BEGINS_US) / DAY_US:.3f} d {laptop.person.name} {pool}: needed"
                f" ${refuse.needed_nusd / 1e9:.3f}, ${state.available_nusd / 1e9:.3f} available,"
                f" ${obtainable / 1e9:.3f} obtainable of ${state.cap_nusd / 1e9:.2f}"
                f" {refuse.reason}"
            )
        else:
            self.outcome.refused["cut off"] += 1

    # The conversation with the server.

    def _nudged(self, laptop: Laptop) -> None:
        """Talk now; who talks already talks again when it is done."""
        if laptop in self._again:
            return
        if self._talks.get(laptop) == -1:
            self._again.add(laptop)
            return
        self._due(laptop, 0)

    def _due(self, laptop: Laptop, wait_us: int) -> None:
        number = next(self._ids)
        self._talks[laptop] = number
        if wait_us:
            self._timed[number] = wait_us
        self._at(self.now + wait_us, lambda: self._talk_if(laptop, number))

    def _talk_if(self, laptop: Laptop, number: int) -> None:
        if self._talks.get(laptop) == number:
            if laptop.awake and number in self._timed and laptop.pace.may_skip(laptop.queued):
                self._due(laptop, self._timed[number])
            else:
                self._talk(laptop)
            self._timed.pop(number, None)

    def _talk(self, laptop: Laptop) -> None:
        if not laptop.awake:
            return
        self._talks[laptop] = -1
        if laptop.cut_off:
            self._at(self.now + TRIP_US, lambda: self._unreached(laptop))
            return
        self._count(laptop, "reports")
        sync, asked = laptop.report(f"n_{next(self._ids)}", self.now)

        def at_server() -> None:
            answer = self.office.sync(sync, self.now)
            self._recall(sync, answer)
            self._at(self.now + TRIP_US, lambda: hear(answer))

        def hear(answer) -> None:  # type: ignore[no-untyped-def]
            if not laptop.online:
                self._unreached(laptop)
                return
            more, again_us = laptop.hear(answer, asked, self.now)
            if more:
                self._talk(laptop)
            else:
                self._talked(laptop, laptop.pace.answered(again_us))
            self._wake_line(laptop)

        self._at(self.now + TRIP_US, at_server)

    def _recall(self, sync: Sync, answer: Answer) -> None:
        """Push to those who listen and hold what is lacking, as the door does."""
        needs_nusd = {want.pool: want.need_nusd + want.held_nusd for want in sync.wants}
        rung: set[str] = set()
        for told in answer.accounts:
            if told.lacking is Lacking.COMING:
                here_nusd, lies = self.office.holders(sync.device, Place(told.pool, told.window))
                listening = (
                    (name, nusd)
                    for name, nusd in lies
                    if self._laptop(name).online and self._knocks.wait_s("recall", name) == 0
                )
                rung.update(asked_back(listening, needs_nusd.get(told.pool, 0) - here_nusd))
        for device in sorted(rung):
            laptop = self._laptop(device)
            self._count(laptop, "pushes")
            self._at(self.now + TRIP_US, partial(self._nudged, laptop))

    def _laptop(self, device: str) -> Laptop:
        return self.laptops[int(device.removeprefix("d_"))]

    def _unreached(self, laptop: Laptop) -> None:
        laptop.away(self.now)
        self._talked(laptop, laptop.pace.silent())
        self._wake_line(laptop)

    def _talked(self, laptop: Laptop, wait_s: float) -> None:
        again = laptop in self._again
        self._again.discard(laptop)
        self._due(laptop, 0 if again else int(wait_s * SECOND_US))

    def _count(self, laptop: Laptop, kind: str) -> None:
        self.outcome.messages[kind] += 1
        self._daily[laptop.person.name, (self.now - BEGINS_US) // DAY_US] += 1

    def _count_messages(self) -> None:
        counts = sorted(self._daily.values())
        self.outcome.most_messages = counts[-1]
        self.outcome.usual_messages = counts[len(counts) * 95 // 100]


def month(plan: Plan) -> Outcome:
    """Live a month."""
    return World(plan).run()
