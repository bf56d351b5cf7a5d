"""Where the screen's facts come from: the seam between it and the rest of the product.

Messages are the control protocol's own (`agentspend.wire.control`), with these beside its events:

- `{"event":"top", …}`: everything anew: the snapshot of `status`, open holds, refusals, the day
- `{"event":"status", …}`: budgets and sessions as they are now
- both with `"entries":[…]`: the ledger entries, in order and as `agentspend log --json` has them,
  that the snapshot counts and that were not told before; or `{"event":"entries", …}` on its own
- `{"event":"gone", "why"}`: no daemon answers, so nothing is enforced; what was known stays shown
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

Message = Mapping[str, Any]


class NotDone(Exception):
    """An action that could not be done; the message says why, and the way out."""


class Source(Protocol):
    """What `agentspend top` is handed: live, file or replay."""

    name: str

    def watch(self) -> AsyncIterator[Message]:
        """Messages until the screen closes; the first is a "top" or a "gone"."""
        ...

    def now_us(self) -> int:
        """The clock the facts go by, in UTC µs."""
        ...

    async def why(self, rid: str) -> Sequence[tuple[str, str]]:
        """One request's story in the steps that `agentspend why` prints. Raises `NotDone`."""
        ...

    async def do(self, action: str, **fields: Any) -> str:
        """Carry out an action of `actions`; returns what to say. Raises `NotDone`."""
        ...
