"""Budgets edited in any way while requests are in flight: each account is what a recount finds."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from agentspend.bookkeeper.corrections import adjust
from agentspend.bookkeeper.outcomes import Held, Settlement
from agentspend.core.budgets import Budget
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.core.windows import WindowKind
from tests.bookkeeper.conftest import Desk, budget

WINDOWS = ("hour", "day", "week", "month", "session", "subagent", "total", "1h", "5h", "2d")
ZONES = ("Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati", "UTC")
SCOPES: tuple[dict[str, str], ...] = (
    {}, {"project": "a"}, {"agent": "claude"}, {"tag": "t"}, {"session": "s_1"},
    {"model": "claude-*"}, {"model": "gpt-5"}, {"branch": "b"},
)  # fmt: skip
PAYERS = [
    Payer(
        agent=("claude", "codex")[number % 2], session=f"s_{number % 2}", project="ab"[number % 2],
        branch="bc"[number // 2], tags=("t",)[: number % 3], subagent=("", "x")[number // 2],
        provider="anthropic", model=("claude-opus-5", "gpt-5")[number % 2],
    ).or_models(("gpt-5", "claude-haiku-4-5")[: number % 3])
    for number in range(4)
]  # fmt: skip
STEPS = 60


class Person:
    """Uses one machine, edits its budgets and its zone, and has it crash, all by one seed."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.random = Random(seed)
        self.desk = Desk(path)
        self.budgets: dict[str, Budget] = {}
        self.settings = "{}"
        self.open: list[tuple[str, int]] = []
        self.ended: list[str] = []

    def act(self) -> None:
        """One thing, the frequent ones more often."""
        acts: list[Callable[[], None]] = [self.ask] * 6 + [self.settle] * 4 + [self.edit] * 4
        self.random.choice([*acts, self.shrink, self.release, self.adjust, self.wait, self.crash])()

    def ask(self) -> None:
        """One more request, real dollars or a subscription's."""
        payer, usd = self.random.choice(PAYERS), f"0.{self.random.randint(1, 9)}"
        counted = self.random.choice(["billed", "billed", "subscription"])
        request = self.desk.request(
            usd, 1_000, floor=100, comfort=100, payer=payer, counted=counted, wait_s=0
        )
        facts = {**request.facts, "model": payer.model}
        answer = self.desk.hold(replace(request, facts=facts))
        if isinstance(answer, Held):
            self.open.append((answer.rid, answer.amount_nusd))

    def settle(self) -> None:
        """One that is in flight ends in a charge."""
        if self.open:
            rid, held_nusd = self.open.pop(self.random.randrange(len(self.open)))
            nusd = self.random.randint(0, held_nusd)
            unbilled = ("gpt-5", "claude-haiku-4-5")[: self.random.randrange(3)]
            done = Settlement(rid, nusd, Billing.CEILING, "estimate", {"usage": {}},
                              unbilled_models=unbilled)  # fmt: skip
            self.desk.do(lambda: self.desk.books.settle(done, self.desk.at))
            self.ended.append(rid)

    def shrink(self) -> None:
        """The first usage of one has come."""
        if self.open:
            rid, held_nusd = self.open.pop()
            nusd = self.random.randint(0, held_nusd)
            self.desk.do(lambda: self.desk.books.shrink(rid, nusd))
            self.open.append((rid, nusd))

    def release(self) -> None:
        """One of them was not billed."""
        if self.open:
            self.desk.release(self.open.pop()[0])

    def adjust(self) -> None:
        """An estimate is lowered, however old it is, unless that would raise it."""
        if self.ended:
            rid, nusd = self.random.choice(self.ended), self.random.randint(0, 10**9)
            with suppress(AgentspendError):
                self.desk.do(lambda: adjust(self.desk.books, rid, nusd, "x", self.desk.at))
            if self.desk.conn.in_transaction:
                self.desk.conn.execute("ROLLBACK")

    def edit(self) -> None:
        """A budget is made, changed in all it says, or removed; now and then the zone changes.
        Mostly a person agrees at once."""
        name, chosen = self.random.choice("pqz"), self.random.choice
        if name in self.budgets and self.random.random() < 0.25:
            del self.budgets[name]
        else:
            self.budgets[name] = budget(
                name, str(self.random.randint(1, 5)), chosen(WINDOWS),
                mode=chosen(["hard", "hard", "warn"]), bound=chosen(["strict", "warm"]),
                counts=chosen(["billed", "all"]), **chosen(SCOPES),
            )  # fmt: skip
        if self.random.random() < 0.2:
            self.settings = f'{{"zone": "{chosen(ZONES)}"}}'
        self.declare()
        if self.random.random() < 0.8:
            agreed = [change.text for change in self.desk.adoption.waits]
            self.desk.do(lambda: self.desk.adoption.confirm(agreed, self.desk.at))

    def declare(self) -> None:
        """The file is read."""
        budgets = tuple(self.budgets.values())
        self.desk.do(lambda: self.desk.adoption.declare(budgets, self.settings, self.desk.at))

    def wait(self) -> None:
        """Time goes by: a minute, or ten days."""
        self.desk.pass_time(self.random.choice([60, 600, 3_600, 20_000, 90_000, 900_000]))

    def crash(self) -> None:
        """The books are opened again, with what is in flight still open."""
        before, self.desk = self.desk, Desk(self.path)
        before.conn.close()
        self.desk.now_us, self.desk.count = before.now_us, before.count
        self.declare()

    def check(self) -> None:
        """Every budget in force: what is spent is the ledger's sum, what is held its holds'."""
        rooms, now_us = self.desk.books.rooms, self.desk.books.now(self.desk.at)
        pairs = [(item, payer) for item in rooms.in_force for payer in PAYERS]
        for item, payer in pairs:
            if not rooms.counts_in(item.budget, payer, "billed"):
                continue
            kept = self.desk.do(lambda item=item, payer=payer: rooms.account(item, now_us, payer))
            here = rooms.span(item.budget, now_us, payer)
            fresh, _, _ = rooms._work_out(item, here)
            assert kept.spent_nusd == fresh.spent_nusd
            (shares,) = self.desk.conn.execute(
                "SELECT coalesce(sum(amount_nusd), 0) FROM hold_account WHERE account = ?",
                (kept.id,),
            ).fetchone()
            assert kept.held_nusd == shares
            if item.budget.window.kind is not WindowKind.ROLLING:
                assert kept.held_nusd >= fresh.held_nusd


@pytest.mark.parametrize("seed", [*range(7), 126])
def test_whatever_is_edited_an_account_is_what_the_ledger_says(tmp_path: Path, seed: int) -> None:
    """So no edit makes room that was spent, and none takes room that is free."""
    person = Person(tmp_path / "ledger.db", seed)
    for _ in range(STEPS):
        person.act()
        person.check()
    person.desk.conn.close()
