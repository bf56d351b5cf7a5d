"""The one error people see: what happened, and the way out.

Every door turns foreign errors into `AgentspendError` at its edge; `cli/diagnostics.py` prints the
message, then `→ hint`. Refusals are values (`core.admission.Refused`), never exceptions.
"""

from enum import StrEnum


class Kind(StrEnum):
    """What an error is, for programs: the word stays, however the message is worded."""

    OTHER = "other"
    UNKNOWN_NAME = "unknown_name"
    TEAM = "team"
    PERSONS_ONLY = "persons_only"
    UNKNOWN_OPERATION = "unknown_operation"
    UNREADABLE = "unreadable"
    STOPPING = "stopping"
    MISTAKE = "mistake"


class AgentspendError(Exception):
    """Something a person can mend.

    `message` says what happened and the fact behind it; `hint` is the command or edit that
    changes it (empty when there is none). `kind` is one of `Kind`, or the word of a newer daemon.
    """

    def __init__(self, message: str, hint: str = "", kind: str = Kind.OTHER) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind


class ConfigError(AgentspendError):
    """A value in a configuration file cannot be used; the message names file, line and key."""


class DaemonUnreachable(AgentspendError):
    """No daemon answers on the control socket."""


class DaemonSilent(DaemonUnreachable):
    """A daemon is there and does not answer: to ask again, or to start another, is no use."""


class StoreError(AgentspendError):
    """The ledger's database cannot be used: full, read-only, damaged, newer, or taken."""


class LaunchError(AgentspendError):
    """An agent cannot be started, or would slip past the proxy."""


class KeyStoreError(AgentspendError):
    """No safe place for a provider key, or the key cannot be read."""
