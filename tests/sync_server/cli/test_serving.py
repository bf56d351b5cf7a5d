"""The real server as a process: it serves, ends when told, is backed up and restored."""

import re
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from sync_server.folder import Settings
from sync_server.founding import create
from tests.sync_server.cli.command import PROGRAM, run
from tests.sync_server.office import NOON_US


def serve(folder: Path) -> "subprocess.Popen[str]":
    """Start it, and wait until it says that it serves."""
    process = subprocess.Popen(
        [*PROGRAM, "serve"], cwd=folder, stderr=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.readline()
    assert re.search(r"serves Acme at https://localhost:4747 \(port \d+\)", said), said
    return process


def test_a_clock_in_doubt_is_told_and_confirmed(tmp_path: Path) -> None:
    """Whoever serves is told at once, and where to look; the date of today ends it."""
    settings = Settings("Acme", "https://localhost:4747", "127.0.0.1", 0, "")
    folder = create(tmp_path / "server", settings, "UTC", NOON_US)[0].path
    process = subprocess.Popen(
        [*PROGRAM, "serve"], cwd=folder, stderr=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        assert "clock is in doubt, and no cap begins anew" in said[0]
        assert "agentspend-server org show" in said[1]
        shown = run(folder, "org", "show")
        assert "last known to be right at" in shown.err
        wrong = run(folder, "org", "confirm-clock", "2020-02-29")
        assert (wrong.code, "not 2020-02-29" in wrong.err) == (1, True)
        assert run(folder, "org", "confirm-clock", "yesterday").code != 0
        today = re.search(r"clock says (\d{4}-\d\d-\d\d)", shown.err)
        assert today is not None, shown.err
        done = run(folder, "org", "confirm-clock", today[1])
        assert done.code == 0, done.err
        assert "last known" not in run(folder, "org", "show").err
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_it_serves_and_ends(initialised: Path, name: str) -> None:
    """Killed or stopped, everything that was answered is there again."""
    process = serve(initialised)
    try:
        assert run(initialised, "team", "create", "Backend").code == 0
        assert "another server" in run(initialised, "serve").err
    finally:
        process.send_signal(signal.Signals[name])
        code = process.wait(20)
    assert code == (0 if name == "SIGTERM" else -signal.SIGKILL)
    assert "backend" in run(initialised, "team", "list").out
    assert run(initialised, "verify").code == 0


def test_a_restore_forgets_nothing_that_was_decided(initialised: Path, tmp_path: Path) -> None:
    """Caps, freezes and members since the backup are in force again, and the acts are known."""
    copy = tmp_path / "copy.db"
    run(initialised, "org", "set-cap", "100", "--window", "month")
    process = serve(initialised)
    try:
        assert run(initialised, "backup", str(copy)).code == 0
        assert copy.stat().st_mode & 0o777 == 0o600
        run(initialised, "org", "set-cap", "30", "--window", "month")
        run(initialised, "freeze")
        refused = run(initialised, "restore", str(copy))
        assert (refused.code, "another server" in refused.err) == (1, True)
    finally:
        process.terminate()
        process.wait(20)
    acts = run(initialised, "audit").out.splitlines()
    assert run(initialised, "restore", str(copy)).code == 0
    shown = run(initialised, "org", "show", "--json").out
    assert '"cap_nusd":30000000000' in shown
    assert '"frozen":true' in shown
    assert run(initialised, "verify").code == 0
    after = run(initialised, "audit").out.splitlines()
    assert [line.split() for line in after[:-1]] == [line.split() for line in acts]
    assert run(initialised, "restore", "none.db").code == 2
    (tmp_path / "text").write_text("no database")
    assert "no copy" in run(initialised, "restore", str(tmp_path / "text")).err


def test_a_restore_of_the_wrong_copy_can_be_taken_back(initialised: Path, tmp_path: Path) -> None:
    """What was there before is put aside each time, and is itself a copy to restore from: a copy
    with its log, where the server was killed, is copied with it."""
    copy, before = tmp_path / "copy.db", "before-restore-1-server.db"
    assert run(initialised, "backup", str(copy)).code == 0
    conn = sqlite3.connect(initialised / "server.db")
    conn.execute("CREATE TABLE kept (word TEXT)")
    conn.commit()
    assert (initialised / "server.db-wal").stat().st_size > 0
    conn.execute("BEGIN")
    shutil.copy(initialised / "server.db-wal", tmp_path / "wal")
    main = (initialised / "server.db").read_bytes()
    conn.close()
    (initialised / "server.db").write_bytes(main)
    shutil.copy(tmp_path / "wal", initialised / "server.db-wal")

    wrong = run(initialised, "restore", str(copy))
    assert (wrong.code, before in wrong.err) == (0, True)
    assert run(initialised, "restore", before).code == 0

    with sqlite3.connect(initialised / "server.db") as again:
        assert again.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert (initialised / before).exists()
    assert (initialised / "before-restore-2-server.db").exists()


def test_export_and_report_of_an_empty_server(initialised: Path) -> None:
    """Nothing is data, not an error."""
    assert run(initialised, "export").out == ""
    assert run(initialised, "report", "--since", "7d").code == 0
    assert run(initialised, "export", "--member", "anna").code == 1


def test_plain_http_is_for_this_machine(tmp_path: Path) -> None:
    """`--clear` listens on loopback and nowhere else."""
    far = run(tmp_path, "init", "--org", "Acme", "--clear", "--host", "spend.acme.example")
    assert (far.code, "in the clear" in far.err) == (1, True)
    assert run(tmp_path, "init", "near", "--org", "Acme", "--clear").code == 0
    assert 'listen = "127.0.0.1"' in (tmp_path / "near" / "server.toml").read_text()
