"""A run from the first invite to the verdict: storm, then quiet, then everybody must be served."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import schedule
from tests.chaos.ledgers import read_ledger, read_server
from tests.chaos.liveness import everybody_is_served, to_the_last_cent
from tests.chaos.nemesis import Nemesis
from tests.chaos.quiet import all_reported, quiet
from tests.chaos.verdict import Evidence, Life, Verdict, judge
from tests.chaos.world import World, world_in

SLOW_S = 180.0
"""On a slow machine the storm lasts longer; it hangs when none of its events ends in this time."""


@dataclass(slots=True)
class Report:
    """What a run did and what was found."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    took_s: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


async def run(
    folder: Path, seed: int, lasts_s: float, database: str = "", plant: str = ""
) -> tuple[Report, World]:
    """One run; stops at the first cap that is passed."""
    report = Report(seed)
    began_s = time.monotonic()

    def phase(name: str) -> None:
        nonlocal began_s
        report.took_s[name] = time.monotonic() - began_s
        began_s = time.monotonic()

    async with world_in(folder, seed, database, plant) as world:
        phase("start")
        report.wrong += await _storm(world, seed, lasts_s)
        phase("storm")
        if not report.wrong:
            report.wrong += await quiet(world)
            phase("quiet")
            report.wrong += await everybody_is_served(world, report.facts)
            report.wrong += await to_the_last_cent(world, report.facts)
            report.wrong += await all_reported(world)
            phase("liveness")
        report.wrong += world.cashier.look()
        report.wrong += await _whole(world, report)
        evidence = await _evidence(world)
        report.verdict = judge(evidence)
        report.wrong += report.verdict.wrong
        phase("verdict")
    return report, world


async def _storm(world: World, seed: int, lasts_s: float) -> list[str]:
    """All of the schedule, under load, with an eye on the bill."""
    events = schedule.plan(seed, lasts_s, len(world.devices))
    watching = asyncio.get_running_loop().create_task(world.cashier.watch())
    world.work()
    does = Nemesis(world, lasts_s)
    nemesis = asyncio.get_running_loop().create_task(does.run(events))
    done: set[asyncio.Task[Any]] = set()
    before = -1
    while not done and does.done > before:
        before = does.done
        done, _ = await asyncio.wait(
            {watching, nemesis}, timeout=SLOW_S, return_when=asyncio.FIRST_COMPLETED
        )
    for task in (watching, nemesis):
        if task not in done:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    if nemesis in done:
        nemesis.result()
    await world.rest()
    if not done:
        return [f"the storm did not go on: nothing happened in {SLOW_S:.0f} s, something hangs"]
    return watching.result() if watching in done else []


async def _whole(world: World, report: Report) -> list[str]:
    """Every ledger and the server say of themselves that they are whole."""
    wrong: list[str] = [text for device in world.devices for text in device.lived.wrong]
    entries = 0
    for device in world.devices:
        said = await asyncio.to_thread(device.victim.verify)
        entries += said["entries"]
        if not said["ok"]:
            wrong.append(f"ledger of {device.name}: {said}")
    said = await world.server.surely("verify")
    if not said["ok"]:
        wrong += [f"server: {fault}" for fault in said["faults"]]
    report.facts |= {"entries": entries, "entries at the server": said["entries"]}
    report.facts["answers"] = await world.server.answered()
    return wrong + world.heard.fell_over


async def _evidence(world: World) -> Evidence:
    """What lies on the disks when all have stopped."""
    caps = (await world.server.surely("cap.list"))["caps"]
    for device in world.devices:
        await device.kill()
    await world.server.stop()
    lives = [
        Life(
            device.name,
            read_ledger(device.home.home),
            [read_ledger(branch) for branch in device.lived.branches],
            device.lived.acked,
            device.lived.doubted,
        )
        for device in world.devices
    ]
    return Evidence(
        lives=lives,
        server=read_server(world.server.folder),
        rows=world.cashier.bill.rows,
        complete=world.heard.complete,
        caps=caps,
        billed={name: world.cashier.bill.billed_nusd(pool) for name, pool in world.pools.items()},
    )
