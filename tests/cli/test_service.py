"""`agentspend daemon install`: the unit is written, and systemd is told; or it is said why not."""

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.daemon.helpers import ask, session, set_port
from tests.support.ports import free_port
from tests.support.process import Home

UNIT = ".config/systemd/user/agentspend.service"
# A systemctl that starts the service's own command, and tells what it was asked.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$HOME/asked"
test -e "$HOME/no-manager" && exit 1
test "$2" = restart || exit 0
exec {python} -m agentspend daemon start
"""

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="launchd's is another way")


@pytest.fixture
def asked(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What systemctl was asked so far, in a home with a port of its own."""
    folder = fresh.user / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(SYSTEMCTL.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{fresh.env['PATH']}")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    set_port(fresh, free_port())
    told = fresh.user / "asked"
    return lambda: told.read_text().splitlines() if told.exists() else []


def test_installed_and_started(
    agentspend: Command, fresh: Home, asked: Callable[[], list[str]]
) -> None:
    """The unit is this user's alone; systemd reads it, starts it now, and at each login."""
    ran = agentspend("daemon", "install")
    unit = fresh.user / UNIT
    assert ran.code == 0, ran.err
    assert ran.err.startswith(f"wrote {unit}\nthe daemon runs as a service: pid ")
    assert stat.S_IMODE(unit.stat().st_mode) == 0o600
    assert f'Environment="AGENTSPEND_HOME={fresh.home}"' in unit.read_text()
    assert asked()[-3:] == ["--user daemon-reload", "--user enable agentspend.service",
                            "--user restart agentspend.service"]  # fmt: skip
    again = agentspend("daemon", "install")
    assert (again.code, again.err.partition(" pid ")[0]) == (0, ran.err.partition(" pid ")[0])


def test_uninstalled(agentspend: Command, fresh: Home, asked: Callable[[], list[str]]) -> None:
    """Stopped, disabled, forgotten; twice does no harm."""
    agentspend("daemon", "install")
    ran = agentspend("daemon", "uninstall")
    assert (ran.code, ran.err) == (0, f"removed {fresh.user / UNIT}\n")
    assert "--user disable --now agentspend.service" in asked()
    assert asked()[-1] == "--user daemon-reload"
    assert not (fresh.user / UNIT).exists()
    assert "no service is installed" in agentspend("daemon", "uninstall").err


def test_without_a_service_manager_the_way_is_told(
    agentspend: Command, fresh: Home, asked: Callable[[], list[str]]
) -> None:
    """In a container or over bare ssh: the unit is there, and the words that start it."""
    (fresh.user / "no-manager").touch()
    ran = agentspend("daemon", "install")
    assert ran.code == 0
    assert (fresh.user / UNIT).exists()
    assert "systemd does not answer here, so nothing was started" in ran.err
    assert "→ in a session of yours: systemctl --user daemon-reload && " in ran.err
    assert agentspend("daemon", "uninstall").code == 0


def test_running_agents_keep_their_daemon(
    agentspend: Command, fresh: Home, asked: Callable[[], list[str]]
) -> None:
    """The service takes over later; nobody's session is cut for it."""
    agentspend("daemon", "start")
    before = fresh.pid()
    with session(fresh):
        ran = agentspend("daemon", "install")
    assert ran.code == 0
    assert "serves 1 session: the service takes over at your next login" in ran.err
    assert fresh.pid() == before
    assert "--user restart agentspend.service" not in asked()


def test_a_port_that_changes_is_refused(agentspend: Command, fresh: Home, tmp_path: Path) -> None:
    """Nobody could find the daemon after a restart."""
    ran = agentspend("daemon", "install")
    assert ran.code == 1
    assert "its address changes at each start" in ran.err
    assert "[daemon] port = 4141" in ran.err
    assert not (fresh.user / UNIT).exists()


def test_an_older_daemon_of_the_service_is_replaced_by_the_service(
    agentspend: Command,
    fresh: Home,
    asked: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After an upgrade: not by one that a command started, which would not be there at login."""
    agentspend("daemon", "install")
    before = ask(fresh, "ping")["pid"]
    told = asked()
    monkeypatch.setattr("agentspend.__version__", "99.0")
    ran = agentspend("daemon", "start")
    assert asked()[len(told) :] == ["--user show-environment", "--user restart agentspend.service"]
    now = ask(fresh, "ping")["pid"]
    assert now != before
    assert f"pid {now}" in ran.err
    unit = fresh.user / UNIT
    unit.write_text(unit.read_text().replace(str(fresh.home), "/elsewhere"))
    told = asked()
    agentspend("daemon", "start")
    assert asked() == told
