"""`agentspend daemon install`: the daemon starts at login and comes back by itself.

A plain agent that was led to us (`agentspend enable`) needs somebody there before any `run`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agentspend.cli import access
from agentspend.cli.diagnostics import say, warn
from agentspend.config.paths import Paths
from agentspend.control.service import LABEL, UNIT, Service, plist_path, unit_path
from agentspend.control.start import stop_daemon
from agentspend.core.errors import AgentspendError, DaemonUnreachable

ASKED_WITHIN_S = 60


def install() -> None:
    """Have the daemon started at every login, and again if it fails."""
    require_fixed_port()
    found = access.folders()
    found.make()
    service = Service.here(found.log, os.environ)
    if sys.platform == "darwin":
        _install_launchd(service)
    else:
        _install_systemd(service)


def uninstall() -> None:
    """Take the service away again; a daemon that runs is stopped."""
    path = _path()
    if not path.exists():
        say(f"no service is installed ({path} is not there)")
        return
    if sys.platform == "darwin":
        _ask("launchctl", "bootout", f"{_launchd_domain()}/{LABEL}")
    elif user_manager():
        _ask("systemctl", "--user", "disable", "--now", UNIT)
    path.unlink()
    if sys.platform != "darwin" and user_manager():
        _ask("systemctl", "--user", "daemon-reload")
    say(f"removed {path}")


def installed() -> bool:
    """Whether the daemon is started at login."""
    return _path().exists()


def keeps(folders: Paths) -> bool:
    """Whether it is the service that is to run the daemon of these folders."""
    path = _path()
    if not path.exists() or str(folders.log).encode() not in path.read_bytes():
        return False
    return sys.platform == "darwin" or user_manager()


def start() -> None:
    """Have the service start its daemon, which was stopped."""
    if sys.platform == "darwin":
        _ask("launchctl", "kickstart", f"{_launchd_domain()}/{LABEL}")
    else:
        _ask("systemctl", "--user", "restart", UNIT)


def require_fixed_port() -> None:
    """Refuse where the port is another one after each start: nobody could find the daemon."""
    if access.config().port == 0:
        raise AgentspendError(
            "the daemon takes any free port (port = 0), so its address changes at each start",
            f"set one in {access.folders().config}:  [daemon] port = 4141",
        )


def user_manager() -> bool:
    """Whether this person's systemd can be asked to start something."""
    return shutil.which("systemctl") is not None and _quietly(
        "systemctl", "--user", "show-environment"
    )


def _path() -> Path:
    if sys.platform == "darwin":
        return plist_path(Path.home())
    return unit_path(os.environ, Path.home())


def _install_systemd(service: Service) -> None:
    from agentspend.config.edit import write_whole

    path = _path()
    write_whole(path, service.unit().encode())
    say(f"wrote {path}")
    if not user_manager():
        warn(
            "systemd does not answer here, so nothing was started",
            f"in a session of yours: systemctl --user daemon-reload && systemctl --user enable"
            f" --now {UNIT}",
        )
        return
    _ask("systemctl", "--user", "daemon-reload")
    _ask("systemctl", "--user", "enable", UNIT)
    _hand_over(("systemctl", "--user", "restart", UNIT))
    if os.environ.get("SSH_CONNECTION"):
        say("over ssh it ends with your last login; to keep it: loginctl enable-linger")


def _install_launchd(service: Service) -> None:
    from agentspend.config.edit import write_whole

    path = _path()
    write_whole(path, service.plist())
    say(f"wrote {path}")
    domain = _launchd_domain()
    _quietly("launchctl", "bootout", f"{domain}/{LABEL}")
    _hand_over(("launchctl", "bootstrap", domain, str(path)))


def _hand_over(start: Sequence[str]) -> None:
    """Let the service take the ledger over from a daemon that a command started."""
    try:
        running = access.ask("ping")
    except DaemonUnreachable:
        running = None
    if running is not None and running["runs"]:
        count = running["runs"]
        warn(
            f"a daemon that a command started serves {count} session{'s' if count > 1 else ''}:"
            " the service takes over at your next login",
            f"or when they have ended: agentspend daemon stop && {' '.join(start)}",
        )
        return
    stop_daemon(access.folders().socket)
    _ask(*start)
    found = access.ask("ping")
    say(f"the daemon runs as a service: pid {found['pid']}, port {found['port']}")


def _launchd_domain() -> str:
    return f"gui/{os.getuid()}"


def _ask(*words: str) -> None:
    """Run a service manager's command; its own words when it fails."""
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=ASKED_WITHIN_S
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise AgentspendError(
            f"`{' '.join(words)}` failed: {said[0] if said else f'code {done.returncode}'}",
            "agentspend daemon logs",
        )


def _quietly(*words: str) -> bool:
    done = subprocess.run(words, capture_output=True, check=False, timeout=ASKED_WITHIN_S)
    return done.returncode == 0
