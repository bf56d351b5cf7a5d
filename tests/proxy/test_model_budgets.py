"""A budget for a model counts it in every spelling: none of them leads past the cap."""

from itertools import permutations
from pathlib import Path

import pytest

from agentspend.config.shape import AdmissionSection
from agentspend.core.rules import RateLimit, Rules
from agentspend.core.scopes import Scope
from tests.support.desk import Device, budget, message

HAIKU = ("claude-haiku-4-5", "claude-haiku-4-5-20251001")
SONNET = ("claude-sonnet-4-0", "claude-sonnet-4-20250514")
PAIRS = [pair for names in (HAIKU, SONNET) for pair in permutations(names, 2)]


@pytest.mark.parametrize(("named", "sent"), PAIRS)
async def test_another_spelling_counts_in_the_budget(tmp_path: Path, named: str, sent: str) -> None:
    """Claude Code sends a dated name where people write the short one, and the other way round."""
    async with Device(tmp_path, [budget("one", "5", model=named)]) as device:
        assert (await device.post(message(model=sent))).status == 200
        spent_nusd = (await device.status("one"))["spent_nusd"]
        assert spent_nusd == device.sandbox.bill.total_nusd() > 0


async def test_another_model_does_not(tmp_path: Path) -> None:
    """A name with a date can have a price of its own; then it is another model."""
    async with Device(tmp_path, [budget("one", "5", model="claude-haiku-4-5")]) as device:
        assert (await device.post(message(model="claude-haiku-5-5"))).status == 200
        assert (await device.status("one"))["spent_nusd"] == 0


async def test_no_spelling_passes_the_cap(tmp_path: Path) -> None:
    """What one spelling cannot have, no other can."""
    async with Device(tmp_path, [budget("one", "0.01", model="claude-haiku-4-5")]) as device:
        for sent in HAIKU:
            reply = await device.post(message(model=sent, max_tokens=32_000))
            assert (reply.status, reply.error["type"]) == (402, "billing_error"), sent
        assert device.sandbox.bill.rows == []


async def test_a_new_budget_begins_with_what_every_spelling_spent(tmp_path: Path) -> None:
    """The account is worked out from the ledger, which keeps the names as they were sent."""
    async with Device(tmp_path) as device:
        for sent in HAIKU:
            assert (await device.post(message(model=sent))).status == 200
        await device.adopt(
            budget("day", "5", model="claude-haiku-4-5"),
            budget("rolling", "5", "rolling 5h", model="claude-haiku-4-5-20251001"),
        )
        before_nusd = device.sandbox.bill.total_nusd()
        assert (await device.post(message(model="claude-haiku-5-5"))).status == 200
        other_nusd = device.sandbox.bill.total_nusd() - before_nusd
        assert (await device.post(message(model=HAIKU[0]))).status == 200
        for name in ("day", "rolling"):
            spent_nusd = (await device.status(name))["spent_nusd"]
            assert spent_nusd == device.sandbox.bill.total_nusd() - other_nusd


async def test_a_rate_limit_for_a_model_holds_for_every_spelling(tmp_path: Path) -> None:
    """The rules on models, budgets and rates read a name alike."""
    slow = Rules(rates=(RateLimit(Scope.of({"model": "claude-haiku-4-5"}), rpm=1),))
    async with Device(tmp_path, rules=slow, admission=AdmissionSection(wait_s=0)) as device:
        statuses = [(await device.post(message(model=sent))).status for sent in HAIKU]
        assert statuses == [200, 429]
