"""After an upgrade the old daemon still runs: it is replaced as soon as nobody needs it."""

import os

import agentspend
from agentspend.cli import service
from agentspend.cli.diagnostics import say
from agentspend.config.paths import Paths
from agentspend.config.secrets import KeyStore
from agentspend.control.client import Message, call
from agentspend.control.start import ensure_daemon, stop_daemon
from agentspend.control.versions import misunderstood
from agentspend.core.errors import AgentspendError


def renewed(running: Message, folders: Paths) -> Message:
    """The `ping` of the daemon from now on: a new one, or the old one, and why it stays.

    It stays while a session is open, so that no request of an agent fails, and where its keys would
    wait for a passphrase again.
    """
    versions = f"the daemon that runs is version {running['version']}, this command is"
    versions += f" {agentspend.__version__}"
    count = running.get("sessions", 1)
    if count:
        say(f"agentspend: {versions}; it is replaced when {count} open"
            f" session{' has' if count == 1 else 's have'} ended")  # fmt: skip
        return running
    if KeyStore(folders.data, os.environ).locked():
        say(f"agentspend: {versions}; it stays, as it knows the passphrase of your keys")
        say("→ agentspend daemon restart, then agentspend keys unlock")
        return running
    stop_daemon(folders.socket)
    if service.keeps(folders):
        service.start()
    found = ensure_daemon(folders.socket, folders.log)
    say(f"agentspend: the daemon was version {running['version']}; version {found['version']} runs"
        f" now: pid {found['pid']}, port {found['port']}")  # fmt: skip
    return found


def of_two_versions(folders: Paths) -> AgentspendError | None:
    """That daemon and command do not understand each other, where they are of two versions."""
    try:
        return misunderstood(str(call(folders.socket, "ping")["version"]))
    except AgentspendError:
        return None
