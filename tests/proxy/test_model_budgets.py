"""A budget for a model counts it in every spelling: none of them leads past the cap."""

from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from agentspend.config.shape import AdmissionSection
from agentspend.core.rules import RateLimit, Rules
from agentspend.core.scopes import Scope
from tests.proxy.raw import RawProvider, answer_bytes
from tests.support.desk import Device, budget, message

OPUS, FALLS_BACK = "claude-opus-5", "claude-sonnet-5"
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


def answered(model: str, **usage: object) -> bytes:
    """A whole answer of this model."""
    counts = {"input_tokens": 100, "output_tokens": 50}
    said = {"id": "msg_1", "type": "message", "model": model, "usage": {**counts, **usage}}
    return answer_bytes(msgspec.json.encode(said))


ADVISED = {
    "iterations": [
        {"type": "message", "input_tokens": 100, "output_tokens": 50},
        {"type": "advisor_message", "model": OPUS, "input_tokens": 900, "output_tokens": 90},
    ]
}


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        (answered(OPUS), True),
        (answered(FALLS_BACK), False),
        (answered(FALLS_BACK, **ADVISED), True),
        (answered("a-name-of-the-gateways-own"), True),
    ],
    ids=["it answered", "it did not", "it advised", "nobody knows who did"],
)
async def test_a_model_that_stands_in_counts_in_its_own_budget(
    tmp_path: Path, answer: bytes, counts: bool
) -> None:
    """Held there until the answer tells; then charged whole, or free again, and the log says so."""
    caps = [budget("asked", "5", model=FALLS_BACK), budget("opus", "5", model="claude-opus-*")]
    body = message(model=FALLS_BACK, fallbacks=[{"model": OPUS}], stream=False)
    async with (
        RawProvider(answer) as provider,
        Device(tmp_path, caps, base_url=provider.url) as device,
    ):
        assert (await device.post(body)).status == 200
        await device.until_idle()
        held = next(event for event in device.events if event.kind == "hold")
        assert held.fields["payer"]["tags"] == [f"model={OPUS}"]  # type: ignore[index]

        [entry] = await device.ledger()
        total_nusd = entry["amount_nusd"]
        spent = [(await device.status(name))["spent_nusd"] for name in ("asked", "opus")]
        assert spent == [total_nusd, total_nusd if counts else 0]
        assert [(await device.status(cap.name))["held_nusd"] for cap in caps] == [0, 0]
        assert entry.get("tags") == ([f"model={OPUS}"] if counts else None)

        await device.adopt(*caps, budget("late", "5", "rolling 5h", model=OPUS))
        assert (await device.status("late"))["spent_nusd"] == spent[1]


async def test_the_cap_of_a_model_holds_where_it_only_stands_in(tmp_path: Path) -> None:
    """What it could cost there must be free there, before anything leaves."""
    caps = [budget("all", "5"), budget("opus", "0.01", model=OPUS)]
    body = message(model=FALLS_BACK, fallbacks=[{"model": OPUS}], max_tokens=32_000)
    async with Device(tmp_path, caps) as device:
        refused = await device.post(body)
        assert refused.status == 402
        assert "opus" in refused.error["message"]
        assert device.sandbox.bill.rows == []
        assert (await device.post(message(model=FALLS_BACK, max_tokens=32_000))).status == 200


async def test_a_charge_that_nobody_can_tell_apart_counts_at_all_that_may_have_answered(
    tmp_path: Path,
) -> None:
    """The answer broke off before it told its usage."""
    caps = [budget("asked", "5", model=FALLS_BACK), budget("opus", "5", model=OPUS)]
    body = message(model=FALLS_BACK, fallbacks=[{"model": OPUS}])
    whole = answered(FALLS_BACK)
    async with (
        RawProvider(whole[:-30]) as provider,
        Device(tmp_path, caps, base_url=provider.url) as device,
    ):
        await device.post(body)
        await device.until_idle()
        spent = [(await device.status(cap.name))["spent_nusd"] for cap in caps]
        assert spent[0] == spent[1] > 0


async def test_a_fallback_takes_no_tag_of_the_sessions_own_away(tmp_path: Path) -> None:
    """A budget for that tag is charged, whoever answered: nothing in a request leads out of one."""
    own = f"model={OPUS}"
    body = message(model=FALLS_BACK, fallbacks=[{"model": OPUS}], stream=False)
    async with (
        RawProvider(answered(FALLS_BACK)) as provider,
        Device(tmp_path, [budget("tagged", "5", tag=own)], base_url=provider.url) as device,
    ):
        device.open_session(tags=(own,))
        assert (await device.post(body)).status == 200
        await device.until_idle()
        [entry] = await device.ledger()
        assert entry["tags"] == [own]
        assert (await device.status("tagged"))["spent_nusd"] == entry["amount_nusd"] > 0
