"""What can be looked at while no daemon runs: the ledger's own file, unchanged by the look."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

from agentspend.cli import access, offline
from agentspend.cli.diagnostics import ExitCode
from agentspend.config.paths import Paths
from agentspend.core.errors import DaemonSilent, DaemonUnreachable, StoreError
from agentspend.daemon.lifecycle import take_lock
from tests.cli.conftest import Command, settle, spend
from tests.support.process import Home, SandboxProcess


@pytest.fixture(scope="module")
def left(house: Home) -> Home:
    """A home with a spent ledger and an open session, whose daemon was killed."""
    done = house.run("budget", "set", "daily", "5.00", "--window", "day")
    assert done.returncode == 0, done.stderr
    spend(house)
    house.kill()
    return house


@pytest.fixture
def dead(left: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """That home, as this process's own."""
    settle(monkeypatch, left)
    return left


def content(home: Home) -> str:
    """A fingerprint of what the ledger's tables say."""
    import sqlite3

    conn = sqlite3.connect(home.home / "ledger.db")
    dump = "\n".join(conn.iterdump())
    conn.close()
    return hashlib.sha256(dump.encode()).hexdigest()


def test_status_shows_the_ledger_and_says_that_nothing_is_enforced(
    dead: Home, agentspend: Command, provider: SandboxProcess
) -> None:
    """The budgets are there with what is spent, and the first line is the one that matters."""
    before = content(dead)
    ran = agentspend("status")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("○ no daemon runs, so nothing is enforced")
    assert "agentspend daemon start" in ran.out.splitlines()[1]
    found = agentspend("status", "--json").json()
    assert found["running"] is False
    assert found["budgets"][0]["spent_nusd"] == found["today_nusd"] == provider.bill()["nusd"]
    assert found["sessions"] == []
    assert content(dead) == before
    assert dead.pid() == 0


def test_what_the_file_would_loosen_waits_offline_as_well(dead: Home, agentspend: Command) -> None:
    """An edited file is read as the next start would: what loosens waits, what tightens holds."""
    text = dead.config.read_text()
    dead.config.write_text(text.replace('"5.00"', '"50.00"'))
    found = agentspend("status", "--json").json()
    assert found["budgets"][0]["limit_nusd"] == 5 * 10**9
    assert found["waits"][0]["what"] == "budget daily limit rises from $5.00 to $50.00"
    dead.config.write_text(text.replace('"5.00"', '"4.00"'))
    assert agentspend("status", "--json").json()["budgets"][0]["limit_nusd"] == 4 * 10**9
    dead.config.write_text(text)


def test_a_broken_file_hides_no_budget(dead: Home, agentspend: Command) -> None:
    """With a configuration that cannot be read, the last adopted budgets are shown, and why."""
    text = dead.config.read_text()
    dead.config.write_text(text + "\n[deamon]\n")
    ran = agentspend("status")
    dead.config.write_text(text)
    assert ran.code == 0
    assert "! the configuration was not taken over: " in ran.out
    assert "deamon is not a setting" in ran.out
    assert "daily" in ran.out


def test_log_and_why_and_verify_read_the_file(dead: Home, agentspend: Command) -> None:
    """What happened can be read, told and checked without a daemon."""
    charges = [line for line in agentspend("log").out.splitlines() if " settle " in line]
    assert len(charges) == 1
    rid = charges[0].split()[-1]
    assert agentspend("log", "-n", "1", "--agent", "python").out.count("\n") == 1
    assert agentspend("log", "-n", "0").out.count("\n") > 1
    assert "settled" in agentspend("why", rid).out
    assert agentspend("verify").out.startswith("✓ ")
    assert "daily" in agentspend("budget", "list").out
    assert dead.pid() == 0


def test_following_needs_a_daemon(dead: Home, agentspend: Command) -> None:
    """`log -f` shows what is there, then says that nothing more will come, and how it would."""
    ran = agentspend("log", "-f")
    assert ran.code == ExitCode.DAEMON_UNREACHABLE
    assert " settle " in ran.out
    assert ran.err.endswith("→ agentspend daemon start\n")


def test_a_fresh_machine(fresh: Home, agentspend: Command) -> None:
    """Without a ledger the budgets of the file are shown, and nothing is made on disk."""
    assert "metering only" in agentspend("status").out
    fresh.config.write_text('[[budgets]]\nname = "a"\nlimit = "5"\nwindow = "day"\n')
    ran = agentspend("status")
    assert ran.code == 0
    assert " a " in ran.out
    assert agentspend("log") == type(ran)(0, "", "no entry yet\n")
    for words in (["why", "r_1"], ["verify"]):
        ran = agentspend(*words)
        assert ran.code == ExitCode.FAILED
        assert ran.err.startswith("agentspend: there is no ledger yet")
    assert list(fresh.home.iterdir()) == [fresh.config]


def nobody(_: str, **__: object) -> dict[str, object]:
    """A socket at which nothing answers."""
    raise DaemonUnreachable("the daemon is not running")


def test_a_daemon_that_holds_the_ledger_and_is_silent(
    dead: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is not read beside a daemon: after a while it is said that one hangs."""
    monkeypatch.setattr(offline, "LOCK_WITHIN_S", 0.0)
    handle = take_lock(Paths.find().lock)
    with (
        pytest.raises(DaemonUnreachable, match="does not answer"),
        offline.reader(Paths.find(), nobody),
    ):
        pass
    offline.os.close(handle)


def test_a_daemon_that_does_not_answer_is_asked_once(dead: Home) -> None:
    """Each question to it lasts half a minute: the first one's error is the command's."""
    asked: list[str] = []

    def silent(op: str, **_: object) -> dict[str, object]:
        asked.append(op)
        raise DaemonSilent("the daemon did not answer")

    with pytest.raises(DaemonSilent), offline.reader(Paths.find(), silent):
        pass
    assert asked == ["ping"]


def test_a_daemon_that_is_just_starting(dead: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is taken by a daemon about to answer leads to the daemon, not to an error."""
    answers = iter([False, False, True])

    def waking(op: str, **_: object) -> dict[str, object]:
        if not next(answers):
            raise DaemonUnreachable("not yet")
        return {"op": op}

    monkeypatch.setattr(offline, "TRY_AGAIN_S", 0.0)
    handle = take_lock(Paths.find().lock)
    with offline.reader(Paths.find(), waking) as (ask, running):
        assert (ask, running) == (waking, True)
    offline.os.close(handle)


def test_looks_wait_for_each_other(dead: Home) -> None:
    """The lock is given back after a look, also after one that failed."""
    paths = Paths.find()
    for _ in range(2):
        with offline.reader(paths, nobody) as (ask, running):
            assert running is False
            assert ask("entries", after=0, count=1)["entries"]
        with pytest.raises(StoreError), offline.reader(paths, nobody) as (ask, _):
            raise sqlite3.OperationalError("disk I/O error")


def test_a_damaged_ledger(dead: Home, tmp_path: Path, agentspend: Command) -> None:
    """A file that is no database is refused with what to do, not with a traceback."""
    path = dead.home / "ledger.db"
    kept = path.read_bytes()
    path.write_bytes(b"not a database" * 1_000)
    try:
        ran = agentspend("status")
        assert ran.code == ExitCode.FAILED
        assert "ledger.db" in ran.err
        assert "→ " in ran.err
    finally:
        path.write_bytes(kept)


def test_access_reads_from_whoever_answers(dead: Home) -> None:
    """The commands get the file's answers through `access.reading`."""
    with access.reading() as (ask, running):
        assert running is False
        assert ask("checkpoints") == {"checkpoints": []}
