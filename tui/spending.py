"""What the day's charges add up to, by session, model and project; kept as they come."""

from collections import deque
from dataclasses import dataclass, field

from agentspend.core.forecast import BURN_US
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

    def tokens_a_minute(self, now_us: int) -> int:
        """The tokens of the last minute."""
        while self.minute and self.minute[0][0] <= now_us - MINUTE_US:
            self.minute.popleft()
        return sum(tokens for _, tokens in self.minute)


class Spending:
    """The day's sums, and the charges of the last two hours."""

    def __init__(self) -> None:
        self.total = Sum()
        self.by_session: dict[str, Sum] = {}
        self.by_model: dict[str, Sum] = {}
        self.by_project: dict[str, Sum] = {}
        self.lately: deque[Charge] = deque()

    def add(self, charge: Charge) -> None:
        """Count one charge everywhere it belongs."""
        payer = charge.payer
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
