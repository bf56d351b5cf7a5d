"""What may have been spent: the cap, or what was committed when it was last lowered."""

from pathlib import Path

import msgspec

from tests.chaos.money import Allowed, Bill, Cashier, PoolOf
from tests.chaos.server import TeamServer

ORG = PoolOf("org", lambda _device, _project: True)
ATLAS = PoolOf("atlas", lambda _device, project: project == "atlas")


def row(number: int, name: str, nusd: int, event: str = "end") -> bytes:
    """A line of the provider's file."""
    said = {"event": event, "request_id": f"req_{number}", "session": name, "nusd_up": nusd}
    return msgspec.json.encode(said) + b"\n"


def test_a_lowered_cap_allows_what_was_committed() -> None:
    """A raise allows at once; lowering allows no more than before."""
    allowed = Allowed()
    allowed.will_raise("org", 100)
    allowed.has_lowered("org", 50, 70)
    assert allowed.most["org"] == 70
    allowed.has_lowered("org", 40, 30)
    assert allowed.most["org"] == 40
    allowed.will_raise("org", 60)
    assert (allowed.most["org"], allowed.lowered, allowed.below_committed) == (60, 2, 1)


def test_the_bill_is_read_as_it_grows(tmp_path: Path) -> None:
    """An open row counts what it says until its end replaces it; half a line waits."""
    path = tmp_path / "bill.jsonl"
    path.write_bytes(row(1, "d0.atlas.1.ab", 10, "open") + row(2, "d1.zephyr.1.cd", 5)[:9])
    bill = Bill(path)
    bill.read()
    assert (bill.billed_nusd(ORG), bill.billed_nusd(ATLAS)) == (10, 10)
    path.write_bytes(row(1, "d0.atlas.1.ab", 10, "open") + row(2, "d1.zephyr.1.cd", 5)
                     + row(1, "d0.atlas.1.ab", 30))  # fmt: skip
    bill.read()
    assert (bill.billed_nusd(ORG), bill.billed_nusd(ATLAS)) == (35, 30)


def test_a_cap_that_is_passed_is_seen(tmp_path: Path) -> None:
    """To the nano-dollar."""
    path = tmp_path / "bill.jsonl"
    path.write_bytes(row(1, "d0.atlas.1.ab", 10))
    cashier = Cashier(TeamServer.__new__(TeamServer), path, {"org": ORG})
    cashier.allowed.will_raise("org", 10)
    assert cashier.look() == []
    with path.open("ab") as file:
        file.write(row(2, "d0.atlas.2.ab", 1))
    assert "CAP PASSED" in cashier.look()[0]
