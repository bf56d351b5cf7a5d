"""`agentspend verify`: sound ledgers are said to be sound, and one changed byte is named."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command, settle, spend
from tests.support.process import Home


@pytest.fixture(scope="module")
def sealed(house: Home) -> Home:
    """A ledger of a few entries, signed when its daemon stopped."""
    assert house.run("budget", "set", "daily", "5", "--window", "day").returncode == 0
    spend(house, {}, {})
    assert house.run("verify").stdout.startswith("✓ 5 entries, unbroken; not signed yet")
    assert house.run("daemon", "stop").returncode == 0
    return house


@pytest.fixture
def copy(sealed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of a home of this test's own."""
    home = Home(tmp_path)
    shutil.copy(sealed.home / "ledger.db", home.home)
    settle(monkeypatch, home)
    return home.home / "ledger.db"


def change(path: Path, sql: str, *values: object) -> None:
    """Do to the ledger what somebody with an editor could."""
    conn = sqlite3.connect(path)
    for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    conn.execute(sql, values)
    conn.commit()
    conn.close()


def test_a_sound_ledger(agentspend: Command, copy: Path) -> None:
    """Every entry, the head, the sum and the signature over it, without a daemon."""
    ran = agentspend("verify")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("✓ 5 entries, unbroken; 1 signatures hold\n  head ")
    found = agentspend("verify", "--json").json()
    assert (found["ok"], found["entries"], found["checkpoints"]) == (True, 5, 1)
    assert found["billed_nusd"] == 2 * 506_000


def test_sums_that_are_not_those_of_the_entries(agentspend: Command, copy: Path) -> None:
    """Somebody who makes a report look smaller is found; the next start adds them up anew."""
    change(copy, "UPDATE spending SET amount_nusd = amount_nusd / 2")
    ran = agentspend("verify")
    assert ran.code == ExitCode.FAILED
    assert (
        ran.out == "✗ 5 entries, unbroken, but the sums that reports are made of are not theirs\n"
    )
    assert ran.err == "→ agentspend daemon restart    adds them up anew\n"
    found = agentspend("report", "--json").json()
    assert found["total"]["billed_nusd"] == 506_000
    assert agentspend("daemon", "start").code == 0
    assert agentspend("report", "--json").json()["total"]["billed_nusd"] == 2 * 506_000
    assert agentspend("verify").code == 0
    assert agentspend("daemon", "stop").code == 0


def test_a_changed_amount(agentspend: Command, copy: Path) -> None:
    """A charge made smaller in the file is found: exit code 1, and the entry is named."""
    change(copy, "UPDATE entry SET body = replace(CAST(body AS TEXT), '506000', '500000')"
                 " WHERE seq = 4")  # fmt: skip
    ran = agentspend("verify")
    assert ran.code == ExitCode.FAILED
    assert ran.out.startswith("✗ entry 4 is bad: ")
    assert "the 3 entries before it are sound" in ran.out
    assert "keep a copy of the ledger" in ran.err
    found = json.loads(agentspend("verify", "--json").out)
    assert (found["ok"], found["first_bad_seq"], found["entries"]) == (False, 4, 3)


@pytest.mark.parametrize(
    ("sql", "values", "seq"),
    [
        ("UPDATE entry SET hash = ? WHERE seq = 2", ["00" * 32], 2),
        ("UPDATE entry SET body = ? WHERE seq = 2", [b"\xff\xfe"], 2),
        ("UPDATE entry SET body = ? WHERE seq = 2", [b"[" * 100_000], 2),
        ("DELETE FROM entry WHERE seq = 3", [], 3),
        ("DELETE FROM entry WHERE seq = 5", [], 5),
        ("UPDATE checkpoint SET signature = ?", ["00" * 64], 5),
        ("UPDATE checkpoint SET head = ?", ["00" * 32], 5),
    ],
)
def test_what_else_can_be_done_to_it(
    agentspend: Command, copy: Path, sql: str, values: list[object], seq: int
) -> None:
    """A hash, a missing entry, a cut end, another signature: each is found at its place."""
    change(copy, sql, *values)
    found = json.loads(agentspend("verify", "--json").out)
    assert (found["ok"], found["first_bad_seq"]) == (False, seq)
    assert found["why"]


@pytest.mark.parametrize("body", [b"\xff\xfe", "{}"])
def test_a_running_daemon_tells_of_it_as_well(
    agentspend: Command, copy: Path, body: bytes | str
) -> None:
    """Bytes that are no text, or text where bytes belong, are named through a daemon too."""
    change(copy, "UPDATE entry SET body = ? WHERE seq = 4", body)
    assert agentspend("daemon", "start").code == 0
    ran = agentspend("verify")
    agentspend("daemon", "stop")
    assert ran.code == ExitCode.FAILED
    assert ran.out.startswith("✗ entry 4 is bad: ")
