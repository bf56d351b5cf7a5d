"""The agent as a child in the foreground: the terminal is its, and so are the terminal's signals.

The child stays in our process group, so Ctrl-C and Ctrl-\\ reach it from the terminal itself; here
they are only outlived. TERM and HUP come to us alone and are passed on. When the child stops
itself (Ctrl-Z in a full-screen program), we stop too, so that the shell gets its prompt back.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from agentspend.core.errors import LaunchError

# How long a continued child may take to show that it runs again, before we stop like it.
SETTLE_S = 0.05


def run_in_foreground(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a command to its end; returns its exit code, 128 + n after signal n."""
    running: list[int] = []
    with _signals(running):
        try:
            child = subprocess.Popen(argv, env=dict(env), close_fds=True)
        except FileNotFoundError:
            raise LaunchError(
                f"{argv[0]} is not installed: no such command on PATH", f"install {argv[0]} first"
            ) from None
        except OSError as error:
            raise LaunchError(f"{argv[0]} cannot be started: {error.strerror}") from None
        running.append(child.pid)
        status = _wait(child.pid)
        running.clear()
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _wait(pid: int) -> int:
    """The child's exit status; stops and continues together with it."""
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        time.sleep(SETTLE_S)
        changed, status = os.waitpid(pid, os.WCONTINUED | os.WNOHANG)
        if not changed:
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(pid, signal.SIGCONT)
        elif not os.WIFCONTINUED(status):
            return status


@contextmanager
def _signals(running: list[int]) -> Iterator[None]:
    """Outlive the terminal's signals and pass the others on to the child.

    Handlers, not SIG_IGN: an ignored signal would stay ignored in the child.
    """

    def outlive(_number: int, _frame: object) -> None:
        pass

    def pass_on(number: int, _frame: object) -> None:
        for pid in running:
            os.kill(pid, number)

    wanted = {
        signal.SIGINT: outlive,
        signal.SIGQUIT: outlive,
        signal.SIGTERM: pass_on,
        signal.SIGHUP: pass_on,
    }
    before = {number: signal.getsignal(number) for number in wanted}
    for number, ours in wanted.items():
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, ours)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
