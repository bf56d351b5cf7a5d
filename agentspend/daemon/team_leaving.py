"""The daemon on its way out of a team: it waits until all that the team paid for is told.

Requests in flight end by themselves; each is told at once, and the server's word that it has
everything ends the leaving. A server that is away is tried again as ever (`sync.pace`).
"""

import asyncio
from typing import Any

import msgspec

from agentspend.bookkeeper import Bookkeeper
from agentspend.bookkeeper.leaving import LeftToTell
from agentspend.bookkeeper.outcomes import Event
from agentspend.core.errors import AgentspendError
from agentspend.sync.pump import Pump

STILL_LEAVING = AgentspendError(
    "this device is leaving its team, which is still to hear what it paid for",
    "agentspend team status    or, without telling it: agentspend team leave --now",
)
ENDS = ("settle", "release")
"""The events that end a request."""


class Leaving:
    """One leaving, from a person's word on."""

    def __init__(self, books: Bookkeeper, pump: Pump) -> None:
        self._books = books
        self._pump = pump
        self._heard = asyncio.Event()
        pump.news = self._heard.set
        books.on_commit(self._on_commit)

    async def told(self) -> None:
        """Wait until nothing is left to tell."""
        while True:
            self._heard.clear()
            if (await left(self._books)).is_over:
                return
            await self._heard.wait()

    def _on_commit(self, events: list[Event]) -> None:
        if any(event.kind in ENDS for event in events):
            self._pump.nudge()


async def left(books: Bookkeeper) -> LeftToTell:
    """What the team is still to hear of."""
    found: LeftToTell = await books.ask(lambda opened, _: opened.team.left_to_tell)
    return found


def leaving_words(untold: LeftToTell) -> dict[str, Any]:
    """What a team that is left is still to hear of, as JSON."""
    told: dict[str, Any] = msgspec.to_builtins(untold)
    return {name: told[name] for name in ("in_flight", "held_nusd", "queued")}
