"""The watch stream: a snapshot first, then every committed event, bounded per listener."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from agentspend.bookkeeper.outcomes import Event
from agentspend.core.limits import MAX_WATCH_BACKLOG

Message = dict[str, Any]


def nothing() -> None:
    """Nobody waits for those who begin to watch."""


class Watchers:
    """Fans committed events out. A listener that falls behind gets a fresh snapshot instead.

    `began` is called when somebody begins to watch.
    """

    def __init__(self) -> None:
        self.began: Callable[[], None] = nothing
        self._queues: set[asyncio.Queue[Message]] = set()
        self._behind: set[asyncio.Queue[Message]] = set()

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._queues)

    def announce(self, events: list[Event]) -> None:
        """Queue events for everyone who watches."""
        for queue in self._queues:
            for event in events:
                if queue.full():
                    self._behind.add(queue)
                    break
                queue.put_nowait({"event": event.kind, **event.fields})

    async def stream(
        self,
        send: Callable[[Message], Coroutine[Any, Any, None]],
        snapshot: Callable[[], Coroutine[Any, Any, Message]],
    ) -> None:
        """Send a snapshot, then events, until the listener is gone (its `send` raises)."""
        queue: asyncio.Queue[Message] = asyncio.Queue(MAX_WATCH_BACKLOG)
        self._queues.add(queue)
        self.began()
        try:
            await send({"event": "snapshot", **await snapshot()})
            while True:
                await send(await queue.get())
                if queue in self._behind and queue.empty():
                    self._behind.discard(queue)
                    await send({"event": "snapshot", **await snapshot()})
        finally:
            self._queues.discard(queue)
            self._behind.discard(queue)
