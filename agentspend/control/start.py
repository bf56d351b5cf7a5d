"""Starting the daemon when a command needs it, and knowing that it is ready.

The child is detached and says so itself, through a pipe: no polling, and its own words when it
cannot start.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from agentspend.control.client import Connection, Message, call, say
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable

READY_WITHIN_S = 20.0
OTHER_WITHIN_S = 1.0
READY_FD = "AGENTSPEND_READY_FD"
SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "GEMINI_API_KEY",
           "GOOGLE_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")  # fmt: skip


def ensure_daemon(socket_path: Path, log_path: Path) -> Message:
    """The running daemon's answer to `ping`, starting one when nobody answers.

    One that is stopping takes no request any more: its end is waited for.
    """
    try:
        found = call(socket_path, "ping")
    except DaemonSilent:
        raise
    except DaemonUnreachable:
        return start_daemon(socket_path, log_path)
    if not found.get("stopping"):
        return found
    stop_daemon(socket_path)
    return start_daemon(socket_path, log_path)


def start_daemon(socket_path: Path, log_path: Path) -> Message:
    """Start a detached daemon and wait until it is ready; raises with its own reason.

    While another process keeps the ledger, it is one that starts as well, or one that is about to
    end: ask it, and try again.
    """
    deadline_s = time.monotonic() + READY_WITHIN_S
    while "taken" in (said := _start(log_path)):
        try:
            return _the_other(socket_path)
        except DaemonUnreachable:
            if time.monotonic() > deadline_s:
                raise
    if said.get("ready"):
        if said.get("told"):
            say(str(said["told"]), "")
        return call(socket_path, "ping")
    raise AgentspendError(str(said["error"]), str(said.get("hint", "")))


def stop_daemon(socket_path: Path) -> None:
    """Let a daemon end its last requests, and wait until it has stopped; nobody there is fine.

    Raises `DaemonSilent` where one hangs.
    """
    try:
        with Connection(socket_path) as connection:
            connection.ask("stop")
            connection.wait_until_gone()
    except DaemonSilent:
        raise
    except DaemonUnreachable:
        return


def _start(log_path: Path) -> Message:
    """Start one daemon and hear what it says; raises when it dies without a word."""
    read_fd, write_fd = os.pipe()
    try:
        with log_path.open("ab") as log:
            os.chmod(log_path, 0o600)
            child = subprocess.Popen(
                [sys.executable, "-m", "agentspend", "daemon", "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(os.environ) | {READY_FD: str(write_fd)},
                pass_fds=(write_fd,),
                start_new_session=True,
            )
    finally:
        os.close(write_fd)
    try:
        said = _read_ready(read_fd)
    finally:
        os.close(read_fd)
    if not said:
        code = _ended(child)
        raise DaemonUnreachable(
            f"the daemon did not start ({code})",
            f"its last words are in {log_path}",
        )
    return said


def _ended(child: "subprocess.Popen[bytes]") -> str:
    """How a daemon that said nothing came to its end; one that hangs is ended here."""
    try:
        return f"exit code {child.wait(1)}"
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        return f"no word within {READY_WITHIN_S:.0f} s"


def _the_other(socket_path: Path) -> Message:
    """The `ping` of a daemon that someone else is starting."""
    deadline_s = time.monotonic() + OTHER_WITHIN_S
    while True:
        try:
            return call(socket_path, "ping")
        except DaemonUnreachable:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """What a daemon may inherit: no provider key of whoever happened to start it.

    `AGENTSPEND_*_KEY` and `AGENTSPEND_*_KEY_FILE` stay: they are meant for it.
    """
    return {name: value for name, value in env.items() if name not in SECRETS}


def _read_ready(read_fd: int) -> Message:
    """The child's one line, or {} when it died or said nothing in time."""
    deadline = time.monotonic() + READY_WITHIN_S
    said = b""
    while not said.endswith(b"\n"):
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([read_fd], [], [], left_s)[0]:
            return {}
        chunk = os.read(read_fd, 4096)
        if not chunk:
            return {}
        said += chunk
    message: Message = json.loads(said)
    return message
