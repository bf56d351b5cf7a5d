"""How a command reaches the daemon and the configuration: the one place that knows where they are."""

from agentspend.config.load import load
from agentspend.config.paths import Paths
from agentspend.config.schema import Config
from agentspend.control.client import Connection, Message, call
from agentspend.control.start import ensure_daemon


def folders() -> Paths:
    """Where configuration, ledger, socket and logs are."""
    return Paths.find()


def config() -> Config:
    """The configuration as the files say it now."""
    return load(folders()).config


def ask(op: str, **fields: object) -> Message:
    """One question to the running daemon; `DaemonUnreachable` when there is none."""
    return call(folders().socket, op, **fields)


def connection() -> Connection:
    """An open conversation with the running daemon."""
    return Connection(folders().socket)


def daemon() -> Message:
    """The daemon's `ping`, started first when it is not running."""
    found = folders()
    return ensure_daemon(found.socket, found.log)
