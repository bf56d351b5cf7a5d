"""Talking to the daemon: every failure is an error that says what to run."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentspend.control import client
from agentspend.control.client import Connection, call
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable

Serve = Callable[[Callable[[socket.socket], None]], Path]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Listen on a socket, and do something with the one connection that comes."""
    threads = []
    listener = socket.socket(socket.AF_UNIX)

    def start(work: Callable[[socket.socket], None]) -> Path:
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def accept() -> None:
            peer, _ = listener.accept()
            with peer:
                work(peer)

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[0].start()
        return tmp_path / "s"

    yield start
    listener.close()
    for thread in threads:
        thread.join(10)


def _answers(line: bytes) -> Callable[[socket.socket], None]:
    """Hear a question out, and answer it with this line."""

    def work(peer: socket.socket) -> None:
        peer.makefile("rb").readline()
        peer.sendall(line)

    return work


def test_a_question_and_its_answer(serve: Serve) -> None:
    """One line out, one line back."""
    asked: list[dict[str, object]] = []

    def answer(peer: socket.socket) -> None:
        asked.append(json.loads(peer.makefile("rb").readline()))
        peer.sendall(b'{"v":1,"pid":7}\n')

    assert call(serve(answer), "ping", deep=True)["pid"] == 7
    assert asked == [{"v": 1, "op": "ping", "deep": True}]


def test_nobody_there(tmp_path: Path) -> None:
    """No socket, and a socket nobody listens at, are one thing: no daemon, and how to start it."""
    (tmp_path / "file").write_text("")
    for name in ("none", "file", "n" * 200):
        with pytest.raises(DaemonUnreachable, match="is not running") as raised:
            call(tmp_path / name, "ping")
        assert raised.value.hint == "agentspend daemon start"


def test_it_hangs_up_before_it_answers(serve: Serve) -> None:
    """A daemon that stops in the middle is told apart from one that never was."""
    with pytest.raises(DaemonUnreachable, match="hung up before it answered"):
        call(serve(lambda peer: peer.makefile("rb").readline() and None), "ping")


@pytest.mark.parametrize("last", [b'{"v":1,"bye":true}\n', b'{"v":1,"budg'])
def test_what_it_says_last_is_no_answer(serve: Serve, last: bytes) -> None:
    """A goodbye that overtakes the answer, and a line that it died in."""
    with pytest.raises(DaemonUnreachable, match="hung up before it answered"):
        call(serve(_answers(last)), "status")


def test_it_says_nothing(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that does not answer in time is not waited for forever."""
    done = threading.Event()
    monkeypatch.setattr(client, "TIMEOUT_S", 0.05)
    path = serve(lambda _: done.wait(10) and None)
    with Connection(path, 0.05) as connection:
        with pytest.raises(DaemonSilent, match="did not answer within") as raised:
            connection.ask("ping")
        assert raised.value.hint.startswith("agentspend daemon logs")
        if hasattr(socket, "SO_PEERCRED"):
            assert f"(pid {os.getpid()})" in raised.value.message
            assert f"kill -9 {os.getpid()}  (nothing is lost" in raised.value.hint
    done.set()


@pytest.mark.parametrize(
    ("op", "told"), [("status", "Ctrl-C, then, if it hangs: "), ("team.join", "it asks a server")]
)
def test_who_waits_is_told_why(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, op: str, told: str
) -> None:
    """Long before the time is up, with what ends the wait; then the answer comes all the same."""
    heard: list[str] = []
    asked, go_on = threading.Event(), threading.Event()

    def hear(text: str, hint: str) -> None:
        heard.extend((text, hint))
        go_on.set()

    def answer(peer: socket.socket) -> None:
        peer.makefile("rb").readline()
        asked.set()
        go_on.wait(10)
        peer.sendall(b'{"v":1,"late":1}\n')

    monkeypatch.setattr(client, "tell", hear)
    monkeypatch.setattr(client, "SAID_AFTER_S", 0.01)
    assert call(serve(answer), op) == {"v": 1, "late": 1}
    assert asked.is_set()
    assert "has not answered for" in heard[0]
    assert "waiting 30 s more" in heard[0]
    assert heard[1].startswith(told)


def test_only_the_main_thread_speaks(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one works behind an agent's screen."""
    heard: list[str] = []
    monkeypatch.setattr(client, "tell", lambda *words: heard.extend(words))
    monkeypatch.setattr(client, "SAID_AFTER_S", 0.0)
    path = serve(_answers(b'{"v":1}\n'))
    thread = threading.Thread(target=call, args=(path, "status"))
    thread.start()
    thread.join(10)
    assert heard == []


def test_one_that_takes_no_more_calls_hangs(tmp_path: Path) -> None:
    """A full queue at its door is no daemon that does not run: another one could not start."""
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "ledger.lock").write_text("4711\n")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        listener.listen(0)
        calls = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for each in calls:
            each.setblocking(False)
            with suppress(BlockingIOError):
                each.connect(str(folder / "s"))
        with pytest.raises(DaemonSilent, match="it takes no more") as raised:
            Connection(folder / "s")
        for each in calls:
            each.close()
    assert raised.value.hint.startswith("end it: kill -9 4711 ")


def test_a_stop_that_takes_long_says_why(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests in flight end first."""
    heard: list[str] = []
    told = threading.Event()

    def hear(text: str, _: str) -> None:
        heard.append(text)
        told.set()

    monkeypatch.setattr(client, "tell", hear)
    monkeypatch.setattr(client, "SAID_AFTER_S", 0.01)
    with Connection(serve(lambda _: told.wait(10) and None)) as connection:
        connection.wait_until_gone()
    assert heard == ["it lets requests in flight end first, 20 s at most"]


def test_it_refuses(serve: Serve) -> None:
    """The daemon's own error arrives with its way out."""
    line = b'{"v":1,"error":{"message":"no","hint":"ask a person"}}\n'
    with pytest.raises(AgentspendError, match=r"^no$") as raised:
        call(serve(_answers(line)), "adjust")
    assert raised.value.hint == "ask a person"


@pytest.mark.parametrize("line", [b"hello\n", b"[]\n", b'{"v":2}\n'])
def test_it_speaks_another_language(serve: Serve, line: bytes) -> None:
    """Nonsense and another version are errors with words, not tracebacks."""
    with pytest.raises(AgentspendError):
        call(serve(_answers(line)), "ping")


def test_a_stream_of_answers(serve: Serve) -> None:
    """Answers come one by one until the daemon hangs up."""
    lines = b"".join(b'{"v":1,"event":%d}\n' % number for number in range(3))
    with Connection(serve(lambda peer: peer.sendall(lines))) as connection:
        connection.wait_forever()
        assert [message["event"] for message in connection.answers()] == [0, 1, 2]


def test_a_connection_that_broke(serve: Serve) -> None:
    """Sending to a daemon that is gone says so."""
    gone = threading.Event()

    def leave(peer: socket.socket) -> None:
        peer.close()
        gone.set()

    with Connection(serve(leave)) as connection:
        gone.wait(10)
        with pytest.raises(DaemonUnreachable):
            connection.ask("ping", much="x" * 1_000_000)
