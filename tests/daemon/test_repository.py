"""A repository's `.agentspend.toml`, through the real programs: found, shown, adopted, enforced."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.helpers import KEY, ask, set_port
from tests.support.ports import free_port
from tests.support.process import ROOT, Home

DAY = '[[budgets]]\nname = "day"\nlimit = "2.00"\nwindow = "day"\n'
ASK = """
import json, os, urllib.error, urllib.request as u
body = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
head = {"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_API_KEY"]}
url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
asked = u.Request(url, json.dumps(body).encode(), head)
try:
    print(u.urlopen(asked).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository of acme's, with a remote."""
    folder = tmp_path / "api"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    remote = "git@github.com:acme/api.git"
    subprocess.run(["git", "-C", folder, "remote", "add", "origin", remote], check=True)
    return folder


def put(folder: Path, text: str) -> None:
    """Write the file of a folder."""
    folder.mkdir(exist_ok=True)
    (folder / ".agentspend.toml").write_text(text)


def agent(home: Home, folder: Path, model: str = "claude-sonnet-5") -> "tuple[str, str]":
    """Run something that asks this model once; what it got, and what `run` said."""
    code = ASK.replace("MODEL", repr(model))
    env = {"ANTHROPIC_API_KEY": KEY}
    done = home.run("run", "--", sys.executable, "-c", code, cwd=folder, **env)
    return done.stdout, done.stderr


def limits(home: Home) -> dict[str, str]:
    """Each budget's limit in cents and where it is from."""
    lines = home.json("budget", "list")["budgets"]
    return {line["name"]: f"{line['limit_nusd'] // 10**7} {line['source']}" for line in lines}


SOURCE = "github.com/acme/api/.agentspend.toml"


def test_a_repository_tightens_at_once_and_loosens_by_a_person(home: Home, work: Path) -> None:
    """`run` shows it, the daemon keeps it across a restart, `confirm` there agrees to a raise."""
    put(work, f'tags = ["team:web"]\n{DAY}')
    got, said = agent(home, work)
    assert got == "200\n"
    assert "acme-api.day $2.00 of $2.00 free" in said
    assert limits(home) == {"daily": "500 ", "acme-api.day": f"200 {SOURCE}"}
    [entry] = [each for each in home.json("log") if each["kind"] == "settle"]
    assert (entry["project"], entry["tags"]) == ("github.com/acme/api", ["team=web"])

    put(work, DAY.replace("2.00", "9.00"))
    _, said = agent(home, work)
    assert "limit rises from $2.00 to $9.00: waits for you" in said
    home.run("daemon", "stop")
    assert limits(home)["acme-api.day"] == f"200 {SOURCE}"
    home.run("daemon", "start")
    refused = home.run("budget", "raise", "acme-api.day", "5")
    assert (refused.returncode, SOURCE in refused.stderr) == (2, True)
    assert limits(home)["acme-api.day"] == f"200 {SOURCE}"

    agreed = home.run("budget", "confirm", "--yes", cwd=work)
    assert agreed.returncode == 0, agreed.stderr
    assert limits(home)["acme-api.day"] == f"900 {SOURCE}"
    assert f"acme-api.day: of {SOURCE}" in agreed.stdout

    gone = home.run("budget", "remove", "acme-api.day")
    assert "until a session begins" in gone.stderr
    assert limits(home) == {"daily": "500 "}


def test_a_refusal_names_the_file_that_says_so(home: Home, work: Path) -> None:
    """A budget's, and a rule's: the way out is that file."""
    put(work, DAY.replace("2.00", "0.000001") + '[[models]]\ndeny = ["claude-opus-*"]\n')

    broke, _ = agent(home, work)
    forbidden, _ = agent(home, work, "claude-opus-5")

    for got in (broke, forbidden):
        assert got.startswith("40")
        assert f"It comes from {SOURCE}" in got
    assert "edit that file, then there, in another terminal: agentspend budget confirm" in broke


def test_a_file_that_would_loosen_stops_the_run(home: Home, work: Path) -> None:
    """With the file and the line, before the agent starts; nothing of it is taken over."""
    put(work, '[providers.anthropic]\nbase_url = "https://elsewhere.example"\n' + DAY)

    done = home.run("run", "--", "echo", "started", cwd=work)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"{work}/.agentspend.toml line 1: providers.anthropic is not for a" in done.stderr
    assert limits(home) == {"daily": "500 "}


def test_rules_hold_across_a_crash_and_for_what_an_agent_starts(home: Home, work: Path) -> None:
    """From the ledger's database until `run` is back; and in a session begun elsewhere inside."""
    put(work, '[[models]]\ndeny = ["claude-opus-*"]\n')
    set_port(home, free_port())
    code = f"""
import os, signal, subprocess, sys, time
inside = [sys.executable, "-m", "agentspend", "run", "--", sys.executable, "-c",
          {ASK.replace("MODEL", "'claude-opus-5'")!r}]
print(subprocess.run(inside, cwd="/", text=True, capture_output=True).stdout)
pid = int(open({str(home.home / "ledger.lock")!r}).read())
os.kill(pid, signal.SIGKILL)
subprocess.run([sys.executable, "-m", "agentspend", "daemon", "start"])
{ASK.replace("MODEL", "'claude-opus-5'")}
"""
    env = {"ANTHROPIC_API_KEY": KEY, "AGENTSPEND_ANTHROPIC_KEY": KEY, "PYTHONPATH": str(ROOT)}
    done = home.run("run", "--", sys.executable, "-c", code, cwd=work, **env)

    assert done.stdout.count("may not be used here") == 2, done.stdout + done.stderr
    assert ask(home, "status")["rules"] == []


def test_what_an_agent_starts_elsewhere_stays_in_the_project(home: Home, work: Path) -> None:
    """A `run` inside a `run` counts in the outer one's project and tags, wherever it begins."""
    put(work, f'tags = ["team:web"]\n{DAY}')
    inside = [sys.executable, "-m", "agentspend", "run", "--", sys.executable, "-c",
              ASK.replace("MODEL", "'claude-sonnet-5'")]  # fmt: skip
    code = f"import subprocess\nsubprocess.run({inside!r}, cwd='/')"
    env = {"ANTHROPIC_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    done = home.run("run", "--", sys.executable, "-c", code, cwd=work, **env)

    assert "200" in done.stdout, done.stderr
    [entry] = [each for each in home.json("log") if each["kind"] == "settle"]
    assert entry["tags"] == ["project=github.com/acme/api", "team=web"]
    line = next(b for b in home.json("status")["budgets"] if b["name"] == "acme-api.day")
    assert line["spent_nusd"] == entry["amount_nusd"] > 0


def test_a_plain_agent_with_a_virtual_key_is_under_the_files_of_its_folder(
    home: Home, work: Path
) -> None:
    """Its budgets, tags and rules; a file that cannot be used stops its requests."""
    home.env["AGENTSPEND_ANTHROPIC_KEY"] = KEY
    set_port(home, free_port())
    made = home.run("key", "create", "--alias", "plain", "--json")
    url = json.loads(made.stdout)["base_url"]
    put(work, f'project = "pay"\ntags = ["team:web"]\n{DAY}')
    env = {**home.env, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": ""}

    def asked() -> str:
        """What a process in the repository gets."""
        code = ASK.replace("MODEL", "'claude-haiku-4-5'")
        words = [sys.executable, "-c", code]
        return subprocess.run(
            words, env=env, cwd=work, capture_output=True, text=True, check=True
        ).stdout

    assert asked() == "200\n"
    [entry] = [each for each in home.json("log") if each["kind"] == "settle"]
    assert (entry["project"], entry["key"]) == ("pay", "plain")
    assert entry["tags"] == ["project=github.com/acme/api", "team=web"]
    assert limits(home)["pay.day"] == "200 " + SOURCE

    for text, words in (
        ('[[models]]\ndeny = ["claude-haiku-*"]\n', "may not be used here"),
        ("[providers.x]\nfree = true\n", "providers.x is not for a repository to set"),
        ('team = "data"\n', "200"),  # This device is in no team.
    ):
        put(work, text)
        home.run("daemon", "stop")
        home.run("daemon", "start")
        assert words in asked()
