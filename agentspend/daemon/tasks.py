"""The only place that creates tasks: each is kept until it ends, and its failure is told."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from agentspend.daemon.log import log


class Tasks:
    """Background work of one daemon."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Run `work` in the background; an exception nobody awaits is written to the log."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def cancel_all(self) -> None:
        """Stop what still runs."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log("task_failed", task=task.get_name(), error=type(error).__name__)
