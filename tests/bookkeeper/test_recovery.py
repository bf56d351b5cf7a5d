"""After a crash: every open hold becomes a charge, before new work is taken."""

import sqlite3
from pathlib import Path

import msgspec

from agentspend.bookkeeper.outcomes import Settlement
from agentspend.bookkeeper.recovery import note_emergency, read_emergency
from agentspend.core.money import parse_usd
from agentspend.core.usage import Billing
from agentspend.store import entries
from agentspend.wire.chain import verify_chain
from agentspend.wire.entries import Entry, decode
from tests.bookkeeper.conftest import budget
from tests.bookkeeper.kept import Kept, settlement

USD = 10**9


async def _crash(folder: Path, *usd: str) -> list[str]:
    """A bookkeeper that ends with holds open, as after kill -9."""
    async with Kept(folder, budget("daily", "50"), budget("each", "9", "session")) as kept:
        held = [await kept.keeper.hold(kept.request(each)) for each in usd]
        return [each.rid for each in held]  # type: ignore[union-attr]


async def _settled(kept: Kept) -> dict[str, Entry]:
    bodies = await kept.keeper.ask(lambda books, _: list(entries.bodies(books.conn)))
    assert verify_chain(iter(bodies)).ok
    found = [decode(body) for body in bodies]
    return {str(entry.rid): entry for entry in found if entry.kind == "settle"}


async def test_open_holds_are_charged_in_full_and_marked(tmp_path: Path) -> None:
    """The most it can have cost, and evidence that says so, so that it can be lowered."""
    first, second = await _crash(tmp_path, "0.10", "0.20")

    async with Kept(tmp_path) as again:
        settled = await _settled(again)
        assert again.keeper.recovered == 2
        assert settled[first].amount_nusd == 900_000_000
        assert settled[second].amount_nusd == USD
        assert {entry.evidence for entry in settled.values()} == {"crash_upper_bound"}
        assert {entry.billing for entry in settled.values()} == {"ceiling"}
        assert await again.account("daily") == (1_900_000_000, 0)
        assert await again.account("each") == (1_900_000_000, 0)

    async with Kept(tmp_path) as third:
        assert third.keeper.recovered == 0
        assert await third.account("daily") == (1_900_000_000, 0)


async def test_a_shrunk_hold_is_charged_as_it_was_left(tmp_path: Path) -> None:
    """The shrink was committed, so the crash charges no more than that."""
    async with Kept(tmp_path, budget("daily", "5")) as kept:
        held = await kept.keeper.hold(kept.request())
        kept.keeper.shrink_soon(held.rid, 150_000_000)  # type: ignore[union-attr]
        await kept.rest()

    async with Kept(tmp_path) as again:
        assert await again.account("daily") == (150_000_000, 0)


async def test_the_emergency_file_knows_better_than_the_bound(tmp_path: Path) -> None:
    """A settlement the disk would not take is used word for word; a torn last line is not there."""
    noted, torn, unknown = await _crash(tmp_path, "0.10", "0.10", "0.10")
    file = tmp_path / "emergency.jsonl"
    exact = Settlement(
        noted, parse_usd("0.11"), Billing.EXACT, "provider_usage",
        {"usage": {"output_tokens": 7}, "response_id": "msg_1"},
    )  # fmt: skip
    note_emergency(file, exact)
    note_emergency(file, settlement("r_of_nobody", "3"))
    note_emergency(file, settlement(torn, "0.12"))
    file.write_bytes(file.read_bytes()[:-20])

    async with Kept(tmp_path) as again:
        settled = await _settled(again)
        assert settled[noted].amount_nusd == 110_000_000
        assert (settled[noted].billing, settled[noted].evidence) == ("exact", "provider_usage")
        assert settled[noted].response_id == "msg_1"
        assert settled[torn].evidence == settled[unknown].evidence == "crash_upper_bound"
        assert "r_of_nobody" not in settled
        assert await again.account("daily") == (1_910_000_000, 0)
        assert not file.exists()


async def test_a_crash_during_recovery_repeats_it(tmp_path: Path) -> None:
    """Its one commit failed: nothing is half settled, and the emergency file is still there."""
    (rid,) = await _crash(tmp_path, "0.10")
    note_emergency(tmp_path / "emergency.jsonl", settlement(rid))
    failing = Kept(
        tmp_path,
        trouble=lambda sql: sqlite3.OperationalError("disk I/O error") if sql == "COMMIT" else None,
    )
    try:
        await failing.keeper.start()
    except Exception as error:
        assert "cannot be written" in str(error)  # noqa: PT017 - any error class may say it
    else:
        raise AssertionError("it started on a disk that takes nothing")

    async with Kept(tmp_path) as again:
        assert again.keeper.recovered == 1
        assert await again.account("daily") == (110_000_000, 0)


def test_the_emergency_file_is_private_and_grows_by_whole_lines(tmp_path: Path) -> None:
    """0600, one JSON object a line, foreign lines are left out."""
    file = tmp_path / "emergency.jsonl"
    note_emergency(file, settlement("r_1", "0.5"))
    note_emergency(file, settlement("r_2", "0.25"))
    with file.open("ab") as more:
        more.write(b'\xff\xfe\n[]\n"x"\n{"no":"rid"}\n')

    assert file.stat().st_mode & 0o777 == 0o600
    assert [msgspec.json.decode(line)["rid"] for line in file.read_bytes().splitlines()[:2]] == [
        "r_1",
        "r_2",
    ]
    assert sorted(read_emergency(file)) == ["r_1", "r_2"]
    assert read_emergency(tmp_path / "none") == {}


def test_a_line_that_the_disk_took_half_of_takes_no_other_with_it(tmp_path: Path) -> None:
    """The next settlement stands on a line of its own."""
    file = tmp_path / "emergency.jsonl"
    note_emergency(file, settlement("r_1", "0.5"))
    note_emergency(file, settlement("r_2", "0.25"))
    file.write_bytes(file.read_bytes()[:-20])
    note_emergency(file, settlement("r_3", "0.25"))
    assert sorted(read_emergency(file)) == ["r_1", "r_3"]
