"""Made-up time for a whole device: an event loop that never waits, and a queue that obeys it.

Time moves only when nothing else can happen: every callback has run, the bookkeeper's thread asks
for more work, and no byte is on its way over loopback. Then the clock jumps to the next timer or
to the moment the bookkeeper wants to be woken. A run is the same each time it is given one seed:
the bookkeeper's thread works only while the loop stands still.
"""

import asyncio
import concurrent.futures
import fcntl
import math
import queue
import selectors
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from random import Random
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock

from agentspend import db
from agentspend.bookkeeper import writer
from agentspend.bookkeeper.outcomes import Moment

T = TypeVar("T")
START_US = 1_795_608_000_000_000  # 2026-11-25T12:00:00Z
SPINS = 1_000
LONGEST_RUN_US = 3_600_000_000
_PRAGMAS = db._pragmas
_NOTHING = b"\0\0\0\0"
_UNSENT_BYTES = 0x894B  # SIOCOUTQNSD: what the kernel holds back because the peer's window is full


class Stuck(AssertionError):
    """Somebody waits for something that will never happen."""


class VirtualTime:
    """One clock for the provider, the proxy and the bookkeeper. `clock`, `sleep` and `moment` are
    what `Device(time=…)` asks for.

    `before_jump` is called each time nothing more can happen at this moment.
    """

    def __init__(self, seed: int = 0) -> None:
        self.now_us = 0
        self.jobs: list[JobQueue] = []
        self.before_jump: list[Callable[[], None]] = []
        self.chance = Random(seed)
        self.jumps = 0

    def clock(self) -> float:
        """Unix seconds."""
        return (START_US + self.now_us) / 1_000_000

    def moment(self) -> Moment:
        """Wall and monotonic time."""
        return Moment(START_US + self.now_us, self.now_us)

    async def sleep(self, wait_s: float) -> None:
        """Until the clock was moved that far."""
        await asyncio.sleep(wait_s)

    def hand_over(self) -> bool:
        """Let the bookkeeper's thread do what it was given; False when there is nothing."""
        found = [jobs.hand_over() for jobs in self.jobs]
        return any(found)

    def jump(self, timer_s: float | None) -> None:
        """Move to the next moment at which something happens."""
        for look in self.before_jump:
            look()
        moments = [jobs.deadline_us for jobs in self.jobs if jobs.deadline_us is not None]
        if timer_s is not None:
            moments.append(self.now_us + max(1, math.ceil(timer_s * 1_000_000 - 0.01)))
        if not moments:
            raise Stuck(f"after {self.now_us / 1e6:.3f} s nothing can happen any more")
        self.now_us = max(self.now_us, min(moments))
        self.jumps += 1
        if self.now_us > LONGEST_RUN_US:
            raise Stuck("an hour has passed and the run has not ended")


class JobQueue:
    """The writer's queue, on the made-up clock: jobs are handed over only between two callbacks.

    How many of the waiting jobs one commit gets is drawn by chance, so that runs differ in what
    is written together. After `None` was put, it is an ordinary queue.
    """

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._changed = threading.Condition()
        self._waiting: deque[Any] = deque()
        self._handed: deque[Any] = deque()
        self._free = self._late = self._idle = False
        self._told_late = 0
        self.deadline_us: int | None = None
        time.jobs.append(self)

    def put(self, job: Any) -> None:
        """Any thread may."""
        with self._changed:
            self._waiting.append(job)
            self._free = self._free or job is None
            self._changed.notify_all()

    def get(self, timeout: float | None = None) -> Any:
        """The writer waits here, and only here."""
        with self._changed:
            if timeout is not None:
                self.deadline_us = self._time.now_us + math.ceil(timeout * 1_000_000 - 0.01)
            self._idle = not self._handed
            self._changed.notify_all()
            while not (self._handed or self._late or (self._free and self._waiting)):
                self._changed.wait()
            self._idle, self.deadline_us = False, None
            if self._late:
                self._late = False
                raise queue.Empty
            return self._pop()

    def get_nowait(self) -> Any:
        """The rest of what was handed over."""
        with self._changed:
            return self._pop()

    def hand_over(self) -> bool:
        """Give the writer its next jobs, or tell it that its time is up; wait until it is done."""
        with self._changed:
            if self._waiting:
                most = len(self._waiting)
                count = (
                    most if self._time.chance.random() < 0.5 else self._time.chance.randint(1, most)
                )
                self._told_late = 0
                self._handed.extend(self._waiting.popleft() for _ in range(count))
            elif self.deadline_us is not None and self.deadline_us <= self._time.now_us:
                self._late = True
                self._told_late += 1
                if self._told_late > SPINS:
                    raise Stuck("the bookkeeper's thread is told of a deadline and lets it stand")
            else:
                return False
            self._idle = False
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._idle or self._free, timeout=60):
                raise Stuck("the bookkeeper's thread has died")
            return True

    def _pop(self) -> Any:
        if self._handed:
            return self._handed.popleft()
        if self._free and self._waiting:
            return self._waiting.popleft()
        raise queue.Empty


class VirtualSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Where the loop would wait: here the world is brought to rest, and then time jumps."""

    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time
        self._tcp: set[int] = set()
        self._probe_in, self._probe_out = _loopback_pair()

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """As any selector; TCP connections are noted."""
        key = super().register(fileobj, events, data)
        if _is_tcp(key.fd):
            self._tcp.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> Any:
        """As any selector."""
        key = super().unregister(fileobj)
        self._tcp.discard(key.fd)
        return key

    def close(self) -> None:
        """Close it."""
        self._probe_in.close()
        self._probe_out.close()
        super().close()

    def select(self, timeout: float | None = None) -> Any:
        """Ready sockets; where there are none, whatever must happen next."""
        while True:
            ready = super().select(0)
            if ready or (timeout is not None and timeout <= 0):
                return ready
            if self._time.hand_over() or self._something_on_its_way():
                continue
            self._time.jump(timeout)
            return []

    def _something_on_its_way(self) -> bool:
        """Loopback delivers in order: when our own byte is through, so is everything before it."""
        self._probe_in.send(b".")
        self._probe_out.recv(1)
        if super().select(0):
            return True
        for _ in range(20):
            if not self._held_back():
                return False
            if super().select(0.01):
                return True
        return False

    def _held_back(self) -> bool:
        """Whether a sender waits for its peer's kernel, which may take its (real) time."""
        if any(key.events & selectors.EVENT_WRITE for key in self._fd_to_key.values()):
            return True
        if sys.platform != "linux":
            return False
        return any(fcntl.ioctl(fd, _UNSENT_BYTES, _NOTHING) != _NOTHING for fd in self._tcp)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is the made-up one."""

    def __init__(self, time: VirtualTime) -> None:
        self._virtual = time
        super().__init__(VirtualSelector(time))
        self.set_default_executor(_Inline())

    def time(self) -> float:
        """Seconds since the run began."""
        return self._virtual.now_us / 1_000_000

    async def shutdown_default_executor(self, *_: Any) -> None:
        """Nothing to wait for: it has no threads. asyncio would start a real one to do so."""


class _Inline(concurrent.futures.ThreadPoolExecutor):
    """`asyncio.to_thread` without a thread: at once, in order."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


def run(time: VirtualTime, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on made-up time to its end."""
    with _queues(time), asyncio.Runner(loop_factory=lambda: VirtualLoop(time)) as runner:
        return runner.run(work)


@contextmanager
def _queues(time: VirtualTime) -> Iterator[None]:
    """Every writer started inside waits on the made-up clock."""
    ours = SimpleNamespace(SimpleQueue=lambda: JobQueue(time), Empty=queue.Empty)
    with mock.patch.object(writer, "queue", ours), mock.patch.object(db, "_pragmas", _no_fsync):
        yield


def _no_fsync(*, read_only: bool) -> list[str]:
    """Nothing crashes here, so nothing needs to wait for the disk."""
    return ["synchronous=OFF" if "synchronous" in p else p for p in _PRAGMAS(read_only=read_only)]


def _is_tcp(fd: int) -> bool:
    """A connection, not a listener or the loop's own pipe."""
    try:
        fcntl.ioctl(fd, _UNSENT_BYTES, _NOTHING)
    except OSError:
        return False
    return True


def _loopback_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, struct.pack("i", 1))
    return one, other
