"""The branch of each request: what is checked out when it comes, not when the session began."""

import subprocess
from pathlib import Path

from tests.daemon.helpers import KEY, session, set_port
from tests.support.ports import free_port
from tests.support.process import Home


def git(folder: Path, *words: str) -> None:
    """git itself."""
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True)


def branches(home: Home) -> list[str]:
    """The branch of every charge, in order."""
    return [entry.get("branch", "") for entry in home.json("log") if entry["kind"] == "settle"]


def test_requests_are_filed_under_the_branch_of_their_moment(home: Home, tmp_path: Path) -> None:
    """An agent that makes a branch spends on it from there on, also after the daemon crashed."""
    work = tmp_path / "work"
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    set_port(home, free_port())
    stored = {"AGENTSPEND_ANTHROPIC_KEY": KEY}
    home.run("daemon", "start", **stored)
    with session(home, head=str(work / ".git/HEAD"), keys={}) as way:
        way.post().read()
        git(work, "checkout", "-q", "-b", "fix/1")
        assert [each["branch"] for each in home.json("status")["sessions"]] == ["fix/1"]
        way.post().read()
        home.kill()
        git(work, "symbolic-ref", "HEAD", "refs/heads/fix/2")
        home.run("daemon", "start", **stored)
        way.post().read()

    assert branches(home) == ["main", "fix/1", "fix/2"]


def test_a_run_tells_the_daemon_where_to_look(home: Home, tmp_path: Path) -> None:
    """The whole way: `run` in a work tree, whose agent changes the branch between two requests."""
    work = tmp_path / "work"
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    ask = (
        "import json, os, subprocess, urllib.request as u\n"
        "def post():\n"
        "  body = {'model': 'claude-opus-5', 'max_tokens': 50,"
        " 'messages': [{'role': 'user', 'content': 'hi'}]}\n"
        "  u.urlopen(u.Request(os.environ['ANTHROPIC_BASE_URL'] + '/v1/messages',"
        " json.dumps(body).encode(), {'content-type': 'application/json',"
        " 'x-api-key': os.environ.get('ANTHROPIC_API_KEY', '')})).read()\n"
        "post(); subprocess.run(['git', 'checkout', '-q', '-b', 'made']); post()\n"
    )
    env = {"ANTHROPIC_API_KEY": "sk-ant-test"}
    done = home.run("run", "--", "python3", "-c", ask, cwd=work, **env)

    assert done.returncode == 0, done.stderr
    assert branches(home) == ["main", "made"]
