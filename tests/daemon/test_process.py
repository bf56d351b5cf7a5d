"""The daemon as a process: it starts by itself, is alone with its ledger, and says where it is."""

import concurrent.futures
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.helpers import alive, ask, budget, mode, paths, session, set_port, until
from tests.support.process import Home

STATUS = {"v": int, "running": bool, "pid": int, "port": int, "socket": str, "version": str}
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


def test_run_starts_the_daemon_by_itself(home: Home) -> None:
    """`agentspend run` needs no daemon beforehand; the one it started stays."""
    done = home.run("run", "--", "true")

    assert done.returncode == 0, done.stderr
    assert alive(home.pid())


def test_start_status_stop_and_logs(home: Home) -> None:
    """The four commands say what they did, and do it."""
    started = home.run("daemon", "start")
    shown = home.run("daemon", "status")
    pid = home.pid()
    logs = home.run("daemon", "logs")
    stopped = home.run("daemon", "stop")

    assert f"daemon started: pid {pid}, port" in started.stderr + started.stdout
    assert f"pid {pid}" in shown.stdout
    assert "ready" in logs.stdout
    assert "daemon stopped" in stopped.stderr + stopped.stdout
    until(lambda: not alive(pid), "the process has ended")
    assert "not running" in home.run("daemon", "stop").stderr


def test_status_json_has_its_fixed_shape_running_or_not(home: Home) -> None:
    """`{"v":1,"running","pid","port","socket","version"}` exactly; exit code 3 when it is down."""
    down = home.run("daemon", "status", "--json")
    home.run("daemon", "start")
    up = home.run("daemon", "status", "--json")

    for done, running in ((down, False), (up, True)):
        found = json.loads(done.stdout)
        assert {name: type(value) for name, value in found.items()} == STATUS
        assert (found["v"], found["running"]) == (1, running)
    assert (down.returncode, up.returncode) == (3, 0)


def test_a_second_start_says_that_it_already_runs(home: Home) -> None:
    """The first daemon stays; nothing is started beside it."""
    home.run("daemon", "start")
    pid = home.pid()

    again = home.run("daemon", "start")

    assert f"already runs: pid {pid}" in again.stderr + again.stdout
    assert (again.returncode, home.pid()) == (0, pid)


def test_two_daemons_never_share_a_ledger(home: Home) -> None:
    """A second `daemon run` on the same folder exits with code 3, and the first goes on."""
    home.run("daemon", "start")
    pid = home.pid()

    second = home.run("daemon", "run")

    assert second.returncode == 3
    assert "another daemon keeps this ledger" in second.stderr
    assert home.pid() == pid


def test_commands_that_start_it_at_once_end_up_with_one(home: Home) -> None:
    """Four starts in the same moment: all succeed, and all speak of one daemon."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: home.run("daemon", "start"), range(4)))

    pids = {re.search(r"pid (\d+)", each.stderr + each.stdout) for each in done}
    assert [each.returncode for each in done] == [0] * 4, [each.stderr for each in done]
    assert {found[1] for found in pids if found} == {str(home.pid())}


LINGER = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(handle, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_start_waits_for_a_daemon_that_is_about_to_end(home: Home) -> None:
    """`stop` and `start` in one breath: the old one still has the lock, and then lets it go."""
    lock = paths(home).lock
    with subprocess.Popen(
        [sys.executable, "-c", LINGER, str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as lingering, concurrent.futures.ThreadPoolExecutor(1) as pool:  # fmt: skip
        assert lingering.stdout is not None
        assert lingering.stdin is not None
        assert lingering.stdout.readline() == b"locked\n"
        start = pool.submit(home.run, "daemon", "start")
        log = paths(home).log
        until(lambda: log.exists() and "another daemon keeps" in log.read_text(), "it saw the lock")
        lingering.stdin.close()

        done = start.result()

    assert done.returncode == 0, done.stderr
    assert home.pid() != 0


def test_a_taken_port_names_the_port_and_the_key_that_changes_it(home: Home) -> None:
    """The start fails in words, leaves nothing behind, and works once the port is free."""
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        set_port(home, port)

        done = home.run("daemon", "start")
        run = home.run("run", "--", "true")

        assert done.returncode == run.returncode == 1
        for said in (done.stderr, run.stderr):
            assert f"port {port} on 127.0.0.1 is taken" in said
            assert "[daemon] port" in said
            assert str(home.config) in said
        assert home.pid() == 0
    assert home.run("daemon", "start").returncode == 0


def test_what_a_killed_daemon_leaves_behind_stops_nobody(home: Home) -> None:
    """A stale socket file and a stale lock with a dead pid in it are no hindrance."""
    home.run("daemon", "start")
    dead = home.pid()
    home.kill()
    found = paths(home)
    assert found.socket.exists()
    assert found.lock.read_text().strip() == str(dead)

    done = home.run("daemon", "start")

    assert done.returncode == 0, done.stderr
    assert home.pid() not in (0, dead)


def test_a_dead_daemon_is_started_again_by_the_next_run(home: Home) -> None:
    """`run` after a kill finds nobody, starts one and works."""
    home.run("daemon", "start")
    home.kill()

    assert home.run("run", "--", "true").returncode == 0
    assert home.pid() != 0


def test_socket_and_files_are_for_their_owner_only(home: Home) -> None:
    """The socket is 0600 in a 0700 folder; ledger, lock, log and device key are 0600."""
    home.run("daemon", "start")
    found = paths(home)

    assert (mode(found.socket), mode(found.run)) == (0o600, 0o700)
    files = [found.ledger, found.lock, found.log, found.device_key]
    assert {path.name: mode(path) for path in files} == {path.name: 0o600 for path in files}


def test_a_socket_folder_that_others_can_enter_is_refused(home: Home) -> None:
    """The daemon does not start in it, and says the command that mends it."""
    folder = paths(home).run
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)

    done = home.run("daemon", "start")

    assert done.returncode == 1
    assert f"chmod 700 {folder}" in done.stderr


CONNECT = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
end = socket.socket(socket.AF_UNIX)
try:
    end.connect(sys.argv[1])
except PermissionError:
    print("kept out"); raise SystemExit
end.settimeout(20)
try:
    end.sendall(b'{"v":1,"op":"status"}\\n')
    print("heard", end.recv(4096))
except ConnectionError:
    print("heard", b"")
"""


def as_nobody(path: Path) -> str:
    """What another user of the machine hears at this socket."""
    done = subprocess.run(
        [sys.executable, "-c", CONNECT, str(path)], capture_output=True, text=True, timeout=60,
        check=True, cwd="/",
    )  # fmt: skip
    return done.stdout.strip()


@ROOT_ONLY
def test_another_user_is_kept_out_and_hung_up_on(home: Home, tmp_path: Path) -> None:
    """By the folder's mode first; and when every mode is wide open, by the kernel's word."""
    home.run("daemon", "start")
    found = paths(home)
    kept_out = as_nobody(found.socket)

    opened = [each for each in (found.run, *found.run.parents) if not mode(each) & 0o001]
    before = {folder: mode(folder) for folder in opened}
    for folder in opened:
        folder.chmod(before[folder] | 0o055)
    found.socket.chmod(0o666)
    try:
        heard = as_nobody(found.socket)
    finally:
        for folder, bits in before.items():
            folder.chmod(bits)

    assert kept_out == "kept out"
    assert heard == "heard b''"
    assert ask(home, "ping")["running"]


def test_a_session_ends_with_its_connection(home: Home) -> None:
    """The token is good while its `run` is connected, and worthless afterwards."""
    home.run("daemon", "start")
    with session(home) as way:
        assert way.post().status == 200
    until(lambda: not ask(home, "status")["sessions"], "the session has ended")

    answer = way.post()

    assert answer.status == 402
    assert b"this session has ended" in answer.read()
    assert budget(home)["held_nusd"] == 0


def test_a_home_that_is_named_from_where_one_stands(home: Home) -> None:
    """The daemon works elsewhere, and keeps the same ledger all the same."""
    for word in ("start", "stop"):
        done = home.run("daemon", word, AGENTSPEND_HOME="../agentspend")
        assert done.returncode == 0, done.stderr
        assert "not running" not in done.stderr
    assert paths(home).ledger.exists()
