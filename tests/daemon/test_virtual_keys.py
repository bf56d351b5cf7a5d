"""Virtual keys with the real daemon: after a crash, in the sessions list, out of agents' reach."""

import json
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from agentspend.core.errors import AgentspendError
from tests.daemon.helpers import ask, budget, paths, session, set_port
from tests.support.ports import free_port
from tests.support.process import Home, SandboxProcess

REFUSED = "an agent may not"
STORED = "sk-ant-api03-stored"
CLIENT = Path(__file__).with_name("key_client.py")


@pytest.fixture(autouse=True)
def _stored(home: Home) -> None:
    """A stored provider key: what a virtual key is a key to."""
    home.env["AGENTSPEND_ANTHROPIC_KEY"] = STORED


def create(home: Home, alias: str = "ci", *words: str) -> str:
    """A new key's base URL."""
    made = home.run("key", "create", "--alias", alias, *words, "--json")
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["base_url"])


def client(home: Home, url: str, *commands: str, cwd: Path | None = None) -> list[Any]:
    """A plain client of the key in a process of its own: one request, and then, as an agent's tools
    do, commands. What came back: the request's status, then each command's stderr."""
    done = subprocess.run(
        [sys.executable, str(CLIENT), url, *commands],
        env=home.env, cwd=cwd or home.user, capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    found: list[Any] = json.loads(done.stdout)
    return found


def test_a_key_outlives_a_crash(home: Home) -> None:
    """After kill -9 the same address works at once, and everything is still in the books."""
    set_port(home, free_port())
    url = create(home, "ci", "--max-budget", "2")
    assert client(home, url) == [200]
    home.kill()
    home.run("daemon", "start")

    assert client(home, url) == [200]

    line = budget(home, "key-ci")
    charged = [entry["amount_nusd"] for entry in home.json("log") if entry["kind"] == "settle"]
    assert len(charged) == 2
    assert line["spent_nusd"] == sum(charged)


def test_a_client_is_found_and_filed_under_its_folder(home: Home) -> None:
    """A plain agent names no project; the folder of its process does, and the session shows it."""
    repo = home.user / "repo"
    subprocess.run(["git", "init", "-q", "-b", "topic", str(repo)], check=True)
    url = create(home)

    client(home, url, cwd=repo)

    (shown,) = home.json("status")["sessions"]
    assert (shown["id"], shown["key"], shown["project"]) == ("ci", "ci", "local/repo")
    (entry,) = [entry for entry in home.json("log") if entry["kind"] == "settle"]
    assert (entry["project"], entry["branch"]) == ("local/repo", "topic")


def test_a_session_of_a_client_that_is_gone_ends_with_a_restart(home: Home) -> None:
    """Nobody is shown who is not there; the next request opens a session again."""
    set_port(home, free_port())
    url = create(home)
    client(home, url)
    assert [each["id"] for each in ask(home, "status")["sessions"]] == ["ci"]
    home.kill()
    home.run("daemon", "start")
    assert ask(home, "status")["sessions"] == []
    assert client(home, url) == [200]
    assert [each["id"] for each in ask(home, "status")["sessions"]] == ["ci"]


ACTS = [
    "key create --alias mine --max-budget 9",
    "key unblock blocked",
    "key rotate ci",
    "key update ci --rpm-limit 0",
    "key delete ci",
    "budget raise daily 100",
    "budget raise key-ci 100",
]


def test_an_agent_in_a_run_makes_itself_no_key(home: Home) -> None:
    """Whatever lets somebody in, or ends a budget with its key; blocking is anybody's to do."""
    create(home, "blocked")
    create(home, "ci", "--max-budget", "2")
    home.run("key", "block", "blocked")
    before = home.config.read_text()

    for act in ACTS:
        said = home.run("run", "--", "sh", "-c", f"agentspend {act}").stderr
        assert REFUSED in said, said

    assert home.config.read_text() == before
    states = {each["alias"]: each["state"] for each in home.json("key", "list")["keys"]}
    assert states == {"blocked": "blocked", "ci": "active"}
    assert REFUSED not in home.run("run", "--", "agentspend", "key", "block", "ci").stderr
    assert home.json("key", "info", "ci")["state"] == "blocked"


def test_a_plain_client_of_a_key_is_an_agent_too(home: Home) -> None:
    """Its process was seen when its session began: what it starts may loosen nothing."""
    url = create(home, "ci", "--max-budget", "2")
    create(home, "blocked")
    home.run("key", "block", "blocked")

    status, *said = client(home, url, *(f"agentspend {act}" for act in ACTS))

    assert status == 200
    assert [REFUSED in each for each in said] == [True] * len(ACTS), said
    assert budget(home, "key-ci")["limit_nusd"] == 2 * 10**9


def test_so_is_the_next_one_that_comes_with_the_same_key(home: Home) -> None:
    """A client that names no session is known by its process, not by who came first; each has a
    session of its own in its own folder."""
    url = create(home, "ci", "--max-budget", "2")
    for name in ("one", "two"):
        subprocess.run(["git", "init", "-q", str(home.user / name)], check=True)
    client(home, url, cwd=home.user / "one")

    _, said = client(home, url, "agentspend budget raise key-ci 100", cwd=home.user / "two")

    assert REFUSED in said
    assert [each["project"] for each in home.json("status")["sessions"]] == [
        "local/one", "local/two"
    ]  # fmt: skip


def test_also_after_it_killed_the_daemon(home: Home) -> None:
    """The daemon that comes back knows the clients that still run."""
    set_port(home, free_port())
    url = create(home, "ci", "--max-budget", "2")
    kill = f"kill -9 $(cat {paths(home).lock})"

    _, _, said = client(
        home, url, kill, "agentspend daemon start; agentspend budget raise key-ci 100"
    )

    assert REFUSED in said
    assert budget(home, "key-ci")["limit_nusd"] == 2 * 10**9


def test_a_run_inside_a_plain_client_spends_the_keys_budget(home: Home) -> None:
    """Started by a key's client, `agentspend run` is no way out of the key: its budget and rules
    hold, and the session is the client's."""
    url = create(home, "ci", "--max-budget", "2")
    inner = f"{sys.executable} {CLIENT} $ANTHROPIC_BASE_URL"

    client(home, url, f"agentspend run -- sh -c '{inner}'")

    charged = [entry for entry in home.json("log") if entry["kind"] == "settle"]
    assert [(entry["key"], entry["session"]) for entry in charged] == [("ci", "ci")] * 2
    assert budget(home, "key-ci")["spent_nusd"] == sum(each["amount_nusd"] for each in charged)


def test_a_run_with_a_virtual_key_in_its_environment_never_sends_it(
    home: Home, provider: SandboxProcess
) -> None:
    """`OPENAI_API_KEY=ask-…` is no provider's key: the stored one pays, or nobody."""
    token = create(home).rpartition("/")[2]

    done = home.run("run", "--", sys.executable, str(CLIENT), "", ANTHROPIC_API_KEY=token)

    assert json.loads(done.stdout) == [200], done.stderr
    with urllib.request.urlopen(f"{provider.url}/_sandbox/requests", timeout=10) as answer:
        sent = json.load(answer)["requests"][-1]
    assert sent["headers"]["x-api-key"] == STORED
    assert token not in str(sent)


def test_nothing_but_hashes_is_kept(home: Home) -> None:
    """No table, no log, no socket answer has a token."""
    token = create(home).rpartition("/")[2]
    with session(home), pytest.raises(AgentspendError, match=REFUSED):
        ask(home, "key.rotate", alias="ci")
    home.run("daemon", "stop")
    with sqlite3.connect(paths(home).ledger) as conn:
        dump = "\n".join(conn.iterdump())
    conn.close()
    assert token not in dump
    assert token not in paths(home).log.read_text()
