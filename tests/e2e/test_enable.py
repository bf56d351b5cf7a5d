"""After `agentspend enable`, plain agents: billed to the nano-dollar, stopped at the key's budget.

Nothing of ours is in their environment: what leads them here are files of their own.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.helpers import set_port
from tests.e2e.world import World
from tests.support.ports import free_port
from tests.support.process import AGENTS

BIN = AGENTS.parents[1] / "bin"
SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}
HELLO = "Hello from the sandbox."
WITHIN_S = 120
ASK: dict[str, list[str]] = {
    "claude": ["claude", "-p", "say hi"],
    "codex": ["codex", "exec", "--skip-git-repo-check", "say hi"],
    "gemini": ["gemini", "--skip-trust", "-m", "gemini-2.5-flash", "-p", "say hi"],
    "opencode": ["opencode", "run", "-m", "anthropic/claude-sonnet-4-5", "say hi"],
    "aider": ["aider", "--no-check-update", "--yes-always", "--no-show-model-warnings",
              "--model", "openai/gpt-4.1-mini", "-m", "say hi"],
}  # fmt: skip
FILES = {
    "claude": (".claude/settings.json", '{\n  "model": "claude-opus-5"\n}\n'),
    "codex": (".codex/config.toml", '# mine\nmodel = "gpt-5.4-mini"\n\n[tui]\nx = 1\n'),
    "gemini": (".gemini/settings.json", '{"ui": {"hideTips": true}} // mine\n'),
    "opencode": (".config/opencode/opencode.jsonc",
                 '{\n  // mine\n  "$schema": "https://opencode.ai/config.json",\n}\n'),
    "aider": (".aider.conf.yml", "# mine\ndark-mode: true"),
}  # fmt: skip
CONFIG = '[providers.openai]\nbase_url = "{0}"\n[providers.google]\nbase_url = "{0}"\n'


def agents(*names: str) -> list[object]:
    """A parameter for each agent, left out where its program is missing."""
    return [pytest.param(each, marks=pytest.mark.agent(*(() if each == "claude" else (each,))))
            for each in names]  # fmt: skip


@pytest.fixture
def machine(folder: Path) -> Iterator[World]:
    """A person's machine with a stored key for each provider, and a port that outlives a daemon."""
    with World(folder) as found:
        home = found.home
        home.config.write_text(home.config.read_text() + CONFIG.format(found.sandbox.url))
        set_port(home, free_port())
        for name in ("ANTHROPIC", "OPENAI", "GOOGLE"):
            home.env[f"AGENTSPEND_{name}_KEY"] = f"key-of-{name.lower()}"
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "CODEX_HOME", "GEMINI_API_KEY"):
            home.env.pop(name, None)
        home.env |= {"PATH": f"{BIN}:{home.env['PATH']}"}
        found.sandbox.direct(SAYS)
        yield found


def plain(machine: World, agent: str) -> "subprocess.CompletedProcess[str]":
    """The agent as a person starts it: no key, no address and no token in its environment."""
    env = {name: value for name, value in machine.home.env.items() if "AGENTSPEND" not in name}
    return subprocess.run(
        ASK[agent], cwd=machine.work, env=env, stdin=subprocess.DEVNULL, text=True,
        capture_output=True, timeout=WITHIN_S, check=False,
    )  # fmt: skip


def enable(machine: World, agent: str, *words: str) -> None:
    """`agentspend enable AGENT`, as who says yes to it."""
    done = machine.home.run("enable", agent, "--yes", *words)
    assert done.returncode == 0, done.stderr


def cap(machine: World, alias: str, limit: str) -> None:
    """The budget that `enable` proposes."""
    words = ("--window", "day", "--scope", f"key={alias}")
    assert machine.home.run("budget", "set", f"key-{alias}", limit, *words).returncode == 0


def agree(machine: World, at_least: int) -> None:
    """Both books hold the same answers at the same cost; Google sends no id of a request."""
    ours = {entry["response_id"]: entry["amount_nusd"] for entry in machine.settled()}
    theirs = {row["message_id"]: row["nusd_up"] for row in machine.sandbox.bill()["rows"]}
    assert ours == theirs
    assert len(ours) >= at_least


@pytest.mark.parametrize("agent", agents(*ASK))
def test_a_plain_agent_is_billed_and_its_files_come_back(machine: World, agent: str) -> None:
    """Both books agree, the key and the agent stand in the ledger, the work's repository too; a
    restart of the daemon changes nothing; undone, every file is what it was."""
    name, text = FILES[agent]
    path = machine.write(name, text)
    subprocess.run(["git", "init", "-q", "-b", "topic", str(machine.work)], check=True)
    enable(machine, agent)

    first = plain(machine, agent)
    assert HELLO in first.stdout, first.stderr
    machine.home.kill()
    machine.home.run("daemon", "start")
    second = plain(machine, agent)

    assert HELLO in second.stdout, second.stderr
    agree(machine, 2)
    for entry in machine.settled():
        assert (entry["key"], entry["agent"]) == (f"plain-{agent}", agent)
        assert (entry["project"], entry["branch"]) == ("local/work", "topic")
    for post in machine.seen():
        assert "ask-" not in str(post["headers"]) + post["path"]
    enable(machine, agent, "--undo")
    if agent == "opencode":
        return  # OpenCode edits the file itself, and keeps its edits.
    assert path.read_text() == text


@pytest.mark.parametrize("agent", agents("claude", "codex", "opencode", "aider"))
def test_at_the_keys_budget_it_stops_after_one_request(machine: World, agent: str) -> None:
    """Our words on its screen, nothing at the provider."""
    enable(machine, agent)
    alias = f"plain-{agent}"
    cap(machine, alias, "0.0001")

    done = plain(machine, agent)

    assert f"agentspend budget raise key-{alias}" in " ".join((done.stdout + done.stderr).split())
    assert machine.theirs() == {}
    (refused,) = [each for each in machine.home.json("status")["sessions"] if each["key"] == alias]
    told = machine.home.run("log", "--json").stdout
    assert '"kind":"settle"' not in told
    assert refused["requests"] == 0


@pytest.mark.parametrize("agent", agents("claude", "codex"))
def test_a_blocked_key_stops_it_with_the_command(machine: World, agent: str) -> None:
    """One request, no login screen, no retries."""
    enable(machine, agent)
    assert machine.home.run("key", "block", f"plain-{agent}").returncode == 0
    done = plain(machine, agent)
    assert done.returncode == 1
    assert f"agentspend key unblock plain-{agent}" in done.stdout + done.stderr
    assert machine.seen() == []


@pytest.mark.parametrize("agent", agents(*ASK))
def test_a_run_is_a_run_all_the_same(machine: World, agent: str) -> None:
    """`agentspend run` over these files spends as its own session, not by the key."""
    enable(machine, agent)

    done = machine.run(*ASK[agent], key="")

    assert HELLO in done.stdout, done.stderr
    agree(machine, 1)
    assert {entry.get("key") for entry in machine.settled()} == {None}
    assert all(entry["session"].startswith("s_") for entry in machine.settled())


@pytest.mark.agent
def test_a_login_of_the_agents_own_goes_on_untouched(machine: World) -> None:
    """OAuth: no credential of ours is set, the bearer reaches the provider, and it counts apart."""
    for name in ("ANTHROPIC", "OPENAI", "GOOGLE"):
        machine.home.env.pop(f"AGENTSPEND_{name}_KEY")
    token = "sk-ant-oat01-of-a-subscriber"
    enable(machine, "claude")
    machine.home.env["CLAUDE_CODE_OAUTH_TOKEN"] = token

    done = plain(machine, "claude")

    assert HELLO in done.stdout, done.stderr
    (entry,) = machine.settled()
    assert (entry["key"], entry["counted"]) == ("plain-claude", "subscription")
    (post,) = [each for each in machine.seen() if each["path"].startswith("/v1/messages")]
    assert post["headers"]["authorization"] == f"Bearer {token}"


@pytest.mark.agent
def test_what_a_plain_agent_starts_may_loosen_nothing(machine: World) -> None:
    """Its shell tool is inside: the budget of its own key stays what it is."""
    enable(machine, "claude")
    cap(machine, "plain-claude", "5")
    command = f"AGENTSPEND_HOME={machine.home.home} agentspend budget raise key-plain-claude 100"
    call = {"type": "tool_use", "name": "Bash", "input": {"command": command, "description": "x"}}
    machine.sandbox.direct({"default": SAYS, "queue": [{"answer": [call], "output_tokens": 30}]})
    ASK["claude"] += ["--dangerously-skip-permissions"]
    machine.home.env["IS_SANDBOX"] = "1"
    try:
        done = plain(machine, "claude")
    finally:
        ASK["claude"].pop()

    assert HELLO in done.stdout, done.stderr
    assert "an agent may not raise" in str([post["body"] for post in machine.seen()][-1])
    (line,) = machine.home.json("status")["budgets"]
    assert line["limit_nusd"] == 5 * 10**9
