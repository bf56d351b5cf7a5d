"""`agentspend config`: every setting with its place, and where everything lies."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.cli.conftest import Command
from tests.support.process import Home

FILE = """\
[daemon]
port = 0

[[budgets]]
name = "a"
limit = "5.00"
window = "day"
scope = { agent = "claude" }

[prices."anthropic/*"]
multiplier = "0.8"
"""


@pytest.fixture(autouse=True)
def _home(fresh: Home) -> None:
    """A home without a daemon."""


def test_show(fresh: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting stands with its value and its line, or says that it is the default."""
    fresh.config.write_text(FILE)
    monkeypatch.setattr("tzlocal.get_localzone", lambda: ZoneInfo("Europe/Berlin"))
    ran = agentspend("config", "show")
    assert (ran.code, ran.err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()[2:]}
    assert ran.out.splitlines()[0] == str(fresh.config)
    assert rows["daemon.port"] == ["0", "line", "2"]
    assert rows["daemon.zone"] == ["Europe/Berlin", "this", "machine"]
    assert rows["budgets[0].limit"] == ['"5.00"', "line", "6"]
    assert rows["admission.wait_s"] == ["20", "default"]
    assert rows["providers.anthropic.auth"] == ['"auto"', "default"]
    assert "line 10" in next(line for line in ran.out.splitlines() if "multiplier" in line)


def test_show_in_json(fresh: Home, agentspend: Command) -> None:
    """The JSON names the file, and for each setting its key, value and place."""
    fresh.config.write_text(FILE)
    found = agentspend("config", "show", "--json").json()
    assert (found["v"], found["file"]) == (1, str(fresh.config))
    assert {"key": "budgets[0].scope", "value": '{ agent = "claude" }', "from": "line 8"} in (
        found["settings"]
    )


def test_no_file(fresh: Home, agentspend: Command) -> None:
    """Without a file everything is a default, and it is said that there is none."""
    fresh.config.unlink()
    ran = agentspend("config", "show")
    assert ran.out.splitlines()[0].endswith("config.toml (not there: all defaults)")
    assert "line " not in ran.out


def test_a_broken_file(fresh: Home, agentspend: Command) -> None:
    """The error names the file and the line; exit code 1."""
    fresh.config.write_text("[daemon]\nprt = 1\n")
    ran = agentspend("config", "show")
    assert (ran.code, ran.out) == (1, "")
    assert f"{fresh.config} line 2: daemon.prt is not a setting" in ran.err
    assert "did you mean port?" in ran.err


def test_show_says_what_is_wrong_wherever_the_daemon_finds_it(
    fresh: Home, agentspend: Command
) -> None:
    """`status` sends people here: a time zone that is none is said here, too."""
    fresh.config.write_text('[daemon]\nzone = "Moon/Crater"\n')
    ran = agentspend("config", "show")
    assert (ran.code, ran.out) == (1, "")
    assert f"{fresh.config} line 2: daemon.zone: 'Moon/Crater' is not a time zone" in ran.err


def test_show_leaves_out_no_setting(fresh: Home, agentspend: Command) -> None:
    """Names and addresses we answer to, and the status line, stand there as well."""
    fresh.config.write_text(
        '[daemon]\nhosts = ["host.docker.internal"]\n[statusline]\nclaude = true'
    )
    lines = agentspend("config", "show").out.splitlines()[2:]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["daemon.hosts"] == ['["host.docker.internal"]', "line", "2"]
    assert rows["daemon.listen"] == ['""', "default"]
    assert rows["statusline.claude"] == ["true", "line", "4"]


def _sits_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person at a terminal."""
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An editor that does what its script says: `$2` is the file."""
    script = tmp_path / "my editor"
    monkeypatch.setenv("VISUAL", f"sh '{script}' --wait")
    return script


def test_edit(
    fresh: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch, editor: Path
) -> None:
    """The editor's own words pass, a file that is not there is made, and what comes is said."""
    _sits_there(monkeypatch)
    fresh.config.unlink()
    editor.write_text("printf '[daemon]\\nport = 0\\n' > \"$2\"")
    ran = agentspend("config", "edit")
    assert (ran.code, ran.out) == (0, "")
    assert "the configuration is valid" in ran.err
    assert fresh.config.read_text() == "[daemon]\nport = 0\n"
    editor.write_text("true")
    assert agentspend("config", "edit").err == "nothing was changed\n"


def test_an_edit_that_went_wrong(
    fresh: Home, agentspend: Command, monkeypatch: pytest.MonkeyPatch, editor: Path
) -> None:
    """What was written wrong is said with its line, and an editor that failed is."""
    _sits_there(monkeypatch)
    editor.write_text("echo '[daemn]' > \"$2\"")
    ran = agentspend("config", "edit")
    assert ran.code == 1
    assert f"{fresh.config} line 1: daemn is not a setting" in ran.err
    editor.write_text("exit 3")
    ran = agentspend("config", "edit")
    assert ran.code == 1
    assert "ended with exit code 3" in ran.err
    assert "→ EDITOR=nano agentspend config edit" in ran.err


def test_an_editor_that_is_not_there(agentspend: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one opened where nobody sits."""
    _sits_there(monkeypatch)
    monkeypatch.setenv("VISUAL", "no-such-editor")
    ran = agentspend("config", "edit")
    assert (ran.code, "no-such-editor does not start" in ran.err) == (1, True)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert "agentspend config path" in agentspend("config", "edit").err


def test_path(fresh: Home, agentspend: Command) -> None:
    """The four places, for people and for scripts; also with a broken file."""
    fresh.config.write_text("[broken")
    found = agentspend("config", "path", "--json").json()
    assert found["config"] == str(fresh.config)
    assert list(found) == ["v", "config", "ledger", "socket", "log"]
    lines = dict(line.split() for line in agentspend("config", "path").out.splitlines())
    assert lines["ledger"] == str(fresh.home / "ledger.db")
