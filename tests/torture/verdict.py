"""The judge: our ledger against the provider's own bill. Pure; says what is wrong, in words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentspend.sandbox.bill import BillRow

Entry = Mapping[str, Any]


@dataclass(slots=True)
class Account:
    """What one judgement counted."""

    billed: int = 0
    exact: int = 0
    estimated: int = 0
    crashed: int = 0
    crashed_unsent: int = 0
    acknowledged: int = 0
    completed: int = 0
    completed_crashed: int = 0


@dataclass(slots=True)
class Evidence:
    """Everything the judge looks at.

    `acked` are the settle events that were announced before a kill. `complete` maps the names of
    requests whose whole answer a client has read to the provider's request ids. `limits` maps a
    session to its hard budget.
    """

    rows: Iterable[BillRow]
    settles: Sequence[Entry]
    acked: Sequence[Entry] = ()
    complete: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    total_limit_nusd: int = 0


def judge(found: Evidence) -> tuple[list[str], Account]:
    """What is wrong (nothing: an empty list), and what was counted."""
    rows, told = list(found.rows), Account()
    wrong: list[str] = []
    by_name = {str(entry.get("subagent", "")): entry for entry in found.settles}
    for rid, times in Counter(entry["rid"] for entry in found.settles).items():
        if times > 1:
            wrong.append(f"{rid} was charged {times} times")
    if len(by_name) != len(found.settles):
        wrong.append(f"{len(found.settles)} charges for {len(by_name)} requests")
    billed_names = Counter(row.session for row in rows)
    wrong += [f"{name} reached the provider {n} times" for name, n in billed_names.items() if n > 1]
    for row in rows:
        wrong += _row_faults(row, by_name.get(row.session), told)
    unsent = by_name.keys() - billed_names.keys()
    for name in unsent:
        if by_name[name]["evidence"] == "provider_usage":
            wrong.append(f"{name} is charged by the provider's usage, but the bill has no such row")
        told.crashed_unsent += by_name[name]["evidence"] == "crash_upper_bound"
    told.acknowledged, told.completed = len(found.acked), len(found.complete)
    wrong += lost(found.settles, found.acked)
    charged = found.complete.keys() & by_name.keys()
    told.completed_crashed = sum(by_name[n]["evidence"] == "crash_upper_bound" for n in charged)
    wrong += _completed_faults(found, by_name)
    wrong += _limit_faults(found, rows)
    return wrong, told


def _row_faults(row: BillRow, entry: Entry | None, told: Account) -> list[str]:
    """A charge that is missing, or below its bill, or exact and still another sum."""
    told.billed += 1
    if entry is None:
        return [f"{row.session} ({row.request_id}) is billed {row.nusd_up} and not charged"]
    evidence, charged = entry["evidence"], entry["amount_nusd"]
    told.exact += evidence == "provider_usage"
    told.estimated += evidence == "estimate"
    told.crashed += evidence == "crash_upper_bound"
    where = f"{row.session} ({row.request_id}, {evidence})"
    if charged < row.nusd_up:
        return [f"{where} is billed {row.nusd_up} and charged {charged}"]
    if evidence == "provider_usage" and charged != row.nusd_up:
        return [f"{where} is billed {row.nusd_up} and charged {charged}, not to the nano-dollar"]
    if entry.get("request_id", row.request_id) != row.request_id:
        return [f"{where} is charged under {entry['request_id']}"]
    return []


def lost(settles: Iterable[Entry], acked: Iterable[Entry]) -> list[str]:
    """Announced settlements that do not stand in the ledger as they were announced."""
    by_seq = {entry["seq"]: entry for entry in settles}
    return [
        f"LOST: {event['rid']} was announced as entry {event['seq']}"
        for event in acked
        if (entry := by_seq.get(event["seq"])) is None
        or any(entry[name] != event[name] for name in ("rid", "amount_nusd", "evidence"))
    ]


def _completed_faults(found: Evidence, by_name: Mapping[str, Entry]) -> list[str]:
    """Answers that a client has read to the end: each is charged, under its own request id."""
    wrong = []
    for name, request_id in found.complete.items():
        entry = by_name.get(name)
        if entry is None:
            wrong.append(f"LOST: {name} was answered whole and is not charged")
        elif entry.get("request_id", request_id) != request_id:
            wrong.append(f"{name} was answered as {request_id}, charged as {entry['request_id']}")
    return wrong


def _limit_faults(found: Evidence, rows: list[BillRow]) -> list[str]:
    """The bill of each session, and of all, against the hard budgets."""
    billed: Counter[str] = Counter()
    for row in rows:
        billed[row.session.partition(".")[0]] += row.nusd_up
    wrong = [
        f"session {name} is billed {billed[name]}, its hard budget is {limit_nusd}"
        for name, limit_nusd in found.limits.items()
        if billed[name] > limit_nusd
    ]
    if found.total_limit_nusd and billed.total() > found.total_limit_nusd:
        wrong.append(f"billed {billed.total()} of a hard budget of {found.total_limit_nusd}")
    return wrong
