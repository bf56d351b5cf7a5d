"""The daemon dies under a running agent, and comes back for it by itself."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentspend.wire.chain import verify_chain
from tests.daemon import agent
from tests.daemon.helpers import KEY, ask, set_port, until
from tests.support.ports import free_port
from tests.support.process import Home, SandboxProcess


@contextmanager
def agent_at_work(home: Home, folder: Path, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """`agentspend run` with our agent in it, up to its first answer."""
    command = [sys.executable, agent.__file__, str(folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "agentspend", "run", "--", *command],
        env={**home.env, **env}, cwd=home.user, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            until((folder / "one").exists, "the agent's first answer")
            yield process
        finally:
            process.kill()


def keys_seen(provider: SandboxProcess) -> list[str]:
    """The keys the provider was sent with paid requests, in order."""
    with urllib.request.urlopen(f"{provider.url}/_sandbox/requests", timeout=10) as answer:
        seen = json.load(answer)["requests"]
    return [one["headers"]["x-api-key"] for one in seen if one["path"].endswith("/messages")]


def test_the_agent_goes_on_with_the_same_token_and_the_key_is_handed_over_again(
    home: Home, provider: SandboxProcess, tmp_path: Path
) -> None:
    """kill -9 in mid-session: a new daemon, the same way in, the caller's own key upstream."""
    set_port(home, free_port())
    home.run("daemon", "start")
    before = len(keys_seen(provider))
    with agent_at_work(home, tmp_path, ANTHROPIC_API_KEY=KEY) as run:
        dead = home.pid()
        home.kill()
        (tmp_path / "go").touch()
        until((tmp_path / "two").exists, "the agent is answered again")
        _, said = run.communicate(timeout=30)

    assert home.pid() not in (0, dead)
    assert keys_seen(provider)[before:] == [KEY, KEY]
    assert "in 2 requests" in said
    heard = json.loads((tmp_path / "heard").read_text())
    assert set(heard) <= {0, 200, 502, 503}, heard
    assert run.returncode == 0


def test_an_orderly_stop_is_not_undone_by_a_running_agent(home: Home, tmp_path: Path) -> None:
    """A person stopped it: `run` starts no new one, and goes on once a person starts it again."""
    set_port(home, free_port())
    home.run("daemon", "start")
    with agent_at_work(home, tmp_path, ANTHROPIC_API_KEY=KEY) as run:
        home.run("daemon", "stop")
        assert home.pid() == 0
        home.run("daemon", "start")
        until(lambda: ask(home, "status")["sessions"], "the session is open again")
        (tmp_path / "go").touch()
        _, said = run.communicate(timeout=60)

    assert run.returncode == 0, said
    assert (tmp_path / "two").read_text() == "200"


def test_the_session_is_one_in_the_ledger_across_the_crash(home: Home, tmp_path: Path) -> None:
    """Both requests are charged to the same session, and the chain is whole."""
    set_port(home, free_port())
    home.run("daemon", "start")
    with agent_at_work(home, tmp_path, ANTHROPIC_API_KEY=KEY) as run:
        home.kill()
        (tmp_path / "go").touch()
        run.communicate(timeout=60)

    entries = home.json("log")
    assert len({entry["session"] for entry in entries if entry["kind"] == "settle"}) == 1
    bodies = [body.encode() for _, _, body in ask(home, "entries", count=100)["entries"]]
    assert verify_chain(bodies).ok
