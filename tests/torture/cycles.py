"""The torture: kill, look at the file, start again, compare with the provider's bill.

One provider lives through all of it and keeps its bill in a file. The daemon runs until an armed
point, or a kill from outside, ends it; what it left is judged before and after the next start.
"""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec

from agentspend.sandbox.bill import Bill, BillRow
from agentspend.wire.chain import verify_chain
from tests.support.ports import free_port
from tests.support.process import Home, SandboxProcess
from tests.torture.load import Access, Clients, Heard
from tests.torture.talk import Talk, ask, open_session
from tests.torture.verdict import Account, Evidence, judge, lost
from tests.torture.victim import HANG_S, Hung, Victim

ANYWHERE = "anywhere"
STARTING = "ask.before_commit"
# Where the daemon dies, and up to which passing of the point.
POINTS = {
    "hold.before_commit": 12,
    "hold.after_commit": 12,
    "forward.before": 14,
    "forward.after_headers": 14,
    "forward.mid_stream": 60,
    "shrink.before_commit": 8,
    "shrink.after_commit": 8,
    "settle.before_commit": 10,
    "settle.after_commit": 10,
    ANYWHERE: 80,
}
MORE_POINTS = {"release.before_commit": 2, "release.after_commit": 2, STARTING: 3}
TOLD_EVERY = 20
SESSION_LIMIT = "0.08"
SESSION_LIMIT_NUSD = 80_000_000

CONFIG = """
[daemon]
port = {port}
[providers.anthropic]
base_url = "{url}"
[admission]
wait_s = 1
[[budgets]]
name = "each"
limit = "{limit}"
window = "session"
[[budgets]]
name = "all"
limit = "{total}.00"
window = "total"
"""


class Failure(AssertionError):
    """The ledger and the bill disagree, or the daemon did not come back."""


@dataclass(slots=True)
class Report:
    """What a run did."""

    seed: int
    cycles: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    restarts_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    recovered: int = 0
    entries: int = 0
    billed_nusd: int = 0
    charged_nusd: int = 0
    heard: Heard = field(default_factory=Heard)
    told: Account = field(default_factory=Account)

    def restarts(self) -> str:
        """Start to ready, after a kill."""
        times = self.restarts_s
        return (
            f"{min(times):.2f} s at best, {statistics.median(times):.2f} s median,"
            f" {max(times):.2f} s at most ({statistics.median(self.cpu_s):.2f} s of processor time)"
        )


def plan(cycles: int, each: int, more: bool, chance: Random) -> list[tuple[str, int]]:
    """Which point ends which cycle, and at which passing: every point `each` times, then any."""
    depths = {**POINTS, **(MORE_POINTS if more else {})}
    points = [point for point in depths for _ in range(each)]
    points += chance.choices(list(depths), k=max(0, cycles - len(points)))
    chance.shuffle(points)
    first = next(n for n, point in enumerate(points) if point != STARTING)
    points.insert(0, points.pop(first))
    return [(point, chance.randint(1, depths[point])) for point in points]


class Torture:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], None] = print) -> None:
        self._folder = folder
        self._seed = seed
        self._say = say
        self.report = Report(seed)
        self._acked: list[dict[str, Any]] = []
        self._limits: dict[str, int] = {}
        self._before: Access | None = None
        self._retired: Access | None = None
        self._now: Access | None = None
        self._held: dict[str, int] = {}
        self._kill_after = 0

    async def run(self, cycles: int, each: int, *, more: bool, verify_every: int) -> Report:
        """Run until every point was hit often enough; raises `Failure` with the seed."""
        chance = Random(self._seed)
        todo = plan(cycles, each, more, chance)
        self._total_usd = len(todo)
        with SandboxProcess(self._folder, "--seed", str(self._seed % 1_000)) as sandbox, Home(
            self._folder, sandbox.url
        ) as home:  # fmt: skip
            home.config.write_text(
                CONFIG.format(port=free_port(), url=sandbox.url, limit=SESSION_LIMIT,
                              total=self._total_usd)
            )  # fmt: skip
            self._bill = sandbox.bill_path
            self._victim = Victim(home)
            try:
                await self._all(todo, each, chance, verify_every)
            except (AssertionError, OSError, TimeoutError, aiohttp.ClientError) as error:
                raise Failure(f"seed {self._seed}, cycle {self.report.cycles}: {error}") from error
            finally:
                self._victim.kill()
        return self.report

    async def _all(
        self, todo: list[tuple[str, int]], each: int, chance: Random, verify_every: int
    ) -> None:
        await self._start(todo[0])
        while todo:
            point, count = todo.pop(0)
            self.report.cycles += 1
            try:
                await self._cycle(point, count, chance)
                to_come = sum(other == point for other, _ in todo)
                if self.report.hits[point] + to_come < each:
                    todo.append((point, max(1, count // 2)))
                await self._restart(todo)
                if self.report.cycles % verify_every == 0 or not todo:
                    await self._verify()
            except AssertionError as error:
                raise Failure(f"after {point}:{count}: {error}") from error
            if self.report.cycles % TOLD_EVERY == 0:
                self._say(self._progress(len(todo)))
        await self._last_verdict()

    def _progress(self, left: int) -> str:
        hits = self.report.hits
        fewest = min(hits.get(point, 0) for point in POINTS)
        return (
            f"  {self.report.cycles:>4} of {self.report.cycles + left}: every point hit {fewest}+"
            f" times, {len(self._acked)} settlements announced, {self.report.recovered} holds"
            f" recovered, restart {self.report.restarts()}"
        )

    async def _start(self, armed: tuple[str, int]) -> float | None:
        fault = "" if armed[0] == ANYWHERE else f"{armed[0]}:{armed[1]}"
        return await asyncio.to_thread(self._victim.start, fault)

    async def _cycle(self, point: str, count: int, chance: Random) -> None:
        """Load until death; then everything that was promised must stand in the file."""
        socket = self._victim.paths.socket
        watching = await Talk.open(socket)
        heard_from = len(self._acked)
        self._kill_after = 0
        watch = asyncio.ensure_future(watching.watch(self._hear))
        links = await self._sessions(socket)
        self._kill_after = count if point == ANYWHERE else 0
        load = Clients(chance, self.report.heard)
        assert self._now is not None
        try:
            async with asyncio.timeout(4 * HANG_S):
                await load.run(self._now, self._before)
        except TimeoutError:
            raise Hung("the clients hang") from None
        if not load.turned_away:
            self._victim.kill()
            self.report.missed += point != ANYWHERE
        await asyncio.to_thread(self._victim.wait)
        by_fault = not self._victim.killed_by_us
        self.report.hits[point if by_fault else ANYWHERE] += 1
        await watch
        for link in [watching, *links]:
            await link.close()
        _fail(self.report.heard.fell_over)
        left = await asyncio.to_thread(self._victim.remains)
        self._check_chain(left.bodies)
        self._held = left.held
        _fail(lost(_settles(left.bodies), self._acked[heard_from:]))

    def _hear(self, event: dict[str, Any]) -> None:
        """Keep what was announced; for a kill from outside, count down to it."""
        if event.get("event") == "settle":
            self._acked.append(event)
        if self._kill_after:
            self._kill_after -= 1
            if not self._kill_after:
                self._victim.kill()

    async def _sessions(self, socket: Path) -> list[Talk]:
        """A new session; the one before is opened again, the one before that ends."""
        links = []
        if self._retired is not None:
            _, link = await open_session(socket, self._retired.name, self._retired.token)
            await link.close()
        if self._before is not None:
            again, link = await open_session(socket, self._before.name, self._before.token)
            assert again == self._before, "the same session got another way in"
            links.append(link)
        self._now, link = await open_session(socket, f"s_{self.report.cycles:05d}")
        self._limits[self._now.name] = SESSION_LIMIT_NUSD
        return [*links, link]

    async def _restart(self, todo: list[tuple[str, int]]) -> None:
        """Start again, armed for the next cycle, and judge what the recovery made of it."""
        recovered = False
        while todo and todo[0][0] == STARTING:
            armed = todo.pop(0)
            self.report.cycles += 1
            assert await self._start(armed) is None, "it was to die while starting, and lives"
            self.report.hits[STARTING] += 1
            left = await asyncio.to_thread(self._victim.remains)
            self._check_chain(left.bodies)
            assert not left.held, "it recovered and still holds"
            recovered = True
        took_s = await self._start(todo[0] if todo else ("", 0))
        assert took_s is not None, "the daemon died while starting"
        self.report.restarts_s.append(took_s)
        self.report.cpu_s.append(self._victim.start_cpu_s)
        await self._judge_recovery(recovered=recovered)

    async def _judge_recovery(self, *, recovered: bool) -> None:
        """No hold is open, each one became a charge in full, and the session still gets in."""
        socket = self._victim.paths.socket
        pong, status = await ask(socket, "ping"), await ask(socket, "status")
        left = await asyncio.to_thread(self._victim.remains)
        self._check_chain(left.bodies)
        assert not left.held, f"still held after the restart: {left.held}"
        assert all(line["held_nusd"] == 0 for line in status["budgets"]), status["budgets"]
        settles = _settles(left.bodies)
        by_rid = {entry["rid"]: entry for entry in settles}
        for rid, amount_nusd in self._held.items():
            entry = by_rid.get(rid)
            assert entry is not None, f"the hold {rid} is gone without a charge"
            assert entry["evidence"] == "crash_upper_bound", entry
            assert entry["amount_nusd"] == amount_nusd, (entry, amount_nusd)
        if not recovered:
            assert pong["recovered"] == len(self._held), (pong, self._held)
        spent = next(line for line in status["budgets"] if line["name"] == "all")["spent_nusd"]
        assert spent == sum(entry["amount_nusd"] for entry in settles), "the sums have parted"
        self.report.recovered += len(self._held)
        assert self._now is not None
        await _still_in(self._now)
        self._retired, self._before = self._before, self._now
        wrong, _ = judge(self._evidence(await self._rows(), settles))
        _fail(wrong)

    async def _rows(self) -> list[BillRow]:
        """The provider's bill, once it has noticed who is gone."""
        deadline_s = asyncio.get_running_loop().time() + HANG_S
        while True:
            rows = (await asyncio.to_thread(Bill.read, self._bill)).rows
            if all(row.outcome != "open" for row in rows):
                return rows
            assert asyncio.get_running_loop().time() < deadline_s, "rows of the bill stay open"
            await asyncio.sleep(0.005)

    def _evidence(self, rows: list[BillRow], settles: list[dict[str, Any]]) -> Evidence:
        return Evidence(rows, settles, self._acked, self.report.heard.complete, self._limits,
                        self._total_usd * 10**9)  # fmt: skip

    async def _verify(self) -> None:
        said = await asyncio.to_thread(self._victim.verify)
        assert said["ok"], said

    async def _last_verdict(self) -> None:
        left = await asyncio.to_thread(self._victim.remains)
        settles, rows = _settles(left.bodies), await self._rows()
        wrong, self.report.told = judge(self._evidence(rows, settles))
        _fail(wrong)
        self.report.entries = len(left.bodies)
        self.report.billed_nusd = sum(row.nusd_up for row in rows)
        self.report.charged_nusd = sum(entry["amount_nusd"] for entry in settles)

    def _check_chain(self, bodies: list[bytes]) -> None:
        verdict = verify_chain(bodies)
        assert verdict.ok, f"entry {verdict.first_bad_seq}: {verdict.why}"


def _settles(bodies: list[bytes]) -> list[dict[str, Any]]:
    return [entry for entry in map(msgspec.json.decode, bodies) if entry["kind"] == "settle"]


def _fail(wrong: list[str]) -> None:
    assert not wrong, "; ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if wrong[5:] else "")


async def _still_in(access: Access) -> None:
    """The token from before the crash is good: a free question goes through with it."""
    body = {"model": "claude-opus-5", "messages": [{"role": "user", "content": "hi"}]}
    async with aiohttp.ClientSession() as http, http.post(
        f"{access.url}/v1/messages/count_tokens", json=body, headers={"x-api-key": access.token}
    ) as answer:  # fmt: skip
        assert answer.status == 200, (answer.status, await answer.text())
