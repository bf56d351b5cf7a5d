"""The judge: the provider's bill, every device's file and the server's database, side by side.

Pure. A ledger that a restore has put out of the world is judged with the rest: what it charged was
charged, and what it had told the server stands there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agentspend.wire.chain import verify_chain
from tests.chaos.ledgers import Kept, Ledger, Right
from tests.torture.verdict import lost

NOTHING = Right(0, 0, 0, closed=False)


@dataclass(frozen=True, slots=True)
class Life:
    """One device's ledger now, those that restores replaced, in order, what it announced while it
    wrote each of them, and the chains it was copied with."""

    name: str
    ledger: Ledger
    branches: Sequence[Ledger] = ()
    acked: Sequence[Sequence[Mapping[str, Any]]] = ((),)
    doubted: frozenset[str] | set[str] = frozenset()

    @property
    def files(self) -> list[Ledger]:
        """Every ledger this device ever wrote."""
        return [*self.branches, self.ledger]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the judge looks at. `rows` are (request's name, nano-USD) of the bill, `complete`
    the requests whose whole answer somebody read, `caps` the server's own list, `billed` the bill
    by pool."""

    lives: Sequence[Life]
    server: Kept
    rows: Mapping[str, tuple[str, int]]
    complete: Mapping[str, str] = field(default_factory=dict)
    caps: Sequence[Mapping[str, Any]] = ()
    billed: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words, and what was counted."""

    wrong: list[str] = field(default_factory=list)
    billed: int = 0
    billed_nusd: int = 0
    charged_nusd: int = 0
    evidence: Counter[str] = field(default_factory=Counter)
    acked: int = 0
    at_server: int = 0
    ledgers: int = 0


def judge(found: Evidence) -> Verdict:
    """Look at everything."""
    verdict = Verdict(ledgers=len(found.server.told))
    for life in found.lives:
        verdict.wrong += _file_faults(life)
        verdict.wrong += _told_faults(life, found.server)
        verdict.wrong += _rights_faults(life, found.server)
    _charges(found, verdict)
    _announced(found, verdict)
    for line in found.caps:
        verdict.wrong += _cap_faults(line, found.billed.get(line["pool"], 0))
    return verdict


def _file_faults(life: Life) -> list[str]:
    """Chains that do not link, requests charged twice, holds that are still open."""
    wrong = []
    for number, ledger in enumerate(life.files):
        where = f"{life.name}, file {number}"
        chains = [("", ledger.bodies), *ledger.told.items()]
        for inc, bodies in chains:
            verdict = verify_chain(bodies, inc=inc) if inc else verify_chain(bodies)
            if not verdict.ok:
                wrong.append(f"{where} {inc}: entry {verdict.first_bad_seq}: {verdict.why}")
        twice = Counter(entry["rid"] for entry in ledger.settles)
        wrong += [f"{where}: {rid} was charged {n} times" for rid, n in twice.items() if n > 1]
    if life.ledger.held:
        wrong.append(f"{life.name} still holds {life.ledger.held}")
    return wrong


def _told_faults(life: Life, server: Kept) -> list[str]:
    """What a device told the server stands there, and nothing else does under its name."""
    wrong = []
    for inc, ours in life.ledger.told.items():
        theirs = server.told.get(inc)
        if theirs is None:
            wrong.append(f"{life.name}: the server does not know the ledger {inc}")
        elif inc not in life.doubted and ours != theirs:
            same = _parting(ours, theirs)
            wrong.append(
                f"{life.name}: {inc} has {len(ours)} entries here and {len(theirs)} at the server,"
                f" the same up to {same}"
            )
    for number, branch in enumerate(life.branches):
        theirs, ours = server.told.get(branch.inc, []), branch.told.get(branch.inc, [])
        had = branch.acked_seq
        if server.put_back:
            had = min(had, life.ledger.left_behind.get(branch.inc, 0))
        if had > len(theirs) or ours[: len(theirs)] != theirs[: len(ours)]:
            wrong.append(f"{life.name}: what file {number} had reported is lost at the server")
    return wrong


def _parting(ours: Sequence[bytes], theirs: Sequence[bytes]) -> int:
    same = (number for number, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
    return next(same, min(len(ours), len(theirs)))


def _rights_faults(life: Life, server: Kept) -> list[str]:
    """Both sides have the same three numbers of every account that is in use."""
    wrong = []
    for place, ours in life.ledger.rights.items():
        if place[0] in life.doubted:
            continue
        theirs = server.rights.get(place, NOTHING)
        if ours.closed:
            ours = ours._replace(granted_nusd=theirs.granted_nusd)
        if ours != theirs:
            wrong.append(f"{life.name}: {place} is {tuple(ours)} here, {tuple(theirs)} there")
    return wrong


def _charges(found: Evidence, verdict: Verdict) -> None:
    """Every billed request is charged, with at least what it is billed.

    What was in flight when a ledger was put out of the world has its hold there, and that lies
    within what the server counts as committed for good.
    """
    charged: dict[str, Mapping[str, Any]] = {}
    for life in found.lives:
        for branch in life.branches:
            for name, nusd in branch.held.items():
                charged[name] = {"amount_nusd": nusd, "evidence": "hold_of_a_lost_ledger"}
        for ledger in life.files:
            for entry in ledger.settles:
                name = str(entry.get("subagent", ""))
                before = charged.get(name)
                if before is None or before["amount_nusd"] < entry["amount_nusd"]:
                    charged[name] = entry
    verdict.charged_nusd = sum(entry["amount_nusd"] for entry in charged.values())
    times = Counter(name for name, _ in found.rows.values())
    verdict.wrong += [
        f"{name} reached the provider {n} times" for name, n in times.items() if n > 1
    ]
    for name, billed_nusd in found.rows.values():
        verdict.billed += 1
        verdict.billed_nusd += billed_nusd
        entry = charged.get(name)
        if entry is None:
            verdict.wrong.append(f"UNCHARGED: {name} is billed {billed_nusd}")
            continue
        verdict.evidence[entry["evidence"]] += 1
        if entry["amount_nusd"] < billed_nusd:
            verdict.wrong.append(
                f"UNDERCHARGED: {name} is billed {billed_nusd}, charged {entry['amount_nusd']}"
            )
    verdict.wrong += [
        f"LOST: {name} was answered whole and is not charged"
        for name in found.complete
        if name not in charged
    ]


def _announced(found: Evidence, verdict: Verdict) -> None:
    """Every settlement that was announced stands in its file, and at the server by now."""
    there = {
        entry["rid"]
        for bodies in found.server.told.values()
        for entry in map(msgspec.json.decode, bodies)
        if entry["kind"] == "settle"
    }
    verdict.at_server = len(there)
    for life in found.lives:
        for ledger, acked in zip(life.files, life.acked, strict=True):
            verdict.acked += len(acked)
            verdict.wrong += [f"{life.name}: {text}" for text in lost(ledger.settles, acked)]
        unheard = [event["rid"] for event in life.acked[-1] if event["rid"] not in there]
        if unheard:
            verdict.wrong.append(
                f"UNREPORTED: {len(unheard)} settlements of {life.name} are not at the server:"
                f" {', '.join(unheard[:3])}"
            )


def _cap_faults(line: Mapping[str, Any], billed_nusd: int) -> list[str]:
    """Spent, out and free are the cap; what was billed is spent or out."""
    total_nusd = line["spent_nusd"] + line["out_nusd"] + line["free_nusd"]
    wrong = []
    if total_nusd != line["cap_nusd"]:
        wrong.append(
            f"{line['pool']}: spent, out and free are {total_nusd}, not {line['cap_nusd']}"
        )
    if billed_nusd > line["spent_nusd"] + line["out_nusd"]:
        wrong.append(f"{line['pool']}: {billed_nusd} is billed, more than is spent and out: {line}")
    return wrong
