"""`agentspend run -- CMD`: any program, its own exit code, its own stdin and stdout."""

import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.world import KEY, World, last_line

NOTHING = "no request came through agentspend, so nothing was metered"
POST = """
import json, os, urllib.request
base, key = os.environ["ANTHROPIC_BASE_URL"], os.environ["ANTHROPIC_API_KEY"]
words = {"role": "user", "content": "hi"}
body = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [words]}
headers = {"x-api-key": key, "content-type": "application/json"}
request = urllib.request.Request(base + "/v1/messages", json.dumps(body).encode(), headers)
print(json.load(urllib.request.urlopen(request))["usage"]["output_tokens"])
"""


def script(world: World, text: str = POST) -> list[str]:
    """The words that run a Python program."""
    return ["--", sys.executable, str(world.write("program.py", text))]


@pytest.mark.parametrize(
    ("command", "code"), [("true", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_the_exit_code_is_the_childs_own(world: World, command: str, code: int) -> None:
    """Whatever it is, 128 + n after signal n; and nothing metered is said."""
    done = world.run("--", "sh", "-c", command)

    assert done.returncode == code
    assert NOTHING in done.stderr


def test_who_has_no_key_reads_that_and_no_guess(world: World) -> None:
    """An agent that nobody pays asks nothing: the way out is a key, and not a doctor."""
    claude = world.home.user / "bin" / "claude"
    claude.parent.mkdir()
    claude.write_text("#!/bin/sh\necho '9.9.9 (Claude Code)'\n")
    claude.chmod(0o755)
    path = f"{claude.parent}:{world.home.env['PATH']}"
    done = world.run("claude", "-p", "hi", key="", PATH=path)
    assert NOTHING not in done.stderr
    assert last_line(done) == (
        "agentspend: nothing was asked and nothing metered: no Anthropic key is stored and no login"
        " was found: `agentspend keys set anthropic`, or /login inside"
    )


def test_what_was_sent_for_nothing_is_not_called_another_way(world: World) -> None:
    """The provider was down: the request came through us, and nobody billed it."""
    config = world.home.config
    config.write_text(config.read_text().replace(world.sandbox.url, "http://127.0.0.1:9"))
    done = world.run(*script(world))
    assert (
        "1 request was sent and nothing was billed: cannot reach http://127.0.0.1:9" in done.stderr
    )
    assert "→ agentspend providers test anthropic" in done.stderr
    assert NOTHING not in done.stderr


def test_what_the_provider_said_no_to_is_said(world: World) -> None:
    """A wrong key reads as one, in the last line as well."""
    world.sandbox.direct({"default": {"status": 401}})
    done = world.run(*script(world))
    assert "nothing was billed: anthropic answered 401, it does not take the key" in done.stderr


def test_what_had_to_wait_is_not_called_another_way(world: World) -> None:
    """A request that a rate limit sent away came through us, and cost nothing."""
    config = world.home.config
    config.write_text(f"{config.read_text()}[admission]\nwait_s = 0\n[[rate_limits]]\nrpm = 1\n")
    assert "in 1 request" in world.run(*script(world)).stderr
    done = world.run(*script(world))
    assert "1 request came and nothing was sent: turned back" in done.stderr
    assert NOTHING not in done.stderr


def test_settings_that_wait_are_said_at_the_start(world: World) -> None:
    """An address that was edited and is not in force would else be looked for in vain."""
    world.home.run("budget", "set", "daily", "5", "--window", "day")
    config = world.home.config
    config.write_text(config.read_text().replace(world.sandbox.url, "http://127.0.0.1:9"))
    world.home.run("daemon", "restart")
    done = world.run("--", "true")
    assert f'base_url changes from "{world.sandbox.url}" to "http://127.0.0.1:9"' in done.stderr
    assert "waits for you  → agentspend budget confirm" in done.stderr


def test_a_command_that_is_not_there_is_an_error_of_ours(world: World) -> None:
    """The message names it; no session is left behind."""
    done = world.run("--", "no-such-program")

    assert done.returncode not in (0, 130)
    assert "no-such-program" in done.stderr
    assert world.home.json("status")["sessions"] == []


def test_stdin_and_stdout_belong_to_the_child(world: World) -> None:
    """Bytes go through as they are; our words go to stderr alone."""
    text = "a line\nanother, ünïcode\n"

    done = world.home.run("run", "--", "cat", stdin=text, cwd=world.work)

    assert (done.returncode, done.stdout) == (0, text)
    assert "agentspend" in done.stderr


def test_any_program_is_metered_and_holds_no_key(world: World) -> None:
    """The base-URL variables of every dialect are set, and our token stands in for the key."""
    done = world.run(*script(world))

    assert done.returncode == 0, done.stderr
    assert " in 1 request" in last_line(done)
    world.agree()
    env = dict(
        line.partition("=")[::2] for line in world.run("--", "env").stdout.splitlines() if line
    )
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        assert env[name].startswith("http://127.0.0.1:")
    assert KEY not in env.values()


def test_a_session_is_filed_under_project_branch_and_tags(world: World) -> None:
    """What a report needs later stands on every entry, and in the first line."""
    world.write(
        "work/.git/config",
        '[remote "origin"]\n\turl = https://u:canary@git.example/acme/shop.git?t=canary#canary\n',
    )
    world.write("work/.git/HEAD", "ref: refs/heads/fix/7\n")

    done = world.run("--tag", "ticket=ABC-1", "--tag=team=web", *script(world))

    assert done.stderr.startswith("agentspend: git.example/acme/shop · fix/7 · ")
    (entry,) = world.settled()
    assert (entry["project"], entry["branch"]) == ("git.example/acme/shop", "fix/7")
    assert entry["tags"] == ["team=web", "ticket=ABC-1"]
    assert "canary" not in done.stderr + done.stdout + str(entry)


def test_ctrl_c_reaches_the_child_and_the_last_line_is_still_said(
    world: World, terminal: Terminal
) -> None:
    """The child ends by the signal; we say what the session did and exit like it."""
    command = [sys.executable, "-m", "agentspend", "run", "--", "sh", "-c", "echo ready; cat"]
    terminal.start(command, world.home.env)
    terminal.until_shown("ready")

    terminal.press("C-c")

    assert terminal.until_ended() == 128 + signal.SIGINT
    terminal.until_shown(NOTHING)
    assert world.home.json("status")["sessions"] == []


def test_a_child_that_handles_ctrl_c_goes_on(world: World, terminal: Terminal) -> None:
    """As a full-screen agent does: we outlive the signal with it, and pass its code on."""
    handler = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.1; done"
    command = [sys.executable, "-m", "agentspend", "run", "--", "sh", "-c", handler]
    terminal.start(command, world.home.env)
    terminal.until_shown("ready")

    terminal.press("C-c")

    assert terminal.until_ended() == 5
    terminal.until_shown("caught", NOTHING)


def test_nothing_of_a_session_stays_on_disk(world: World) -> None:
    """The folder of its files is gone, whatever the child did."""
    scratch = world.home.home / "run/sessions"

    assert world.run("--", "sh", "-c", "kill -9 $$").returncode == 137

    assert not scratch.exists() or list(scratch.iterdir()) == []
    assert not list(Path(world.home.home).rglob("claude-settings.json"))
