"""The service's texts: what systemd and launchd read, with paths of any shape."""

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from agentspend.control.service import Service, plist_path, unit_path

ODD = Service(
    Path("/home/a b/logs/daemon%.log"),
    {"AGENTSPEND_HOME": '/home/a b/"my" 100%$x\\y'},
    ("/opt/my env/bin/python3", "-m", "agentspend", "daemon", "run"),
)


def line(name: str) -> str:
    """One setting of the odd unit."""
    return next(each for each in ODD.unit().splitlines() if each.startswith(f"{name}="))


def test_a_unit_takes_every_word_as_it_is() -> None:
    """Blanks, quotes, percents and dollars are not systemd's to expand."""
    assert (
        line("ExecStart") == 'ExecStart="/opt/my env/bin/python3" "-m" "agentspend" "daemon" "run"'
    )
    assert line("Environment") == (r'Environment="AGENTSPEND_HOME=/home/a b/\"my\" 100%%$x\\y"')
    assert line("StandardError") == "StandardError=append:/home/a b/logs/daemon%%.log"


def test_it_is_started_again_unless_another_keeps_the_ledger() -> None:
    """And it has the time it takes to let requests end."""
    assert line("Type") == "Type=notify"
    assert line("Restart") == "Restart=on-failure"
    assert line("RestartPreventExitStatus") == "RestartPreventExitStatus=3"
    assert int(line("TimeoutStopSec").partition("=")[2]) > 20


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_finds_nothing_to_say_against_it(tmp_path: Path) -> None:
    """Its own check of the file, word by word."""
    program = tmp_path / "my env/python3"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "agentspend.service"
    unit.write_text(Service(ODD.log, ODD.environment, (str(program), "run")).unit())
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_launchd_agent() -> None:
    """Read back as launchd reads it: at login, and again only when it did not end well."""
    found = plistlib.loads(ODD.plist())
    assert found["ProgramArguments"] == list(ODD.command)
    assert found["EnvironmentVariables"] == dict(ODD.environment)
    assert found["RunAtLoad"] is True
    assert found["KeepAlive"] == {"SuccessfulExit": False}
    assert found["StandardErrorPath"] == str(ODD.log)


def test_only_what_says_where_things_are_goes_along() -> None:
    """A service manager has no shell; a key in the environment is no business of a file."""
    env = {
        "AGENTSPEND_HOME": "/h", "XDG_DATA_HOME": "/d", "AGENTSPEND_OPENAI_KEY_FILE": "/k",
        "AGENTSPEND_OPENAI_KEY": "sk-secret", "ANTHROPIC_API_KEY": "sk-secret", "PATH": "/bin",
        "XDG_RUNTIME_DIR": "/r",
    }  # fmt: skip
    assert Service.here(Path("/log"), env).environment == {
        "AGENTSPEND_HOME": "/h", "AGENTSPEND_OPENAI_KEY_FILE": "/k", "XDG_DATA_HOME": "/d",
    }  # fmt: skip


def test_where_each_is_looked_for() -> None:
    """The user's own folders."""
    home = Path("/home/dev")
    assert unit_path({}, home) == home / ".config/systemd/user/agentspend.service"
    assert unit_path({"XDG_CONFIG_HOME": "/c"}, home) == Path("/c/systemd/user/agentspend.service")
    assert plist_path(home) == home / "Library/LaunchAgents/io.github.agentspend.plist"
