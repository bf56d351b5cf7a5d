"""A stop lets what runs come to its end, and no longer."""

import asyncio
import concurrent.futures
import json
import os
import signal
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

import agentspend.daemon.app
from agentspend.config.load import load_with_zone
from agentspend.config.paths import Paths
from agentspend.daemon.app import build
from agentspend.daemon.identity import load_device
from tests.daemon.helpers import alive, ask, budget, session, until
from tests.support.process import Home, SandboxProcess

HANGS = {"default": {"hang_after_events": 3, "deltas": 6}}


def release(provider: SandboxProcess) -> int:
    """Let the hanging requests go on; returns how many hung."""
    order = urllib.request.Request(f"{provider.url}/_sandbox/release", b"", method="POST")
    with urllib.request.urlopen(order, timeout=10) as answer:
        return int(json.load(answer)["released"])


@pytest.mark.parametrize("how", ["stop", "SIGTERM", "SIGINT"])
def test_a_running_stream_ends_whole_and_then_the_daemon_stops(
    home: Home, provider: SandboxProcess, how: str
) -> None:
    """The client reads the last event, the charge is exact, a new request is refused meanwhile."""
    home.run("daemon", "start")
    pid = home.pid()
    provider.direct(HANGS)
    with session(home) as way, concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = way.post(stream=True)
        first = answer.read(64)
        stopping = pool.submit(_stop, home, pid, how)
        refused = until(lambda: _turned_away(way.post), "new requests are turned away")
        until(lambda: release(provider), "the stream went on")
        body = first + answer.read()
        said = stopping.result()

    assert b"event: message_stop" in body
    assert b"stopping" in refused
    until(lambda: not alive(pid), "the daemon has stopped")
    assert how != "stop" or "daemon stopped" in said
    settled = next(e for e in home.json("log") if e["kind"] == "settle")
    assert settled["evidence"] == "provider_usage"
    assert settled["amount_nusd"] == provider.bill()["rows"][-1]["nusd_up"]


def test_who_starts_one_that_is_stopping_gets_the_next(
    home: Home, provider: SandboxProcess
) -> None:
    """It takes no request any more, so it is no daemon that runs already."""
    home.run("daemon", "start")
    pid = home.pid()
    provider.direct(HANGS)
    with session(home) as way, concurrent.futures.ThreadPoolExecutor(2) as pool:
        answer = way.post(stream=True)
        answer.read(64)
        stopping = pool.submit(_stop, home, pid, "stop")
        until(lambda: _turned_away(way.post), "new requests are turned away")
        assert home.run("daemon", "status").stdout.startswith(f"stopping pid {pid}")
        starting = pool.submit(home.run, "daemon", "start")
        until(lambda: release(provider), "the stream went on")
        answer.read()
        assert "daemon stopped" in stopping.result()
        assert "daemon started" in starting.result().stderr
    assert home.pid() not in (0, pid)


def _stop(home: Home, pid: int, how: str) -> str:
    """Stop the daemon by command or by signal."""
    if how == "stop":
        return home.run("daemon", "stop").stderr
    os.kill(pid, getattr(signal, how))
    return ""


def _turned_away(post: object) -> bytes:
    """The daemon's words once it takes nothing new; b"" while it still does."""
    assert callable(post)
    answer = post(max_tokens=0)
    body: bytes = answer.read()
    return body if b"stopping" in body else b""


async def test_a_stream_that_never_ends_is_cut_when_the_time_is_up(
    tmp_path: Path, provider: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drain is bounded; what was cut is charged, at least what the provider bills."""
    monkeypatch.setattr(agentspend.daemon.app, "DRAIN_S", 0.05)
    home = Home(tmp_path, provider.url)
    places = Paths.find(home.env)
    places.make()
    provider.direct(HANGS)
    daemon = build(places, load_with_zone(places), load_device(places.device_key))
    await daemon.start()
    before = len(provider.bill()["rows"])
    with ExitStack() as stack:
        way = await asyncio.to_thread(stack.enter_context, session(home))
        answer = await asyncio.to_thread(way.post, stream=True)
        assert await asyncio.to_thread(answer.read, 16)

        await asyncio.wait_for(daemon.stop(), 20)

    (row,) = provider.bill()["rows"][before:]
    (charge,) = [e for e in home.json("log") if e["kind"] == "settle"]
    assert charge["evidence"] == "estimate"
    assert charge["amount_nusd"] >= row["nusd_up"]


def test_stop_says_what_it_means_for_open_sessions(home: Home) -> None:
    """A person who stops it with agents at work is told that their requests fail from here on."""
    home.run("daemon", "start")
    with session(home) as way:
        done = home.run("daemon", "stop")

        assert "1 session still open" in done.stderr
        with pytest.raises(OSError, match="refused"):
            way.post()


def test_nothing_is_held_after_an_orderly_stop(home: Home) -> None:
    """The next start recovers nothing."""
    home.run("daemon", "start")
    with session(home) as way:
        way.post().read()
        home.run("daemon", "stop")
    home.run("daemon", "start")

    assert ask(home, "ping")["recovered"] == 0
    assert budget(home)["held_nusd"] == 0
