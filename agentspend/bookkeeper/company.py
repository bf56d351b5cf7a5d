"""Changes that nobody waits for ride with the next one that somebody does.

An ended hold waits up to `COMPANY_S` for the next hold and is committed with it: whoever sends one
request after the other then waits for one write of the disk instead of two, and the writer's thread
is woken once (2.1 → 1.6 ms at the median). Until that commit the hold is open on disk, as it is
while an answer runs, so that a crash charges it in full and marks it; nobody was told of the settle
yet. Nothing waits while somebody waits for money.
"""

import asyncio
from collections.abc import Callable

from agentspend.bookkeeper.writer import Job

COMPANY_S = 0.003
"""How long an ended hold may wait for another change to be committed with."""
PATIENT = frozenset({"settle", "release", "shrink"})
"""The kinds of jobs no client waits for."""
A_FEW = 8
"""So many jobs are company enough."""


class Company:
    """Stands between the event loop and the writer; jobs keep their order.

    `asking` is how many wait for the answer to a hold: nothing rests meanwhile.
    """

    def __init__(self, submit: Callable[[Job], None]) -> None:
        self._submit = submit
        self.asking = 0
        self._waiting: list[Job] = []
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, job: Job) -> None:
        """Hand a job over with all that waits, or let it wait where nobody does."""
        self._waiting.append(job)
        if self.asking or job.kind not in PATIENT or len(self._waiting) == A_FEW:
            self.leave()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COMPANY_S, self.leave)

    def leave(self) -> None:
        """All that waits goes to the writer now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        jobs, self._waiting = self._waiting, []
        for job in jobs:
            self._submit(job)
