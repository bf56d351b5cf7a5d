"""A daemon and a command of two versions, as after an upgrade: who is older, and what people read.

The control protocol is one and only grows, so the two talk; what one of them never heard of is told
with both versions.
"""

import re

import agentspend
from agentspend.core.errors import AgentspendError, Kind

NOT_UNDERSTOOD = (Kind.UNKNOWN_OPERATION, Kind.UNREADABLE)
MEND = "agentspend daemon restart, then try again; sessions that run go on with the new daemon"
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def is_older(running: str) -> bool:
    """Whether a daemon of this version is older than this command; not where nobody can tell."""
    theirs, ours = _numbers(running), _numbers(agentspend.__version__)
    return bool(theirs) and theirs < ours


def in_versions(error: AgentspendError, running: str) -> AgentspendError:
    """An error of a daemon that did not understand, told with the versions where they differ.

    One of the same version that runs was started before its files were changed: from a clone,
    most often, where the number stays.
    """
    return misunderstood(running) or AgentspendError(
        f"the daemon that runs does not understand this command, though it is version {running},"
        f" too: it was started before agentspend was changed here ({error.message})",
        MEND,
        error.kind,
    )


def misunderstood(running: str) -> AgentspendError | None:
    """Daemon and command are of two versions, and one did not understand the other; None: of one.

    Sessions outlive the daemon that is stopped: their `run` opens them again on the next one.
    """
    if running == agentspend.__version__:
        return None
    return AgentspendError(
        f"the daemon that runs is version {running}, this command is {agentspend.__version__},"
        " and they do not understand each other here",
        MEND,
        Kind.UNREADABLE,
    )


def unknown_to(running: str, what: str) -> AgentspendError:
    """A daemon takes no notice of what it never heard of: that is said, not done without."""
    ours = agentspend.__version__
    other = f", this command is {ours}" if running != ours else ", started before a change of it"
    return AgentspendError(
        f"the daemon that runs is version {running}{other}, and that daemon does not know {what}",
        MEND,
        Kind.UNREADABLE,
    )


def _numbers(version: str) -> tuple[int, ...]:
    found = _NUMBERS.match(version)
    return tuple(map(int, found[0].split("."))) if found else ()
