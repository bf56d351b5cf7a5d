"""Keys are in the daemon's memory and nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.helpers import KEY, paths, session
from tests.daemon.test_crash_in_session import agent_at_work
from tests.support.process import Home

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc")
HARDENED = """
import ctypes, resource
from agentspend.daemon.lifecycle import harden
harden()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
"""


def environ(pid: int) -> bytes:
    """The environment a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes()


@LINUX
def test_the_daemon_leaves_no_core_and_cannot_be_traced() -> None:
    """Not dumpable (its /proc files are root's then), and a core limit of zero."""
    done = subprocess.run(
        [sys.executable, "-c", HARDENED], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "0 (0, 0)"


@LINUX
def test_the_running_daemon_is_hardened(home: Home) -> None:
    """The kernel says so of the real process."""
    home.run("daemon", "start")
    limits = Path(f"/proc/{home.pid()}/limits").read_text()

    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    assert Path(f"/proc/{home.pid()}/environ").stat().st_uid == 0


@LINUX
@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "AGENTSPEND_ANTHROPIC_KEY"])
def test_no_process_of_a_session_has_the_key_in_its_environment(
    home: Home, tmp_path: Path, variable: str
) -> None:
    """Neither the agent, nor `run` above it, nor the daemon that `run` started."""
    with agent_at_work(home, tmp_path, **{variable: KEY}) as run:
        agent = (tmp_path / "environ").read_bytes()
        parent = int((tmp_path / "parent").read_text())
        daemon = home.pid()
        found = {"agent": agent, "run": environ(run.pid), "parent": environ(parent)}
        if variable == "ANTHROPIC_API_KEY":
            found["daemon"] = environ(daemon)
        (tmp_path / "go").touch()
        run.communicate(timeout=60)

    assert (tmp_path / "one").read_text() == "200"
    assert [who for who, text in found.items() if KEY.encode() in text] == []


@LINUX
def test_the_agent_has_our_token_in_place_of_the_key(home: Home, tmp_path: Path) -> None:
    """Every variable that could hold a key holds the session's token."""
    with agent_at_work(home, tmp_path, ANTHROPIC_API_KEY=KEY) as run:
        pairs = (tmp_path / "environ").read_bytes().decode().split("\0")
        (tmp_path / "go").touch()
        run.communicate(timeout=60)

    found = dict(pair.split("=", 1) for pair in pairs if pair)
    token = found["ANTHROPIC_BASE_URL"].rpartition("/s/")[2]
    assert len(token) >= 43
    assert {found["ANTHROPIC_API_KEY"], found["ANTHROPIC_AUTH_TOKEN"]} == {token}


def test_no_file_of_ours_holds_the_key_the_token_or_a_prompt(home: Home) -> None:
    """Ledger, write-ahead log, daemon log: searched byte by byte for planted words."""
    canary = "canary-prompt-58214"
    home.run("daemon", "start")
    with session(home) as way:
        way.post(messages=[{"role": "user", "content": canary}]).read()
        way.post(messages="broken " + canary).read()
    home.kill()

    found = paths(home)
    planted = [KEY.encode(), way.token.encode(), canary.encode()]
    files = [path for path in found.data.rglob("*") if path.is_file() and path != found.config]
    assert found.ledger in files
    assert found.log in files
    leaks = [(path.name, word) for path in files for word in planted if word in path.read_bytes()]
    assert leaks == []
