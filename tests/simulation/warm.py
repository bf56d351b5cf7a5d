"""The warm-subagent trace: conversations with a long cached prompt send their next turn at once.

Opus 5, 150K tokens of prompt of which 98 % are cached, `max_tokens` 32,000, about $0.105 each
in truth. The first turns are taken in another session, so that a budget per session sees only
the next ones.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from agentspend.bookkeeper.outcomes import Event
from agentspend.sandbox.behaviour import Behaviour, tool
from agentspend.sandbox.model import nusd_up
from agentspend.sandbox.script import Seen
from agentspend.sandbox.tokens import RULES
from tests.simulation.client import Answered, send
from tests.simulation.scenario import WORDS
from tests.simulation.virtual import VirtualTime, run
from tests.support.desk import OPUS, Device, budget

MAX_TOKENS = 32_000
PREFIX_TOKENS = 147_000
RESULT_TOKENS = 3_000
MARK = {"type": "ephemeral"}


@dataclass(frozen=True, slots=True)
class Trace:
    """How one trace is run. `evicts` says what the provider's cache does once half of the requests
    have reached it: "never", "once" or "always" (before each). `cold`: nothing is known, nothing
    cached and nothing shared."""

    requests: int
    limit: str
    bound: str = "strict"
    cold: bool = False
    evicts: str = "never"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; amounts in nano-USD, waits in seconds."""

    served: int
    refused: int
    bill_nusd: int
    charged_nusd: int
    dearest_nusd: int
    over_nusd: int
    most_held_nusd: int
    waits_s: tuple[float, ...]
    clamped: int
    seconds: float


def follow(trace: Trace, folder: Path) -> Outcome:
    """Run a trace on made-up time."""
    time = VirtualTime(trace.seed)
    return run(time, _follow(trace, folder, time))


async def _follow(trace: Trace, folder: Path, time: VirtualTime) -> Outcome:
    chance = Random(trace.seed)
    caps = [budget("cap", trace.limit, "session", bound=trace.bound)]
    async with Device(folder, caps, time=time, seed=trace.seed) as device:
        for session in ("s_before", "s_test"):
            device.open_session(session, session)
        names = [f"c{number}" for number in range(trace.requests)]
        bodies = [_first(name, own_prefix=trace.cold) for name in names]
        if not trace.cold:
            await device.adopt()
            bodies = await _first_turns(device, names, bodies)
            await device.adopt(*caps)
        story = Story(time)
        device.bookkeeper.on_commit(story.follow)
        before = len(device.sandbox.bill.rows)
        device.sandbox.behave(_provider(device, trace, chance))
        began = time.now_us
        answers = await asyncio.gather(
            *(send(device, "s_test", *pair) for pair in zip(names, bodies, strict=True))
        )
        await device.until_idle()
        return await _outcome(device, answers, story, before, (time.now_us - began) / 1e6)


class Story:
    """What the bookkeeper announces, with the time at which it did."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._since: dict[object, int] = {}
        self.waits_s: dict[object, float] = {}
        self._held: dict[object, int] = {}
        self.most_held_nusd = 0
        self.clamped = 0

    def follow(self, events: list[Event]) -> None:
        """Take what one commit changed."""
        for event in events:
            rid = event.fields.get("rid")
            match event.kind:
                case "wait":
                    self._since.setdefault(rid, self._time.now_us)
                case "hold" | "refuse" if rid in self._since:
                    self.waits_s[rid] = (self._time.now_us - self._since[rid]) / 1e6
            if event.kind in ("hold", "shrink"):
                self._held[rid] = int(str(event.fields["held_nusd"]))
            elif event.kind in ("settle", "release"):
                self._held.pop(rid, None)
        self.most_held_nusd = max(self.most_held_nusd, sum(self._held.values()))


def _provider(device: Device, trace: Trace, chance: Random) -> Callable[[Seen], Behaviour]:
    """80 tokens a second after one or two seconds, about 500 tokens. From the middle of the run
    on the cache is emptied: once, or before every request."""
    asked = 0

    def behave(seen: Seen) -> Behaviour:
        nonlocal asked
        if "max_tokens" in seen.body:
            asked += 1
            half = trace.requests // 2
            if (trace.evicts == "once" and asked == half) or (
                trace.evicts == "always" and asked >= half
            ):
                device.sandbox.evict()
        return Behaviour(
            first_byte_delay_s=chance.uniform(1, 2), paced=True, tokens_per_s=80.0, deltas=8,
            output_tokens=chance.randint(400, 600),
        )  # fmt: skip

    return behave


async def _first_turns(
    device: Device, names: list[str], bodies: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Take every conversation's first turn, and return its next one: a tool's small result."""
    device.sandbox.behave(Behaviour(answer=(tool("Read", file_path="src/rows.py"),)))
    found = []
    for name, body in zip(names, bodies, strict=True):
        answer = await send(device, "s_before", name, body)
        assert answer.status == 200, answer.body
        call = answer.content[-1]
        result = {
            "type": "tool_result", "tool_use_id": call["id"],
            "content": [{"type": "text", "text": _text(f"# {name}\n", RESULT_TOKENS)}],
            "cache_control": MARK,
        }  # fmt: skip
        turns = [
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": [result]},
        ]
        found.append({**body, "messages": [*body["messages"], *turns]})
    await device.until_idle()
    return found


def _first(name: str, *, own_prefix: bool) -> dict[str, Any]:
    """A conversation's first turn; what it may share with the others is in the system prompt."""
    words = _text(f"# {name}\n" if own_prefix else "", PREFIX_TOKENS)
    schema = {"type": "object", "properties": {"file_path": {"type": "string"}}}
    return {
        "model": OPUS,
        "max_tokens": MAX_TOKENS,
        "stream": True,
        "tools": [{"name": "Read", "description": "Reads a file", "input_schema": schema}],
        "system": [{"type": "text", "text": words, "cache_control": MARK}],
        "messages": [{"role": "user", "content": f"You are {name}. Look at the rows."}],
    }


def _text(head: str, tokens: int) -> str:
    """Source text of about so many tokens, by the provider's own rule."""
    whole = head + WORDS * (tokens * 3 // len(WORDS) + 1)
    for length in range(tokens * 2, len(whole)):
        if abs(RULES["code"].count(whole[:length]) - tokens) <= tokens // 100:
            return whole[:length]
    raise AssertionError("no length of this text has so many tokens")


async def _outcome(
    device: Device, answers: list[Answered], story: Story, before: int, seconds: float
) -> Outcome:
    rows = device.sandbox.bill.rows[before:]
    entries = [e for e in await device.ledger() if e["session"] == "s_test"]
    asked = [seen.json for seen in device.sandbox.requests if seen.path.endswith("/messages")]
    accounts = await device.bookkeeper.ask(
        lambda books, _: books.conn.execute("SELECT sum(over_nusd) FROM account").fetchone()[0]
    )
    return Outcome(
        served=sum(answer.status == 200 and answer.whole for answer in answers),
        refused=sum(answer.status == 402 for answer in answers),
        bill_nusd=nusd_up(sum(row.usd for row in rows)),
        charged_nusd=sum(entry["amount_nusd"] for entry in entries),
        dearest_nusd=max(row.nusd_up for row in rows),
        over_nusd=accounts or 0,
        most_held_nusd=story.most_held_nusd,
        waits_s=tuple(sorted(story.waits_s.values())),
        clamped=sum(body["max_tokens"] < MAX_TOKENS for body in asked),
        seconds=seconds,
    )
