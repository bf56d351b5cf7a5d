"""The judge itself: each thing that must never happen is planted, and found."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from agentspend.sandbox.bill import BillRow
from agentspend.sandbox.prices import Usage
from tests.torture.verdict import Evidence, judge, lost

USAGE = Usage(input_tokens=10)


def row(name: str, nusd: int, request_id: str = "") -> BillRow:
    """One row of the provider's bill."""
    usd = Fraction(nusd, 10**9)
    return BillRow(1, request_id or f"req_{name}", "m", USAGE, usd, 0.0, "ok", name)


def entry(name: str, nusd: int, evidence: str = "provider_usage", seq: int = 7) -> dict[str, Any]:
    """One settle entry."""
    return {"seq": seq, "rid": f"r_{name}", "subagent": name, "amount_nusd": nusd,
            "evidence": evidence, "request_id": f"req_{name}"}  # fmt: skip


def sound() -> Evidence:
    """A run without a fault: one exact charge, one in full, one of a request nobody billed."""
    unsent = entry("s.3", 90, "crash_upper_bound", 9)
    del unsent["request_id"]
    return Evidence(
        rows=[row("s.1", 100), row("s.2", 50)],
        settles=[entry("s.1", 100), entry("s.2", 80, "crash_upper_bound", 8), unsent],
        acked=[entry("s.1", 100)],
        complete={"s.1": "req_s.1"},
        limits={"s": 150},
        total_limit_nusd=150,
    )


def test_a_sound_run_is_found_sound() -> None:
    """What is right is counted and not complained of."""
    wrong, told = judge(sound())

    assert wrong == []
    assert (told.billed, told.exact, told.crashed, told.crashed_unsent) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"settles": [entry("s.2", 80, "crash_upper_bound", 8)]}, "not charged"),
        ({"settles": [entry("s.1", 100), entry("s.2", 49, "crash_upper_bound", 8)]},
         "charged 49"),
        ({"settles": [entry("s.1", 101), entry("s.2", 80, "estimate", 8)]}, "nano-dollar"),
        ({"settles": [entry("s.1", 100), entry("s.1", 100, seq=8), entry("s.2", 80, "e", 9)]},
         "charged 2 times"),
        ({"settles": [*sound().settles, entry("s.4", 5, seq=10)]}, "no such row"),
        ({"rows": [row("s.1", 100), row("s.1", 100, "req_other"), row("s.2", 50)]},
         "reached the provider 2 times"),
        ({"rows": [row("s.1", 100, "req_other"), row("s.2", 50)]}, "is charged under"),
        ({"complete": {"s.9": "req_s.9"}}, "LOST: s.9"),
        ({"complete": {"s.1": "req_other"}}, "charged as req_s.1"),
        ({"limits": {"s": 149}}, "its hard budget is 149"),
        ({"total_limit_nusd": 149}, "of a hard budget of 149"),
    ],
)  # fmt: skip
def test_each_fault_is_found(change: dict[str, Any], word: str) -> None:
    """One planted fault at a time is named."""
    wrong, _ = judge(replace(sound(), **change))

    assert any(word in fault for fault in wrong), wrong


@pytest.mark.parametrize(
    "settles", [[], [entry("s.1", 99)], [entry("s.2", 100)], [entry("s.1", 100, "estimate")]]
)
def test_an_announced_settlement_must_stand_as_it_was_announced(
    settles: list[dict[str, Any]],
) -> None:
    """Gone, another sum, another request, other evidence: each is a loss."""
    assert lost(settles, [entry("s.1", 100)]) == ["LOST: r_s.1 was announced as entry 7"]
