"""Named points at which a test may have the process killed. Inert outside tests.

`AGENTSPEND_FAULT=name:n` sends SIGKILL to this process the n-th time `name` is reached; the torture
run uses it to die inside a commit, a forward, a shrink or a settle (protocol study §6).
"""

import os
import signal

_name, _, _count = os.environ.get("AGENTSPEND_FAULT", "").partition(":")
_left = int(_count or 1)


def reach(name: str) -> None:
    """Pass the point `name`; dies here when a test armed it."""
    global _left  # noqa: PLW0603 - one counter for the one armed point of this process
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
