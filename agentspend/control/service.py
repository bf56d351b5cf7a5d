"""The daemon as a service of this person's: a systemd user unit, or a launchd agent on macOS.

Texts and where they belong; `cli.service` writes them and tells the service manager.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentspend.core.limits import DRAIN_S

UNIT = "agentspend.service"
LABEL = "io.github.agentspend"
STOP_WITHIN_S = DRAIN_S + 10
TAKEN_EXIT_CODE = 3
_KEPT = re.compile(r"AGENTSPEND_HOME|XDG_(CONFIG|DATA|STATE)_HOME|AGENTSPEND_[A-Z0-9_]+_KEY_FILE")
"""What decides where everything is; a service manager knows nothing of the shell's variables."""

_UNIT = """\
# Written by `agentspend daemon install`; `agentspend daemon uninstall` takes it away.
[Unit]
Description=agentspend: hard budgets for coding agents

[Service]
Type=notify
ExecStart={command}
{environment}StandardError=append:{log}
Restart=on-failure
RestartSec=1
# {taken}: another daemon keeps the ledger already, one that `agentspend run` started.
RestartPreventExitStatus={taken}
KillMode=mixed
TimeoutStopSec={stop_s}
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What to start, with which variables, and where its standard error goes."""

    log: Path
    environment: Mapping[str, str]
    command: tuple[str, ...] = (sys.executable, "-m", "agentspend", "daemon", "run")

    @classmethod
    def here(cls, log: Path, env: Mapping[str, str]) -> "Service":
        """The service for this environment's own places."""
        return cls(log, {name: env[name] for name in sorted(env) if _KEPT.fullmatch(name)})

    def unit(self) -> str:
        """The systemd unit. It says itself that it is ready (`sd_notify`)."""
        lines = [
            f"Environment={_quoted(f'{name}={value}')}\n"
            for name, value in self.environment.items()
        ]
        return _UNIT.format(
            command=" ".join(map(_quoted, self.command)).replace("$", "$$"),
            environment="".join(lines),
            log=str(self.log).replace("%", "%%"),
            taken=TAKEN_EXIT_CODE,
            stop_s=STOP_WITHIN_S,
        )

    def plist(self) -> bytes:
        """The launchd agent: started at login, and again when it did not end well."""
        import plistlib

        return plistlib.dumps(
            {
                "Label": LABEL,
                "ProgramArguments": list(self.command),
                "EnvironmentVariables": dict(self.environment),
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                "ThrottleInterval": 10,
                "ExitTimeOut": STOP_WITHIN_S,
                "ProcessType": "Background",
                "Umask": 0o077,
                "HardResourceLimits": {"Core": 0},
                "StandardErrorPath": str(self.log),
            }
        )


def unit_path(env: Mapping[str, str], home: Path) -> Path:
    """Where systemd looks for a user's own units."""
    return Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "systemd/user" / UNIT


def plist_path(home: Path) -> Path:
    """Where launchd looks for a user's own agents."""
    return home / "Library/LaunchAgents" / f"{LABEL}.plist"


def _quoted(word: str) -> str:
    """A word for a unit's line: in quotes, with what systemd would expand taken at its word."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"'
