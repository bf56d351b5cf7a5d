"""`agentspend doctor`: looks at everything, names what is wrong, and the command that mends it."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspend.cli import (
    access,
    checkup,
    checkup_agents,
    checkup_apart,
    checkup_plain,
    plain_files,
)
from agentspend.cli.checkup import Finding
from agentspend.cli.doctor import MARKS
from agentspend.cli.enabling import STAND_IN
from agentspend.cli.plain_files import Kept
from agentspend.core.errors import ConfigError, DaemonSilent
from tests.cli.conftest import Command
from tests.support.process import Home

OWN = "and pays with its own login or key"
AGENTS_OWN = (
    "CLAUDE", "ANTHROPIC", "OPENAI", "CODEX", "GEMINI", "GOOGLE", "OPENCODE", "AIDER", "XDG",
    "AGENTSPEND_ANTHROPIC_KEY",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _home(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, and a Claude Code that can be redirected."""
    tools = fresh.user / "bin"
    tools.mkdir()
    claude = tools / "claude"
    claude.write_text("#!/bin/sh\necho '9.9.9 (Claude Code)'\n")
    claude.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(fresh.user))
    for name in [name for name in os.environ if name.startswith(AGENTS_OWN)]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_a_daemon_that_hangs_is_asked_once(
    agentspend: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question takes half a minute; the rest of the machine is looked at all the same."""
    asked: list[str] = []

    def silent(op: str, **_: object) -> None:
        asked.append(op)
        raise DaemonSilent("the daemon (pid 7) did not answer within 30 s", "kill -9 7")

    monkeypatch.setattr(access, "ask", silent)
    found = json.loads(agentspend("doctor", "--json").out)
    assert asked == ["ping"]
    (first, *others) = found["findings"]
    assert (first["check"], first["good"], first["mend"]) == ("running_daemon", False, "kill -9 7")
    assert others


def bad(findings: list[Finding]) -> list[str]:
    """What has to be mended."""
    return [found.text for found in findings if found.good is False]


def test_a_healthy_machine(agentspend: Command) -> None:
    """Nothing to mend: exit code 0, and each thing that was looked at is a line."""
    ran = agentspend("doctor")
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert ran.out.splitlines()[-1] == "nothing to mend"
    assert "✓ configuration is valid" in ran.out
    assert "· daemon is not running" in ran.out
    assert "✓ Claude Code 9.9.9 can be redirected" in ran.out
    assert "    → agentspend budget set daily 25.00 --window day" in ran.out


def test_a_broken_configuration(fresh: Home, agentspend: Command) -> None:
    """What cannot be read is named with its line; the other checks still run."""
    fresh.config.write_text("[daemon]\nprt = 1\n")
    ran = agentspend("doctor")
    assert ran.code == 1
    assert "line 2: daemon.prt is not a setting" in ran.out
    assert "    → did you mean port?" in ran.out
    assert "MiB of disk left" in ran.out or "GiB of disk left" in ran.out
    assert ran.out.splitlines()[-1].endswith(" to mend")


def test_the_file_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can be used says what it sets, one that cannot is named with its line."""
    monkeypatch.chdir(tmp_path)
    assert list(checkup.repository()) == []
    file = tmp_path / ".agentspend.toml"
    file.write_text('project = "pay"\n[[budgets]]\nname = "a"\nlimit = "1"\nwindow = "day"\n')
    [found] = checkup.repository()
    assert (found.good, found.text) == (True, f"{file}: project pay, 1 budget")
    file.write_text("[network]\nproxy = 'x'\n")
    with pytest.raises(ConfigError, match=r"line 2: network.proxy is not for a repository"):
        list(checkup.repository())


def test_files_that_others_can_read(fresh: Home) -> None:
    """A ledger that others may read is named, with the chmod that closes it."""
    ledger = fresh.home / "ledger.db"
    ledger.write_bytes(b"")
    ledger.chmod(0o644)
    found = next(each for each in checkup.files() if each.good is False)
    assert found.text == f"{ledger} can be read by others (mode 644)"
    assert found.mend == f"chmod 600 {ledger}"


def test_a_disk_that_does_not_keep_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system and a full disk are both named."""
    monkeypatch.setattr(checkup, "filesystem_kind", lambda _: "nfs4")
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda _: Usage())
    told = bad(list(checkup.files()))
    assert told[0].startswith("the ledger is on nfs4")
    assert told[1].startswith("10 MiB of disk left")


def test_a_budget_that_waits_to_be_removed_is_still_one(fresh: Home, agentspend: Command) -> None:
    """What is enforced counts, not what the file says by now."""
    agentspend("budget", "set", "daily", "5", "--window", "day")
    fresh.config.write_text("[daemon]\nport = 0\n")
    assert [found.text for found in checkup.configuration()][1:] == []


class Usage:
    """A disk that is nearly full."""

    free = 10 * 2**20


def test_a_folder_that_cannot_be_written(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that was made read-only: the daemon could not start, and `doctor` says why."""
    folder = access.folders().data
    real = os.access
    monkeypatch.setattr(
        checkup.os, "access", lambda path, mode: Path(path) != folder and real(path, mode)
    )
    told = [found for found in checkup.files() if found.good is False]
    assert [found.text for found in told] == [f"the folder {folder} cannot be written"]
    assert told[0].mend.startswith(f"chmod u+rwx {folder}")


def test_a_port_that_is_taken(fresh: Home) -> None:
    """Another program on the daemon's port is found before the daemon stumbles over it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        fresh.config.write_text(f"[daemon]\nport = {port}\n")
        assert bad(list(checkup.running_daemon())) == [f"port {port} is taken by another program"]


def ping(monkeypatch: pytest.MonkeyPatch, **change: object) -> list[str]:
    """What is wrong with a daemon that answers so."""
    healthy = {"pid": 1, "port": 2, "version": checkup.agentspend.__version__, "gate_closed": "",
               "config_error": "", "waits": [], "entries": []}  # fmt: skip
    monkeypatch.setattr(checkup.access, "ask", lambda *_, **__: {**healthy, **change})
    return bad(list(checkup.running_daemon()))


def test_a_daemon_that_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version, a closed gate, a bad file, a clock that runs behind."""
    assert ping(monkeypatch) == []
    assert ping(monkeypatch, version="0.0.0")[0].startswith("daemon is version 0.0.0")
    assert ping(monkeypatch, gate_closed="full") == ["no request may leave: full"]
    assert "the last good configuration" in ping(monkeypatch, config_error="x")[0]
    ahead = [[1, "", '{"ts":9999999999999999}']]
    assert ping(monkeypatch, entries=ahead)[0].startswith("the clock is behind the ledger's last")


def texts(findings: Iterator[Finding]) -> list[str]:
    """Marks and words, as they are shown."""
    return [f"{MARKS[each.good][0]} {each.text}" for each in findings]


def install(home: Home, *names: str) -> None:
    """Programs of these names that say a version."""
    for name in names:
        program = home.user / "bin" / name
        program.write_text(f"#!/bin/sh\necho '{name} v1.2.3-rc.1, of today'\n")
        program.chmod(0o755)


def test_an_agent_that_would_slip_past(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that goes round us has to be mended; a missing program is only worth knowing."""
    monkeypatch.setenv("CLAUDE_CODE_USE_BEDROCK", "1")
    found, *others = checkup_agents.agents()
    assert found.good is False
    assert "BEDROCK" in found.text
    assert found.mend == "env -u CLAUDE_CODE_USE_BEDROCK agentspend run claude"
    assert all(each.good is None for each in others)
    monkeypatch.delenv("CLAUDE_CODE_USE_BEDROCK")
    (fresh.user / "bin" / "claude").unlink()
    assert texts(checkup_agents.agents()) == [
        "· not installed here: Claude Code, Codex, Gemini CLI, OpenCode, aider"
    ]


def test_every_agent_is_looked_at(fresh: Home) -> None:
    """Each with its version, who pays, and what its launcher has to say."""
    install(fresh, "codex", "gemini", "opencode", "aider")
    found = texts(checkup_agents.agents())
    for called in ("Codex", "Gemini CLI", "OpenCode", "aider"):
        assert f"✓ {called} 1.2.3-rc.1 can be redirected, {OWN}" in found
    assert any(each.startswith("· Codex's own web search is off") for each in found)
    assert any("`agentspend keys set google`" in each for each in found)
    assert found[-1].startswith("· not metered, nor can it be: what Claude Code does on claude.ai")


def test_keys_count_as_run_would_count_them(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the shell pays; one that only the agent may use stays its own."""
    install(fresh, "codex")
    monkeypatch.setenv("CODEX_API_KEY", "sk-canary")
    found = texts(checkup_agents.agents())
    assert "✓ Codex 1.2.3-rc.1 can be redirected, and pays with the daemon's key" in found
    assert "✓ Claude Code 9.9.9 can be redirected, and pays with its own login or key" in found
    with fresh.config.open("a") as config:
        config.write('[providers.openai]\nauth = "passthrough"\n')
    found = texts(checkup_agents.agents())
    assert "✓ Codex 1.2.3-rc.1 can be redirected, and pays with its own login or key" in found
    assert "canary" not in str(found)


def test_a_program_without_a_version(fresh: Home) -> None:
    """One that says none, or fails, is still looked at."""
    program = fresh.user / "bin" / "claude"
    program.write_text("#!/bin/sh\nexit 3\n")
    assert texts(checkup_agents.agents())[0].startswith("✓ Claude Code (version unknown) can be")


@pytest.fixture
def led(fresh: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Claude Code was led here by its settings file; nobody runs."""
    folder = access.folders().plain("claude")
    settings = fresh.user / ".claude/settings.json"
    settings.parent.mkdir()
    url = f"http://127.0.0.1:4141/k/{STAND_IN}"
    settings.write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": url}}))
    kept = [Kept(settings, "json", 0, "", ())]
    monkeypatch.setattr(plain_files, "record", lambda there: kept if there == folder else [])
    monkeypatch.setattr(checkup_plain.service, "installed", lambda: True)
    return settings


def test_plain_agents_that_go_past_are_named(fresh: Home) -> None:
    """With the command that leads one here; none where none is installed."""
    install(fresh, "codex")
    (found,) = checkup_plain.plain_agents()
    assert (found.good, found.mend) == (None, "agentspend enable claude")
    assert found.text.startswith("plain claude and codex, and editors that start them, go past")
    for name in ("claude", "codex"):
        (fresh.user / "bin" / name).unlink()
    assert list(checkup_plain.plain_agents()) == []


def test_a_plain_agent_that_was_led_here(led: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is let in; or its key is not, or its file says something else by now: done again."""
    assert texts(checkup_plain.plain_agents()) == [
        "✓ plain claude comes through agentspend (virtual key plain-claude)"
    ]
    monkeypatch.setattr(checkup_plain.access, "ask", lambda *_: {"port": 4141})
    monkeypatch.setattr(checkup_plain, "answers", lambda *_: False)
    (found,) = checkup_plain.plain_agents()
    assert (found.good, found.mend) == (False, "agentspend enable claude")
    assert "virtual key plain-claude is not let in" in found.text
    led.write_text("{}")
    (found,) = checkup_plain.plain_agents()
    assert (found.good, found.mend) == (False, "agentspend enable claude")
    assert "its files no longer say so" in found.text


def test_a_daemon_that_nobody_starts(led: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain agents need it before any `run`."""
    monkeypatch.setattr(checkup_plain.service, "installed", lambda: False)
    found = list(checkup_plain.plain_agents())[-1]
    assert (found.good, found.mend) == (None, "agentspend daemon install")


def test_what_cannot_be_brought_through_anything(fresh: Home) -> None:
    """Editors' own agents are named, wherever they are."""
    assert texts(checkup_apart.vendors_own()) == []
    install(fresh, "cursor-agent")
    (fresh.user / ".vscode/extensions/github.copilot-chat-0.40.0").mkdir(parents=True)
    (found,) = texts(checkup_apart.vendors_own())
    assert found.startswith(
        "· not metered, nor can it be: Cursor's agent, GitHub Copilot in an editor"
    )


@pytest.mark.parametrize(
    ("line", "told", "mend"),
    [
        ("export ANTHROPIC_API_KEY=canary", "gives ANTHROPIC_API_KEY to every", "keys set anth"),
        ("  OPENAI_API_KEY='canary'", "gives OPENAI_API_KEY to every", "keys set openai"),
        ("set -gx GEMINI_API_KEY canary", "gives GEMINI_API_KEY to every", "keys set google"),
        (
            "export ANTHROPIC_BASE_URL=https://u:canary@gw.corp/x?k=canary # ours",
            "sends plain agents to https://gw.corp (ANTHROPIC_BASE_URL), past the meter",
            "base_url",
        ),
        (
            "export OPENAI_BASE_URL=http://127.0.0.1:4141/k/canary/v1",
            "leads plain agents here (OPENAI_BASE_URL)",
            "",
        ),
        ("# export ANTHROPIC_API_KEY=canary", "", ""),
        ("export MY_ANTHROPIC_API_KEY=canary", "", ""),
        ("export ANTHROPIC_BASE_URL=$GATEWAY", "", ""),
        (
            'export ANTHROPIC_BASE_URL="http://[canary"',
            "sends plain agents to an address that cannot be read",
            "base_url",
        ),
    ],
)
def test_what_a_shell_profile_hands_out(fresh: Home, line: str, told: str, mend: str) -> None:
    """Named by file and line; a value is never shown."""
    (fresh.user / ".zshrc").write_text(f"# mine\n{line}\n")
    found = list(checkup_apart.shell_profiles())
    assert len(found) == bool(told)
    for each in found:
        assert each.text.startswith(f"{fresh.user}/.zshrc line 2 ")
        assert told in each.text
        assert mend in each.mend
        assert each.good is None
    assert "canary" not in str(found)


def test_json(fresh: Home, agentspend: Command) -> None:
    """The same findings for programs, with the same exit code."""
    ran = agentspend("doctor", "--json")
    found = ran.json()
    assert list(found) == ["v", "ok", "findings"]
    assert (ran.code, found["ok"]) == (0, True)
    assert {tuple(each) for each in found["findings"]} == {("check", "good", "text", "mend")}
    fresh.config.write_text("[daemon]\nprt = 1\n")
    ran = agentspend("doctor", "--json")
    assert ran.code == 1
    bad = next(each for each in json.loads(ran.out)["findings"] if each["good"] is False)
    assert (bad["check"], bad["mend"]) == ("configuration", "did you mean port?")


def test_what_in_the_shell_deserves_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable and a key in the environment are told, and nothing has to be mended."""
    assert list(checkup_agents.surroundings()) == []
    monkeypatch.setenv("HTTPS_PROXY", "http://user:canary@proxy")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    found = list(checkup_agents.surroundings())
    assert [each.good for each in found] == [None, None]
    assert "canary" not in str(found)


def test_the_nearest_folder_that_exists() -> None:
    """A home that is not made yet is judged by the folder it would be made in."""
    assert checkup._there(Path("/nonexistent/deep/er")) == Path("/")
