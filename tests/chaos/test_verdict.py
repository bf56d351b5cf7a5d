"""The judge itself: silent over sound evidence, and loud over each kind of fault alone."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from agentspend.wire.entries import Entry, encode, entry_hash
from tests.chaos.ledgers import Kept, Ledger, Right
from tests.chaos.verdict import Evidence, Life, judge

PLACE = ("i_1", "org.month", 7)
CAP = {"pool": "org.month", "cap_nusd": 500, "spent_nusd": 100, "out_nusd": 200, "free_nusd": 200}


def chain(inc: str, *words: dict[str, Any]) -> list[bytes]:
    """A ledger's bodies, linked; the first is its genesis."""
    bodies, prev = [], ""
    for seq, fields in enumerate(({"kind": "genesis"}, *words), 1):
        entry = Entry(inc=inc, seq=seq, prev=prev, ts=seq, **fields)
        bodies.append(encode(entry))
        prev = entry_hash(bodies[-1])
    return bodies


def settle(rid: str, amount_nusd: int) -> dict[str, Any]:
    """A charge."""
    return {
        "kind": "settle", "rid": rid, "amount_nusd": amount_nusd, "evidence": "provider_usage",
        "subagent": f"d0.atlas.{rid}",
    }  # fmt: skip


def evidence() -> Evidence:
    """One device, one charge, reported, billed alike."""
    bodies = chain("i_own", settle("r_1", 100))
    told = chain("i_1", {"kind": "settle", "rid": "r_1", "amount_nusd": 100})
    settles = [entry for entry in map(msgspec.json.decode, bodies) if entry["kind"] == "settle"]
    rights = {PLACE: Right(300, 0, 100, closed=False)}
    ledger = Ledger(bodies, settles, {}, "i_1", "active", 2, {"i_1": told}, dict(rights))
    event = {"seq": 2, "rid": "r_1", "amount_nusd": 100, "evidence": "provider_usage"}
    return Evidence(
        lives=[Life("d0", ledger, (), ((event,),))],
        server=Kept({"i_1": list(told)}, dict(rights), {"i_1": "active"}),
        rows={"req_1": ("d0.atlas.r_1", 100)},
        complete={"d0.atlas.r_1": "req_1"},
        caps=[dict(CAP)],
        billed={"org.month": 100},
    )


def test_sound_evidence_is_sound() -> None:
    """Nothing is wrong, and everything was counted."""
    verdict = judge(evidence())
    assert verdict.wrong == []
    assert (verdict.billed, verdict.acked, verdict.at_server) == (1, 1, 1)


def test_a_hold_in_a_lost_ledger_covers_its_bill() -> None:
    """What was in flight when a home was restored; but no more than it held."""
    found = evidence()
    [life] = found.lives
    lost = replace(life.ledger, held={"d0.atlas.r_2": 50})
    lives = [replace(life, branches=(lost,), acked=((), *life.acked))]
    for billed, wrong in ((50, 0), (51, 1)):
        rows = {**found.rows, "req_2": ("d0.atlas.r_2", billed)}
        assert len(judge(replace(found, lives=lives, rows=rows)).wrong) == wrong


def _billed_more(found: Evidence) -> Evidence:
    return replace(found, rows={"req_1": ("d0.atlas.r_1", 101)})


def _uncharged(found: Evidence) -> Evidence:
    return replace(found, rows={**found.rows, "req_2": ("d0.atlas.r_2", 1)})


def _twice(found: Evidence) -> Evidence:
    return replace(found, rows={**found.rows, "req_2": ("d0.atlas.r_1", 100)})


def _not_reported(found: Evidence) -> Evidence:
    found.server.told["i_1"].pop()
    return found


def _unknown(found: Evidence) -> Evidence:
    found.server.told.clear()
    return found


def _rights_differ(found: Evidence) -> Evidence:
    found.server.rights[PLACE] = Right(200, 0, 100, closed=False)
    return found


def _announced_and_gone(found: Evidence) -> Evidence:
    [life] = found.lives
    event = {"seq": 3, "rid": "r_9", "amount_nusd": 1, "evidence": "estimate"}
    return replace(found, lives=[replace(life, acked=((event,),))])


def _answered_and_gone(found: Evidence) -> Evidence:
    return replace(found, complete={"d0.atlas.r_9": "req_9"})


def _chain_broken(found: Evidence) -> Evidence:
    found.lives[0].ledger.bodies.pop(0)
    return found


def _still_held(found: Evidence) -> Evidence:
    found.lives[0].ledger.held["r_2"] = 5
    return found


def _sums_differ(found: Evidence) -> Evidence:
    return replace(found, caps=[{**CAP, "free_nusd": 201}])


def _billed_beyond(found: Evidence) -> Evidence:
    return replace(found, billed={"org.month": 301})


def _report_lost_at_the_server(found: Evidence) -> Evidence:
    [life] = found.lives
    longer = replace(life.ledger, acked_seq=3)
    return replace(found, lives=[replace(life, branches=(longer,), acked=((), *life.acked))])


def test_a_server_that_was_put_back_owes_what_a_device_still_knows_it_had() -> None:
    """A home that was put back too may know of less than the one before it had reported."""
    found = _report_lost_at_the_server(evidence())
    found.server.put_back = True
    found.lives[0].ledger.left_behind = {"i_1": 2}
    assert judge(found).wrong == []
    found.lives[0].ledger.left_behind = {"i_1": 3}
    assert "is lost at the server" in str(judge(found).wrong)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_billed_more, "UNDERCHARGED"),
        (_uncharged, "UNCHARGED"),
        (_twice, "reached the provider 2 times"),
        (_not_reported, "UNREPORTED"),
        (_unknown, "does not know the ledger"),
        (_rights_differ, "here, (200, 0, 100, False) there"),
        (_announced_and_gone, "LOST"),
        (_answered_and_gone, "LOST"),
        (_chain_broken, "entry 1"),
        (_still_held, "still holds"),
        (_sums_differ, "not 500"),
        (_billed_beyond, "more than is spent and out"),
        (_report_lost_at_the_server, "is lost at the server"),
    ],
)
def test_each_fault_is_found(spoil: Any, said: str) -> None:
    """One thing is wrong, and it is named."""
    wrong = judge(spoil(evidence())).wrong
    assert any(said in text for text in wrong), wrong
