"""What the day's charges add up to, by session, model and project; kept as they come."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice

from agentspend.core.forecast import BURN_US, burn_nusd_per_h
from tui.facts import Charge

KEPT_US = 4 * BURN_US
"""How long single charges are kept, for the pace and its curve."""
MINUTE_US = 60_000_000


@dataclass(slots=True)
class Sum:
    """One row's figures. `nusd` are real dollars, `listed_nusd` a subscription's at list price."""

    requests: int = 0
    nusd: int = 0
    listed_nusd: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    estimates: int = 0
    last: Charge | None = None
    minute: deque[tuple[int, int]] = field(default_factory=deque)

    def add(self, charge: Charge) -> None:
        """Count one charge."""
        if charge.kind == "settle":
            self.requests += 1
            self.estimates += charge.estimate
            self.input_tokens += charge.input_tokens
            self.cached_tokens += charge.cached_tokens
            self.output_tokens += charge.output_tokens
            self.last = charge
            self.minute.append((charge.at_us, charge.tokens))
        if charge.counted == "billed":
            self.nusd += charge.nusd
        else:
            self.listed_nusd += charge.nusd

    def still(self) -> "Sum":
        """As it is now."""
        return replace(self, minute=self.minute.copy())

    def tokens_a_minute(self, now_us: int) -> int:
        """The tokens of the last minute."""
        while self.minute and self.minute[0][0] <= now_us - MINUTE_US:
            self.minute.popleft()
        return sum(tokens for _, tokens in self.minute)


@dataclass(slots=True)
class Pace:
    """What of the last half hour counts somewhere, kept as charges come: never summed up anew."""

    counts: Callable[[Charge], bool]
    recent: deque[Charge] = field(default_factory=deque)
    nusd: int = 0
    seen: int = 0

    def per_h(self, charges: deque[Charge], added: int, now_us: int) -> int:
        """Nano-USD an hour now; `added` is how many charges there ever were, `charges` the last."""
        fresh = islice(reversed(charges), min(len(charges), added - self.seen))
        for charge in reversed([each for each in fresh if self.counts(each)]):
            self.recent.append(charge)
            self.nusd += charge.nusd
        self.seen = added
        while self.recent and self.recent[0].at_us <= now_us - BURN_US:
            self.nusd -= self.recent.popleft().nusd
        return burn_nusd_per_h(self.nusd)


class Spending:
    """The day's sums, and the charges of the last two hours."""

    def __init__(self) -> None:
        self._added = 0
        self._paces: dict[object, Pace] = {}
        self.total = Sum()
        self.by_session: dict[str, Sum] = {}
        self.by_model: dict[str, Sum] = {}
        self.by_project: dict[str, Sum] = {}
        self.lately: deque[Charge] = deque()

    def pace(self, key: object, counts: Callable[[Charge], bool], now_us: int) -> int:
        """The pace, in nano-USD an hour, of the charges that count; `key` always means the same
        ones."""
        pace = self._paces.setdefault(key, Pace(counts))
        return pace.per_h(self.lately, self._added, now_us)

    def still(self) -> "Spending":
        """As it is now, whatever is added here later."""
        found = Spending()
        found.total, found.lately, found._added = (
            self.total.still(),
            self.lately.copy(),
            self._added,
        )
        for name in ("by_session", "by_model", "by_project"):
            sums: dict[str, Sum] = getattr(self, name)
            setattr(found, name, {key: each.still() for key, each in sums.items()})
        return found

    def add(self, charge: Charge) -> None:
        """Count one charge everywhere it belongs."""
        payer = charge.payer
        self._added += 1
        self.total.add(charge)
        for sums, name in (
            (self.by_session, payer.session),
            (self.by_model, payer.model),
            (self.by_project, payer.project),
        ):
            sums.setdefault(name, Sum()).add(charge)
        self.lately.append(charge)
        while self.lately and self.lately[0].at_us < charge.at_us - KEPT_US:
            self.lately.popleft()
