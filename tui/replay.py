"""A recorded day as a source: for tests, `agentspend top --demo` and pictures.

A recording is JSON lines, each a source's message with `at_us`, the moment it came; `stories` of
requests are messages of the event "why".
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

from tui.source import Message, NotDone

DEMO = Path(__file__).with_name("recorded_day.jsonl")
TEAM = Path(__file__).with_name("recorded_team.json")


class Replay:
    """Plays messages; those up to `until_us` at once, the rest as time passes at `speed`.

    With `speed` 0 the clock stands still at `until_us`.
    """

    def __init__(
        self, messages: Sequence[Message], *, until_us: int = 0, speed: int = 0, name: str = "demo"
    ) -> None:
        self.name = name
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._messages = messages
        self._speed = speed
        self._until_us = until_us or (messages[-1]["at_us"] if messages else 0)
        self._began_s = 0.0

    async def watch(self) -> AsyncIterator[Message]:
        """The recording's messages."""
        self._began_s = asyncio.get_running_loop().time()
        for message in self._messages:
            wait_us = message["at_us"] - self._until_us
            if wait_us > 0:
                if not self._speed:
                    break
                passed_us = self.now_us() - self._until_us
                await asyncio.sleep(max(0, wait_us - passed_us) / 1_000_000 / self._speed)
            yield message
        await asyncio.Event().wait()

    def now_us(self) -> int:
        """The recording's clock."""
        if not self._speed or not self._began_s:
            return self._until_us
        passed_s = asyncio.get_running_loop().time() - self._began_s
        return self._until_us + int(passed_s * 1_000_000) * self._speed

    async def why(self, rid: str) -> Sequence[tuple[str, str]]:
        """What the recording knows of a request."""
        for message in self._messages:
            if message["event"] == "why" and message["rid"] == rid:
                return [(str(name), str(words)) for name, words in message["steps"]]
        raise NotDone(f"the recording has no story of {rid}")

    async def do(self, action: str, **fields: Any) -> str:
        """Nothing is changed in a recording; what was asked is kept in `asked`."""
        self.asked.append((action, fields))
        raise NotDone("this is a recording: nothing was changed")


def read(path: Path) -> list[Message]:
    """The messages of a recording, in order."""
    return list(_decoded(path.read_text("utf-8").splitlines()))


def in_team(messages: Sequence[Message]) -> list[Message]:
    """The same day of somebody who leads a team, whose caps stand among the budgets."""
    team = json.loads(TEAM.read_text("utf-8"))
    caps = team.pop("budgets")
    return [
        {**each, "team": team, "budgets": [*each["budgets"], *caps]}
        if each["event"] in ("top", "status")
        else each
        for each in messages
    ]


def _decoded(lines: Iterable[str]) -> Iterable[Message]:
    for line in lines:
        yield json.loads(line)
