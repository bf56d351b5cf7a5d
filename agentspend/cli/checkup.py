"""What `doctor` looks at in our own house, one function a concern; each yields findings only."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import agentspend
from agentspend.agents.base import Caller
from agentspend.agents.repository import repository_here
from agentspend.cli import access
from agentspend.config.paths import HOME
from agentspend.config.repository import Place, workplace
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable
from agentspend.core.scopes import Payer
from agentspend.db import LOCAL_HOME
from agentspend.mounts import NETWORK_FILESYSTEMS, filesystem_kind

LOW_DISK_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `good` None: worth knowing, nothing to mend."""

    good: bool | None
    text: str
    mend: str = ""


def configuration() -> Iterator[Finding]:
    """The files can be read as they stand now."""
    folders = access.folders()
    config = access.config()
    where = folders.config if folders.config.exists() else "built-in defaults"
    count = len(config.budgets)
    yield Finding(
        True, f"configuration is valid: {where}, {count} budget{'' if count == 1 else 's'}"
    )
    if not count and not _budgets_in_force():
        yield Finding(None, "no budget is set: metering only",
                      "agentspend budget set daily 25.00 --window day")  # fmt: skip


def _budgets_in_force() -> int:
    """How many the daemon enforces, of the team, a repository, or waiting to be removed."""
    try:
        return len(access.ask("status")["budgets"])
    except DaemonUnreachable:
        return 0


def repository() -> Iterator[Finding]:
    """What the repository around the working folder says can be used."""
    here = repository_here(Caller.here())
    files = [Place(**each) for each in here["files"] if each["text"]]
    if not files:
        return
    found = workplace(Payer(), here["project"], files)
    count = sum(map(len, found.declared.values()))
    yield Finding(True, f"{', '.join(each.path for each in files)}: project {found.payer.project},"
                        f" {count} budget{'' if count == 1 else 's'}")  # fmt: skip


def silence() -> Finding | None:
    """A daemon that hangs; found once, as every question to it takes half a minute."""
    try:
        access.ask("ping")
    except DaemonSilent as error:
        return Finding(False, error.message, error.hint)
    except AgentspendError:
        return None
    return None


def running_daemon() -> Iterator[Finding]:
    """The daemon answers, is of this version, and takes requests."""
    try:
        found = access.ask("ping")
    except DaemonUnreachable:
        yield Finding(None, "daemon is not running; `agentspend run` starts it")
        yield from _port_free()
        return
    yield Finding(True, f"daemon runs: pid {found['pid']}, port {found['port']}")
    if found["version"] != agentspend.__version__:
        versions = f"version {found['version']}, this command {agentspend.__version__}"
        mend = "agentspend daemon restart"
        yield Finding(False, f"daemon is {versions}", mend)
    yield from _containers(found)
    if found["gate_closed"]:
        yield Finding(False, f"no request may leave: {found['gate_closed']}",
                      "free disk space, then try again")  # fmt: skip
    if found["config_error"]:
        yield Finding(False, f"the last good configuration is in force: {found['config_error']}",
                      "agentspend config path shows which file to mend")  # fmt: skip
        return
    for change in access.ask("policy")["waits"]:
        yield Finding(None, f"{change['what']}: waits for you",
                      "agentspend budget confirm")  # fmt: skip
    yield from _clock()


def files() -> Iterator[Finding]:
    """What lies on disk is only ours to read, on a disk that keeps its word, with room left."""
    folders = access.folders()
    for path in (folders.socket, folders.ledger, folders.log):
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            yield Finding(
                False, f"{path} can be read by others (mode {mode:o})", f"chmod 600 {path}"
            )
    for folder in dict.fromkeys(map(_there, folders.made())):
        if not os.access(folder, os.W_OK | os.X_OK):
            yield Finding(False, f"the folder {folder} cannot be written",
                          f"chmod u+rwx {folder}, or set {HOME} to a folder of yours")  # fmt: skip
    kind = filesystem_kind(folders.data)
    if kind in NETWORK_FILESYSTEMS:
        yield Finding(False, f"the ledger is on {kind}, where SQLite's locks do not hold",
                      f"keep it on a local disk: export AGENTSPEND_HOME={LOCAL_HOME}")  # fmt: skip
    elif folders.data.exists():
        yield Finding(True, f"the ledger is on a local disk ({kind or 'unknown kind'})")
    free = shutil.disk_usage(_there(folders.data)).free
    if free < LOW_DISK_BYTES:
        yield Finding(False, f"{free // 2**20} MiB of disk left at {folders.data}",
                      "free some: a full disk closes the gate")  # fmt: skip
    else:
        yield Finding(True, f"{free // 2**30} GiB of disk left")


def parts() -> Iterator[Finding]:
    """The database that holds the money."""
    import sqlite3

    yield Finding(True, f"SQLite {sqlite3.sqlite_version}; one connection writes, so none races it")


def _containers(found: Mapping[str, Any]) -> Iterator[Finding]:
    """Agents in containers come in where the configuration says, if it says so."""
    config = access.config()
    listen, trouble = found.get("listen", ""), found.get("listen_error", "")
    if config.listen != listen:
        yield Finding(False, f"[daemon] listen is {config.listen!r} in the configuration, and"
                             f" {listen!r} in the running daemon",
                      "agentspend daemon restart")  # fmt: skip
    elif trouble:
        what = f"{listen} cannot be listened on: {trouble}"
        yield Finding(False, f"containers cannot come in: {what}",
                      "ip -brief address    shows those of this machine")  # fmt: skip
    elif config.listen or config.hosts:
        host = (*config.hosts, config.listen)[0]
        yield Finding(
            True, f"agents in containers come in at http://{host}:{found['port']}/k/VIRTUAL_KEY"
        )


def _port_free() -> Iterator[Finding]:
    """Nobody else listens where the daemon wants to."""
    import socket

    port = access.config().port
    with socket.socket() as probe:
        if not port or probe.connect_ex(("127.0.0.1", port)) != 0:
            return
        found = access.folders()
        if not found.ledger.exists() and "port" not in access.config().raw.get("daemon", {}):
            yield Finding(None, f"port {port} is taken: the first start finds another")
        else:
            yield Finding(False, f"port {port} is taken by another program",
                          f"set another [daemon] port in {found.config}")  # fmt: skip


def _clock() -> Iterator[Finding]:
    """The clock is not behind what the ledger already knows."""
    from agentspend.cli.ledger_reading import newest_entry
    from agentspend.cli.moments import clock_text, now_us

    last = newest_entry(access.ask)
    if last and last["ts"] > now_us():
        entry = f"the ledger's last entry ({clock_text(last['ts'])})"
        text = f"the clock is behind {entry}: windows stand still until it catches up"
        yield Finding(False, text, "set this machine's clock")


def _there(path: Path) -> Path:
    """The nearest folder that exists."""
    return path if path.exists() or path == path.parent else _there(path.parent)
