"""A disk that takes no more: closed for spending, open for telling (protocol study §4.5).

On Linux as root a real small disk is filled; everywhere else the database itself is given no more
pages, which fails in the same place.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from agentspend.bookkeeper import gate, snapshot
from agentspend.bookkeeper.outcomes import Held
from agentspend.core.errors import StoreError
from agentspend.core.limits import BALLAST_BYTES
from agentspend.store import entries
from agentspend.store.ledger_file import open_ledger
from agentspend.wire.chain import verify_chain
from tests.bookkeeper.conftest import budget
from tests.bookkeeper.kept import Kept

DISK_MIB = 24


class Disk:
    """A folder on a small disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(65_536)) == 65_536:
                pass
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x"):
                pass

    def clear(self) -> None:
        """Somebody made room."""
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small tmpfs; skipped where it cannot be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux to mount a small disk")
    options = f"size={DISK_MIB}m"
    command = ["mount", "-t", "tmpfs", "-o", options, "agentspend-test", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(autouse=True)
def patient_gate() -> Iterator[None]:
    """The gate is tried again at most once a second: here each look at the clock is a second."""
    seconds = iter(range(1, 1_000_000))
    with mock.patch.object(gate.time, "monotonic", side_effect=seconds):
        yield


async def _some_holds(kept: Kept) -> list[Held]:
    """A hundred requests in flight."""
    taken = [await kept.keeper.hold(kept.request("0.001", 10)) for _ in range(100)]
    return [held for held in taken if isinstance(held, Held)]


async def _holds_until_full(kept: Kept) -> tuple[list[Held], StoreError]:
    """Take holds until the disk takes none."""
    taken: list[Held] = []
    for _ in range(20_000):
        try:
            answer = await kept.keeper.hold(kept.request("0.001", 10))
        except StoreError as error:
            return taken, error
        assert isinstance(answer, Held)
        taken.append(answer)
    raise AssertionError("the disk never became full")


async def test_a_full_disk_refuses_holds_and_takes_the_settlements_in_flight(disk: Disk) -> None:
    """The ballast makes room for them; when there is space again the gate opens by itself."""
    async with Kept(disk.folder, budget("daily", "500")) as kept:
        assert (disk.folder / "ballast").stat().st_blocks * 512 >= BALLAST_BYTES
        early = await _some_holds(kept)
        disk.fill()
        taken, error = await _holds_until_full(kept)
        assert "full" in error.message
        assert not (disk.folder / "ballast").exists()

        with pytest.raises(StoreError, match="no request may leave") as again:
            await kept.keeper.hold(kept.request())
        assert str(disk.folder) in again.value.hint
        in_flight = [*early, *taken][:200]
        for held in in_flight:
            await kept.settle(held.rid, "0.0005")
        assert not (disk.folder / "emergency.jsonl").exists()
        spent, _ = await kept.account("daily")
        assert spent == 500_000 * len(in_flight)
        assert "full" in kept.keeper.gate_closed

        disk.clear()
        kept.keeper.look_at_gate()
        assert kept.keeper.gate_closed == ""
        assert isinstance(await kept.keeper.hold(kept.request()), Held)
        assert (disk.folder / "ballast").stat().st_size == BALLAST_BYTES
        assert await kept.keeper.ask(lambda b, _: verify_chain(entries.bodies(b.conn)).ok)


async def test_a_failed_try_for_ballast_takes_no_room_from_settlements(disk: Disk) -> None:
    """Asking for a hold again and again on a full disk leaves what the ballast freed."""
    async with Kept(disk.folder, budget("daily", "500")) as kept:
        disk.fill()
        await _holds_until_full(kept)
        free = os.statvfs(disk.folder).f_bavail
        for _ in range(20):
            with pytest.raises(StoreError):
                await kept.keeper.hold(kept.request())

        assert os.statvfs(disk.folder).f_bavail == free > 0


async def test_where_nothing_at_all_is_taken_the_hold_stays_and_is_charged(disk: Disk) -> None:
    """Not even the emergency file: the settle does not fail, recovery charges the bound."""
    async with Kept(disk.folder, budget("daily", "500")) as kept:
        taken = await _some_holds(kept)
        disk.fill()
        taken += (await _holds_until_full(kept))[0]
        disk.fill()
        for held in taken:
            await kept.settle(held.rid, "0.0005")
        spent, held_nusd = await kept.account("daily")
        assert held_nusd > 0

    disk.clear()
    async with Kept(disk.folder) as again:
        assert again.keeper.recovered * taken[0].amount_nusd == held_nusd
        assert await again.account("daily") == (spent + held_nusd, 0)
        assert isinstance(await again.keeper.hold(again.request()), Held)


async def test_starting_on_a_full_disk_settles_what_a_crash_left(disk: Disk) -> None:
    """The ballast again; status answers, holds wait for space."""
    async with Kept(disk.folder, budget("daily", "500")) as kept:
        held = await _some_holds(kept)
    disk.fill()

    async with Kept(disk.folder) as again:
        assert again.keeper.recovered == len(held)
        assert "full" in again.keeper.gate_closed
        with pytest.raises(StoreError, match="no request may leave"):
            await again.keeper.hold(again.request())
        (line,) = await again.keeper.ask(snapshot.budget_lines)
        assert line["held_nusd"] == 0
        assert line["spent_nusd"] == 100 * held[0].amount_nusd
        disk.clear()
        assert isinstance(await again.keeper.hold(again.request()), Held)


async def test_a_settlement_noted_meanwhile_is_settled_when_there_is_room(tmp_path: Path) -> None:
    """The database takes no page more: true costs go to the file, and into the ledger as soon as
    it can be written, so that nothing stays held."""
    connect, _ = open_ledger(tmp_path / "ledger.db")
    kept = Kept(tmp_path, budget("daily", "500"), connect=connect)
    async with kept:
        conn = await kept.keeper.ask(lambda books, _: books.conn)
        pages = conn.execute("PRAGMA page_count").fetchone()[0] + 3
        await kept.keeper.ask(lambda *_: conn.execute(f"PRAGMA max_page_count={pages}").fetchone())
        with mock.patch.object(gate.Gate, "lay_ballast", side_effect=OSError()):
            taken, error = await _holds_until_full(kept)
            assert "full" in error.message
            for held in taken:
                await kept.settle(held.rid, "0.0005")
        noted = (tmp_path / "emergency.jsonl").read_bytes().count(b"\n")
        assert 0 < noted <= len(taken)

        await kept.keeper.ask(lambda *_: conn.execute("PRAGMA max_page_count=100000").fetchone())
        last = await kept.keeper.hold(kept.request("0.001", 10))
        assert isinstance(last, Held)
        await kept.rest()

        assert await kept.account("daily") == (500_000 * len(taken), last.amount_nusd)
        assert await kept.keeper.ask(lambda b, _: verify_chain(entries.bodies(b.conn)).ok)
