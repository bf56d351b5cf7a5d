"""After a run: our ledger against the provider's bill, request by request and in all."""

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from agentspend.core.admission import RefusalReason
from agentspend.core.budgets import Budget, Mode
from agentspend.sandbox.bill import BillRow
from agentspend.sandbox.model import nusd_up
from agentspend.store import entries, spending
from agentspend.wire.chain import verify_chain
from tests.simulation.oracle import NANO, counts_in
from tests.simulation.scenario import SESSIONS
from tests.support.desk import Device

if TYPE_CHECKING:
    from tests.simulation.watcher import Watcher
    from tests.simulation.world import World

_BROKEN = {"cut": (0, 502), "hang": (0, 504)}
"""What a client may see of an answer that breaks off before its headers."""

__all__ = ["faults", "nusd_up"]


async def faults(device: Device, world: "World", watcher: "Watcher") -> list[str]:
    """Everything that is not as it must be, in words."""
    rows: dict[str, list[BillRow]] = defaultdict(list)
    for row in device.sandbox.bill.rows:
        rows[row.session].append(row)
    charges: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in await device.ledger("settle"):
        charges[entry["subagent"]].append(entry)
    found = []
    for name in world.sent:
        found += _one_request(name, rows[name], charges[name], world, watcher)
    found += [f"{name} is billed and was never sent" for name in rows if name not in world.sent]
    for budget in world.scenario.budgets:
        if budget.mode is Mode.HARD:
            check = _velocity if budget.window.is_velocity else _limit
            found += check(budget, world, watcher, rows)
    return [*found, *await _books(device), *_served(world, watcher)]


def _one_request(
    name: str, rows: list[BillRow], charges: list[dict[str, Any]], world: "World",
    watcher: "Watcher",
) -> list[str]:  # fmt: skip
    """The charge covers the bill; where the provider told its usage it is equal to it."""
    query = world.sent[name][0]
    if len(rows) > 1 or len(charges) > 1:
        return [f"{name} was billed {len(rows)} and charged {len(charges)} times"]
    billed = rows[0].usd if rows else Fraction(0)
    charged = charges[0]["amount_nusd"] if charges else 0
    found = []
    if charged < billed * NANO:
        found.append(f"{name} ({query.fault}) costs {float(billed)} and is charged {charged} nUSD")
    if query.whole and charged != nusd_up(billed):
        found.append(f"{name} ({query.fault}) costs {nusd_up(billed)} and is charged {charged}")
    if charges and "overrun_nusd" in charges[0]:
        found.append(f"{name} ({query.fault}) passed its hold: {charges[0]}")
    if rows and name not in watcher.held:
        found.append(f"{name} reached the provider without a hold")
    return found


def _limit(
    budget: Budget, world: "World", _: "Watcher", rows: dict[str, list[BillRow]]
) -> list[str]:
    """The provider's bill, in the part this budget counts, is within its limit."""
    found = []
    for session in SESSIONS:
        billed = Fraction(0)
        for name, (query, body, _) in world.sent.items():
            if counts_in(budget, query.session, str(body["model"]), session):
                billed += sum((row.usd for row in rows[name]), Fraction(0))
        if billed * NANO > budget.limit_nusd:
            found.append(f"budget {budget.name}: {float(billed)} of {budget.limit_nusd} nUSD")
    return found


def _velocity(
    budget: Budget, world: "World", watcher: "Watcher", rows: dict[str, list[BillRow]]
) -> list[str]:
    """The provider's bill for what left within any stretch of the window is within its limit."""
    length_us = budget.window.length_s * 1_000_000
    left = [
        (held.held_us, sum((row.usd for row in rows[name]), Fraction(0)))
        for name, held in watcher.held.items()
        if counts_in(budget, world.sent[name][0].session, str(world.sent[name][1]["model"]), "")
    ]
    found = []
    for ends_us, _ in left:
        billed = sum((usd for at, usd in left if ends_us - length_us < at <= ends_us), Fraction(0))
        if billed * NANO > budget.limit_nusd:
            found.append(f"budget {budget.name}: {float(billed)} within {budget.window.text()}")
    return found


async def _books(device: Device) -> list[str]:
    """No hold is open, nothing is held, and the chain is whole."""

    def look(books: Any, _: object) -> list[str]:
        found = []
        if open_holds := books.conn.execute("SELECT rid FROM hold").fetchall():
            found.append(f"holds still open: {open_holds}")
        if len(books.line):
            found.append(f"still in line: {books.line.waits()}")
        held = books.conn.execute("SELECT budget, held_nusd FROM account WHERE held_nusd <> 0")
        found += [f"budget {name} still holds {amount}" for name, amount in held.fetchall()]
        verdict = verify_chain(entries.bodies(books.conn))
        if not verdict.ok or verdict.head != books.chain.head:
            found.append(f"the chain is broken: {verdict}")
        if not spending.agrees(books.conn):
            found.append("the sums of reports are not those of the entries")
        return found

    return await device.bookkeeper.ask(look)


def _served(world: "World", watcher: "Watcher") -> list[str]:
    """Everyone was answered, in time, and as the bookkeeper decided."""
    found = []
    for name, answer in world.answers.items():
        query = world.sent[name][0]
        if query.fault == "leave":
            continue
        expected = query.behaviour.status
        if name in watcher.refused:
            too_fast = watcher.refused[name][0].reason is RefusalReason.TOO_FAST
            expected = 429 if too_fast else 402
        if name.endswith("b") and name not in watcher.refused:
            expected = 200
        broken = _BROKEN.get(query.fault, ()) if name in watcher.held else ()
        if answer.status != expected and answer.status not in broken:
            found.append(f"{name} ({query.fault}) got {answer.status} instead of {expected}")
    found += [
        f"{name} waited {waited / 1e6:.3f} s"
        for name, waited in watcher.waited_us.items()
        if waited > watcher.wait_us + 1_000_000 * (watcher.books is None)
    ]
    missing = world.sent.keys() - world.answers.keys()
    return [*found, *(f"{name} never got an answer" for name in sorted(missing))]
