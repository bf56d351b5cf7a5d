"""Books on a real SQLite file, driven by hand: time is what the test says it is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from agentspend.bookkeeper.adoption import Adoption
from agentspend.bookkeeper.books import Books
from agentspend.bookkeeper.outcomes import HoldAnswer, HoldRequest, Moment, Settlement, Waiting
from agentspend.core.admission import Ask
from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.money import parse_usd
from agentspend.core.pricing import Bound
from agentspend.core.scopes import Payer, Scope
from agentspend.core.usage import Billing
from agentspend.core.windows import Window
from agentspend.store.ledger_file import open_ledger

T = TypeVar("T")
NOON = 1_795_608_000_000_000  # 2026-11-25T12:00:00Z


def budget(
    name: str, limit: str, window: str = "day", *, mode: str = "hard", bound: str = "strict",
    counts: str = "billed", **scope: str,
) -> Budget:  # fmt: skip
    """A budget in few words, hard if nothing else is said."""
    kinds = (Mode(mode), BoundKind(bound), Counts(counts))
    return Budget(name, parse_usd(limit), Window.parse(window), Scope.of(scope), *kinds)


def bound(input_usd: str, output_usd_per_mtok: str = "25") -> Bound:
    """A bound of so much input, and so much for each million output tokens."""
    return Bound(
        input_tokens=1,
        input_pusd=parse_usd(input_usd) * 1_000,
        output_pusd_per_token=parse_usd(output_usd_per_mtok) // 1_000,
        fixed_pusd=0,
        context_window=200_000,
        input_pusd_per_token=5_000_000,
        read_pusd_per_token=500_000,
    )


def hold_request(
    rid: str, priced: Bound, output: int = 32_000, *, comfort: int = 16_384, floor: int = 4_096,
    payer: Payer | None = None, counted: str = "billed", arrived_us: int = 0, wait_s: int = 20,
    warm: Bound | None = None, **ask: bool,
) -> HoldRequest:  # fmt: skip
    """A request by its bound and its output limits."""
    limits = (output, min(comfort, output), min(floor, output))
    return HoldRequest(
        rid=rid,
        payer=payer or Payer(agent="claude", session="s_1"),
        counted=counted,
        ask=Ask(priced, warm or priced, *limits, **ask),
        arrived_us=arrived_us,
        deadline_us=arrived_us + wait_s * 1_000_000,
        facts={"provider": "anthropic", "model": "claude-opus-5", "price": "sha256:x"},
    )


class Desk:
    """One device's books with a clock of its own."""

    def __init__(self, path: Path) -> None:
        connect, _ = open_ledger(path)
        self.path = path
        self.conn = connect()
        self.books = Books(self.conn, "i_test", ZoneInfo("Europe/Berlin"))
        self.adoption = Adoption(self.books)
        self.now_us, self.mono_us, self.count = NOON, 0, 0
        if self.books.chain.seq == 0:
            self.do(lambda: self.books.chain.append("genesis", self.now_us, {"device": "d"}))

    @property
    def at(self) -> Moment:
        """Now."""
        return Moment(self.now_us, self.mono_us)

    def pass_time(self, seconds: float) -> None:
        """Let time go by on both clocks."""
        self.now_us += int(seconds * 1_000_000)
        self.mono_us += int(seconds * 1_000_000)

    def do(self, work: Callable[[], T]) -> T:
        """One committed transaction; the line is woken as the writer does."""
        self.conn.execute("BEGIN IMMEDIATE")
        result = work()
        if len(self.books.line):
            self.books.wake(self.at)
        self.conn.execute("COMMIT")
        return result

    def adopt(self, *budgets: Budget) -> None:
        """Put budgets in force, as a person would."""
        self.do(lambda: self.adoption.declare(budgets, "{}", self.at))
        agreed = [change.text for change in self.adoption.waits]
        self.do(lambda: self.adoption.confirm(agreed, self.at))

    def request(
        self,
        input_usd: str = "0.10",
        output: int = 32_000,
        *,
        comfort: int = 16_384,
        floor: int = 4_096,
        payer: Payer | None = None,
        counted: str = "billed",
        wait_s: int = 20,
        **ask: bool,
    ) -> HoldRequest:
        """A request by its bound."""
        self.count += 1
        return hold_request(
            f"r_{self.count:04d}", bound(input_usd), output, comfort=comfort, floor=floor,
            payer=payer, counted=counted, arrived_us=self.mono_us, wait_s=wait_s, **ask,
        )  # fmt: skip

    def hold(self, request: HoldRequest) -> HoldAnswer | Waiting:
        """Ask for a hold."""
        return self.do(lambda: self.books.hold(request, self.at))

    def settle(self, rid: str, usd: str) -> int:
        """The provider said what it cost."""
        done = Settlement(rid, parse_usd(usd), Billing.EXACT, "provider_usage", {"usage": {}})
        return self.do(lambda: self.books.settle(done, self.at))

    def release(self, rid: str) -> None:
        """Nothing was billed."""
        self.do(lambda: self.books.release(rid, "test", self.at, {}))

    def woken(self) -> dict[str, HoldAnswer]:
        """Who got an answer while waiting, since last asked."""
        found = dict(self.books.woken)
        self.books.woken.clear()
        return found

    def account(self, name: str) -> tuple[int, int]:
        """(spent, held) of the newest account of a budget."""
        row = self.conn.execute(
            "SELECT spent_nusd, held_nusd FROM account WHERE budget = ? ORDER BY id DESC", (name,)
        ).fetchone()
        return row[0], row[1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Fresh books on disk."""
    made = Desk(tmp_path / "ledger.db")
    yield made
    made.conn.close()
