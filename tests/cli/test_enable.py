"""`agentspend enable`: shown, asked, written at once; and taken back to the byte."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agentspend.cli import enabling, service
from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command
from tests.daemon.helpers import session, set_port
from tests.support.ports import free_port
from tests.support.process import Home

SETTINGS = '{\n  "model": "opus", "env": {"MINE": "1"}\n}\n'
STORED = "AGENTSPEND_ANTHROPIC_KEY"
FILES = {
    "claude": ".claude/settings.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/.env",
    "opencode": ".config/opencode/opencode.json",
    "aider": ".aider.conf.yml",
}


@pytest.fixture(autouse=True)
def _agents(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every agent is on PATH, systemd is not, and the port outlives the daemon."""
    folder = fresh.user / "bin"
    folder.mkdir()
    for name in (*FILES, "systemctl"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{Path(sys.executable).parent}:/usr/bin:/bin")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", STORED):
        monkeypatch.delenv(name, raising=False)
    set_port(fresh, free_port())


def settings(home: Home, text: str = SETTINGS, mode: int = 0o644) -> Path:
    """Claude Code's settings, as a person keeps them."""
    path = home.user / FILES["claude"]
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_claude_is_led_here_and_back(agentspend: Command, fresh: Home) -> None:
    """The diff is data without a token; the file holds the key and is this user's alone; undone,
    it is what it was, to the byte and the mode, and the key is gone."""
    path = settings(fresh)

    ran = agentspend("enable", "claude", "--yes")

    assert ran.code == 0, ran.err
    assert '+  "model": "opus", "env": {"MINE": "1", "ANTHROPIC_BASE_URL": "http://' in ran.out
    assert "/k/ask-…" in ran.out
    env = json.loads(path.read_text())["env"]
    token = env["ANTHROPIC_BASE_URL"].rpartition("/")[2]
    assert token.startswith("ask-")
    assert token not in ran.out + ran.err
    assert env["MINE"] == "1"
    assert "ANTHROPIC_AUTH_TOKEN" not in env
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "will be readable by you alone (0600)" in ran.err
    assert "by virtual key plain-claude; claude's own login or key pays" in ran.err
    assert "→ agentspend budget set key-plain-claude 25.00 --window day" in ran.err
    key = agentspend("key", "info", "plain-claude", "--json").json()
    assert (key["agent"], key["state"]) == ("claude", "active")
    ours = [each for each in fresh.home.rglob("*") if each.is_file()]
    assert not [each for each in ours if token.encode() in each.read_bytes()]

    back = agentspend("enable", "claude", "--undo", "--yes")

    assert back.code == 0, back.err
    assert path.read_text() == SETTINGS
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert agentspend("key", "list", "--json").json()["keys"] == []
    assert not (fresh.home / "plain/claude").exists()


def test_the_start_at_login_is_left_to_those_who_need_it(agentspend: Command) -> None:
    """While another plain agent comes through, nobody is told to take it away."""
    for agent in ("claude", "codex"):
        assert agentspend("enable", agent, "--yes").code == 0
    assert "uninstall" not in agentspend("enable", "codex", "--undo", "--yes").err
    assert "uninstall" in agentspend("enable", "claude", "--undo", "--yes").err


def test_the_key_stands_in_for_a_stored_one(
    agentspend: Command, fresh: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a login of the agent's own there is nobody else to pay."""
    monkeypatch.setenv(STORED, "sk-ant-api03-canary")
    path = settings(fresh)
    ran = agentspend("enable", "claude", "--yes")
    env = json.loads(path.read_text())["env"]
    assert env["ANTHROPIC_BASE_URL"].endswith(f"/k/{env['ANTHROPIC_AUTH_TOKEN']}")
    assert "the stored key pays" in ran.err


@pytest.mark.parametrize("agent", FILES)
def test_each_agent_twice_and_back(agentspend: Command, fresh: Home, agent: str) -> None:
    """Nothing was there: asked twice it is done once, and undone nothing is left."""
    assert agentspend("enable", agent, "--yes").code == 0
    written = (fresh.user / FILES[agent]).read_bytes()
    again = agentspend("enable", agent)
    assert (again.code, again.out) == (0, "")
    assert f"{agent} comes through agentspend already" in again.err
    assert (fresh.user / FILES[agent]).read_bytes() == written
    back = agentspend("enable", agent, "--undo", "--yes")
    assert back.code == 0
    assert "started at every login\n→ agentspend daemon uninstall" in back.err
    left = [path for path in fresh.user.rglob("*") if path.is_file() and "bin" not in path.parts]
    assert [path.name for path in left] == ["agentspend.service"]


def test_a_dry_run_shows_and_changes_nothing(agentspend: Command, fresh: Home) -> None:
    """Neither the file nor a key."""
    path = settings(fresh)
    ran = agentspend("enable", "claude", "--dry-run")
    assert ran.code == 0
    assert "ANTHROPIC_BASE_URL" in ran.out
    assert path.read_text() == SETTINGS
    assert agentspend("key", "list", "--json").json()["keys"] == []
    assert not service.installed()


def test_who_says_no_keeps_everything(
    agentspend: Command, fresh: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No at the first question: nothing. Without a terminal nobody is asked."""
    path = settings(fresh)
    nobody = agentspend("enable", "claude")
    assert nobody.code == ExitCode.USAGE
    assert "→ agentspend enable claude --yes" in nobody.err
    monkeypatch.setattr(enabling, "confirmed", lambda *_, **__: False)
    ran = agentspend("enable", "claude")
    assert (ran.code, "nothing changed" in ran.err) == (ExitCode.FAILED, True)
    assert path.read_text() == SETTINGS
    assert agentspend("key", "list", "--json").json()["keys"] == []


def test_without_a_service_it_is_said_what_happens(
    agentspend: Command, fresh: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Yes to the change, no to the service."""
    said = iter([True, False])
    monkeypatch.setattr(enabling, "confirmed", lambda *_, **__: next(said))
    ran = agentspend("enable", "claude")
    assert ran.code == 0
    assert "plain claude fails while no daemon runs" in ran.err
    assert not service.installed()


def test_what_a_person_changed_since_stays(agentspend: Command, fresh: Home) -> None:
    """Only our own values go."""
    path = settings(fresh, "{}\n")
    agentspend("enable", "claude", "--yes")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"model": "haiku", **content}, indent=4))

    assert agentspend("enable", "claude", "--undo", "--yes").code == 0

    assert json.loads(path.read_text()) == {"model": "haiku"}


def test_a_new_key_where_the_old_one_is_gone(agentspend: Command, fresh: Home) -> None:
    """Rotated, or its file was put back from elsewhere: one more `enable`, and undo still knows
    how the file was at first."""
    path = settings(fresh)
    agentspend("enable", "claude", "--yes")
    first = path.read_text()
    agentspend("key", "rotate", "plain-claude")
    ran = agentspend("enable", "claude", "--yes")
    assert ran.code == 0
    assert path.read_text() != first
    path.write_text(SETTINGS)
    assert agentspend("enable", "claude", "--yes").code == 0
    assert agentspend("enable", "claude", "--undo", "--yes").code == 0
    assert path.read_text() == SETTINGS
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_budget_of_the_key_goes_with_it(agentspend: Command, fresh: Home) -> None:
    """The one that was proposed."""
    agentspend("enable", "claude", "--yes")
    agentspend("budget", "set", "key-plain-claude", "25", "--window", "day", "--scope",
               "key=plain-claude")  # fmt: skip
    assert agentspend("enable", "claude", "--undo", "--yes").code == 0
    assert "key-plain-claude" not in fresh.config.read_text()


def test_a_file_in_a_repository_is_told(agentspend: Command, fresh: Home) -> None:
    """Dotfiles are often committed; a link to one counts as what it leads to."""
    dots = fresh.user / "dots"
    subprocess.run(["git", "init", "-q", str(dots)], check=True)
    (dots / "settings.json").write_text(SETTINGS)
    path = fresh.user / FILES["claude"]
    path.parent.mkdir()
    path.symlink_to(dots / "settings.json")
    ran = agentspend("enable", "claude", "--yes")
    assert f"lies in the git repository {dots}: do not commit the token" in ran.err
    assert path.is_symlink()
    assert "/k/ask-" in (dots / "settings.json").read_text()
    agentspend("enable", "claude", "--undo", "--yes")
    assert (dots / "settings.json").read_text() == SETTINGS


@pytest.mark.parametrize("text", ['{"a": 1,}', "[]", '{"env": "x"}', "\udcff"])
def test_a_file_that_cannot_be_changed_is_left_alone(
    agentspend: Command, fresh: Home, text: str
) -> None:
    """Before a key is made, or anything is asked."""
    path = settings(fresh, "")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    ran = agentspend("enable", "claude", "--yes")
    assert ran.code == 1
    assert str(path) in ran.err
    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")
    assert agentspend("key", "list", "--json").json()["keys"] == []


def test_a_port_that_changes_is_refused(agentspend: Command, fresh: Home) -> None:
    """The address in the file would be wrong tomorrow."""
    path = settings(fresh)
    fresh.config.write_text("[daemon]\nport = 0\n")
    ran = agentspend("enable", "claude", "--yes")
    assert ran.code == 1
    assert "[daemon] port = 4141" in ran.err
    assert path.read_text() == SETTINGS


def test_an_agent_leads_nobody_here_or_away(agentspend: Command, fresh: Home) -> None:
    """From inside a session: refused, with every file as it was."""
    path = settings(fresh)
    agentspend("daemon", "start")
    with session(fresh):
        ran = agentspend("enable", "claude", "--yes")
    assert "an agent may not make a virtual key" in ran.err
    assert path.read_text() == SETTINGS
    agentspend("enable", "claude", "--yes")
    led = path.read_text()
    with session(fresh):
        ran = agentspend("enable", "claude", "--undo", "--yes")
    assert "an agent may not" in ran.err
    assert path.read_text() == led


def test_doctor_looks_whether_it_still_leads_here(agentspend: Command, fresh: Home) -> None:
    """That it holds, and that its key lets nobody in."""
    settings(fresh)
    agentspend("enable", "claude", "--yes")
    assert "plain claude comes through agentspend" in agentspend("doctor").out
    agentspend("key", "block", "plain-claude")
    assert "virtual key plain-claude is not let in" in agentspend("doctor").out


def test_nothing_to_take_back(agentspend: Command) -> None:
    """Said, and no daemon started for it."""
    ran = agentspend("enable", "claude", "--undo")
    assert (ran.code, ran.err) == (0, "plain claude does not come through agentspend\n")


def test_an_unknown_agent(agentspend: Command) -> None:
    """Which are known, and the way for any other."""
    ran = agentspend("enable", "crush")
    assert ran.code == 2
    assert "known: claude, codex, gemini, opencode, aider" in ran.err


def test_the_record_is_damaged(agentspend: Command, fresh: Home) -> None:
    """Nothing is guessed at."""
    agentspend("enable", "claude", "--yes")
    (fresh.home / "plain/claude/record.json").write_text("{")
    ran = agentspend("enable", "claude", "--undo", "--yes")
    assert ran.code == 1
    assert "record.json cannot be read" in ran.err
