"""The waiting line: strictly first come, first served in every account. Pure.

Who asks a person (`on_exceed = "ask"`) stands in it too, and is tried before all who came later;
but nobody waits for an answer that another's request needs.
"""

from bisect import insort
from collections.abc import Collection, Iterator

from agentspend.bookkeeper.outcomes import HoldRequest


class Line:
    """Requests waiting for room, in order of arrival."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, str, HoldRequest]] = []
        self._places: dict[str, dict[int, str]] = {}
        self._wakes: dict[str, int] = {}
        self._asking: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, rid: object) -> bool:
        return rid in self._places

    def __iter__(self) -> Iterator[HoldRequest]:
        return iter([request for _, _, request in self._waiting])

    def join(
        self,
        request: HoldRequest,
        accounts: dict[int, str],
        wakes_us: int | None = None,
        *,
        asking: bool = False,
    ) -> None:
        """Stand in line for these accounts ({id: budget name}); joining again moves nothing.

        At `wakes_us` (monotonic) it is worth trying again, whatever others do. Whoever is `asking`
        waits until its `asks_until_us`.
        """
        if request.rid not in self._places:
            insort(self._waiting, (request.arrived_us, request.rid, request))
        self._places[request.rid] = accounts
        self._wakes.pop(request.rid, None)
        if wakes_us is not None:
            self._wakes[request.rid] = wakes_us
        if asking:
            self._asking.add(request.rid)

    def leave(self, rid: str) -> bool:
        """Step out; False when it was not in line."""
        if self._places.pop(rid, None) is None:
            return False
        self._wakes.pop(rid, None)
        self._asking.discard(rid)
        self._waiting = [item for item in self._waiting if item[1] != rid]
        return True

    def forget(self, rid: str) -> None:
        """Step out, whether it was in line or not."""
        self.leave(rid)

    def clear(self) -> None:
        """Send everyone away."""
        self._waiting.clear()
        self._places.clear()
        self._wakes.clear()
        self._asking.clear()

    @property
    def asking(self) -> int:
        """How many wait for a person's answer."""
        return len(self._asking)

    def asks(self, rid: str) -> bool:
        """Whether this one waits for a person's answer."""
        return rid in self._asking

    def ahead(self, request: HoldRequest, accounts: Collection[int]) -> str:
        """The budget in which someone who came earlier waits for room ("" when nobody does)."""
        return self._ahead(request, accounts, asking=False)

    def asks_ahead(self, request: HoldRequest, accounts: Collection[int]) -> str:
        """The budget for which someone who came earlier waits for an answer."""
        return self._ahead(request, accounts, asking=True) if self._asking else ""

    def _ahead(self, request: HoldRequest, accounts: Collection[int], *, asking: bool) -> str:
        mine = (request.arrived_us, request.rid)
        for arrived_us, rid, _ in self._waiting:
            if (arrived_us, rid) >= mine:
                break
            shared = self._places[rid].keys() & accounts
            if shared and (rid in self._asking) == asking:
                return self._places[rid][min(shared)]
        return ""

    def deadline_us(self) -> int | None:
        """The next moment (monotonic) at which someone's patience ends, or spending rolls out."""
        deadlines = (
            request.asks_until_us if rid in self._asking else request.deadline_us
            for _, rid, request in self._waiting
        )
        return min((*deadlines, *self._wakes.values()), default=None)

    def waits(self) -> list[tuple[HoldRequest, str]]:
        """Everyone in line, with the budget they wait for."""
        return [
            (request, next(iter(self._places[rid].values()), ""))
            for _, rid, request in self._waiting
        ]
