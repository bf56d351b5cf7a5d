"""One run: the whole device in this process, its agents, and what is true afterwards."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from agentspend.config.shape import AdmissionSection
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.script import Seen
from tests.simulation import audit
from tests.simulation.client import Answered, send
from tests.simulation.oracle import KnownTurn, Needs, needs
from tests.simulation.scenario import SESSIONS, Query, Scenario, scenario
from tests.simulation.virtual import VirtualTime, run
from tests.simulation.watcher import Watcher
from tests.support.desk import Device


@dataclass(slots=True)
class World:
    """What is known of a run while it goes on. `sent` are the requests by name."""

    scenario: Scenario
    sent: dict[str, tuple[Query, dict[str, object], Behaviour]] = field(default_factory=dict)
    known: dict[str, KnownTurn] = field(default_factory=dict)
    answers: dict[str, Answered] = field(default_factory=dict)
    needed: dict[str, Needs] = field(default_factory=dict)

    def behaviour(self, seen: Seen) -> Behaviour:
        """How the provider answers a request, by the name it carries."""
        return self.sent[seen.headers["x-sandbox-session"]][2]

    def needs(self, name: str) -> Needs:
        """What a request needs, by the oracle."""
        if name not in self.needed:
            query, body, behaviour = self.sent[name]
            self.needed[name] = needs(body, behaviour, query.session, self.known.get(name))
        return self.needed[name]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run's numbers, and everything that was wrong."""

    seed: int
    bill_nusd: int
    served: int
    refused: int
    waited: int
    clamped: int
    estimated: int
    seconds: float
    faults: tuple[str, ...]


def simulate(scenario: Scenario, folder: Path) -> Verdict:
    """The run on made-up time: the same each time."""
    time = VirtualTime(scenario.seed)
    with _named_in_order():
        return run(time, live(scenario, folder, time))


async def live(scenario: Scenario, folder: Path, time: VirtualTime | None) -> Verdict:
    """Let all agents do what they do, then compare with the provider's bill."""
    world = World(scenario)
    watcher = Watcher(scenario.budgets, scenario.wait_s * 1_000_000, world.needs)
    device = Device(
        folder, scenario.budgets, time=time, seed=scenario.seed,
        admission=AdmissionSection(wait_s=scenario.wait_s), on_disconnect=scenario.on_disconnect,
    )  # fmt: skip
    with watcher.watching():
        async with device:
            device.sandbox.behave(world.behaviour)
            for session in SESSIONS:
                device.open_session(session, session)
            if time is not None:
                watcher.books = await device.bookkeeper.ask(lambda books, _: books)
                watcher.now = device.desk.now
                time.before_jump.append(watcher.nobody_waits_in_vain)
            began = device.desk.now().mono_us
            await asyncio.gather(
                *(_agent(device, world, watcher, query) for query in scenario.queries)
            )
            await device.until_idle()
            seconds = (device.desk.now().mono_us - began) / 1e6
            if time is not None:
                time.before_jump.clear()
            faults = [*watcher.faults, *await audit.faults(device, world, watcher)]
            entries = await device.ledger("settle")
    return Verdict(
        seed=scenario.seed,
        bill_nusd=audit.nusd_up(device.sandbox.bill.total()),
        served=len(watcher.held),
        refused=len(watcher.refused),
        waited=len(watcher.waited_us),
        clamped=sum(watcher.held[n].output_tokens < world.needs(n).wanted for n in watcher.held),
        estimated=sum(entry["evidence"] == "estimate" for entry in entries),
        seconds=seconds,
        faults=tuple(faults),
    )


async def _agent(device: Device, world: World, watcher: Watcher, query: Query) -> None:
    """One client, from its first byte to its last turn."""
    await _sleep(device, query.at_s)
    first = await _turn(device, world, watcher, query.name, query, query.body, query.behaviour)
    second = query.second
    if second is None or first.status != 200 or not first.content:
        return
    await _sleep(device, second.after_s)
    name = query.name + "b"
    messages = [
        *query.body["messages"],
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": second.added},
    ]
    known = _known(device, world, query.name, first)
    if known is not None:
        world.known[name] = known
    body = {**query.body, "messages": messages}
    await _turn(device, world, watcher, name, query, body, second.behaviour)


async def _turn(
    device: Device, world: World, watcher: Watcher, name: str, query: Query,
    body: dict[str, object], behaviour: Behaviour,
) -> Answered:  # fmt: skip
    world.sent[name] = (query, body, behaviour)
    watcher.sent_us[name] = device.desk.now().mono_us
    answer = await send(device, query.session, name, body, query.leaves_after_s)
    world.answers[name] = answer
    return answer


def _known(device: Device, world: World, name: str, first: Answered) -> KnownTurn | None:
    """What the finished turn proves, from the provider's own bill."""
    rows = [row for row in device.sandbox.bill.rows if row.session == name]
    if len(rows) != 1 or rows[0].usage.prompt_tokens == 0:
        return None
    forwarded = next(
        seen.json["max_tokens"] for seen in device.sandbox.requests
        if seen.headers.get("x-sandbox-session") == name and "max_tokens" in seen.json
    )  # fmt: skip
    body = world.sent[name][1]
    clamped = forwarded < body["max_tokens"] and first.stop_reason == "max_tokens"
    messages = body["messages"]
    assert isinstance(messages, list)
    usage = rows[0].usage
    return KnownTurn(
        usage.prompt_tokens, usage.output_tokens, len(messages), forwarded if clamped else 0
    )


async def _sleep(device: Device, wait_s: float) -> None:
    if wait_s:
        await asyncio.sleep(wait_s)


def holds(folder: Path, seeds: range) -> None:
    """Every seed's run holds, and serves somebody."""
    for seed in seeds:
        within = folder / str(seed)
        within.mkdir()
        verdict = simulate(scenario(seed), within)
        assert not verdict.faults, f"seed {seed}: {verdict.faults}"
        assert verdict.bill_nusd <= 10**9
        assert verdict.served > 0


@contextmanager
def _named_in_order() -> Iterator[None]:
    """Request ids count up, so that two who come at once stand in the same order every time."""
    count = iter(range(10**9))
    with (
        mock.patch(
            "agentspend.proxy.server.secrets.token_hex",
            lambda size=4: f"{next(count):0{2 * size}x}",
        ),
        mock.patch("agentspend.proxy.server.time.time_ns", return_value=0),
    ):
        yield
