"""How long a person at a terminal waits for the first whole screen of `agentspend top`."""

import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import termios
import time

ROWS, COLUMNS = 30, 100
WHOLE = b"enforcing"
"""A word of the header: it is drawn once the daemon's first snapshot is."""
PATIENCE_S = 20.0


def first_frame_ms(words: list[str], env: dict[str, str], count: int = 7) -> float:
    """The median time from the shell to the first whole screen, in ms."""
    return statistics.median(_frame_s(words, env) * 1e3 for _ in range(count))


def _frame_s(words: list[str], env: dict[str, str]) -> float:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    start = time.perf_counter()
    with subprocess.Popen(
        words, env={**env, "TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        try:
            return _until_whole(ours, start)
        finally:
            process.kill()
            os.close(ours)


def _until_whole(screen: int, start: float) -> float:
    seen = b""
    while time.perf_counter() < start + PATIENCE_S:
        if select.select([screen], [], [], 0.05)[0]:
            seen += os.read(screen, 65_536)
            if WHOLE in seen:
                return time.perf_counter() - start
    raise TimeoutError(f"no whole screen within {PATIENCE_S} s: {seen[-500:]!r}")
