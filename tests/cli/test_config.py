"""`agentspend config`: every setting with its place, and where everything lies."""

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


def test_path(fresh: Home, agentspend: Command) -> None:
    """The four places, for people and for scripts; also with a broken file."""
    fresh.config.write_text("[broken")
    found = agentspend("config", "path", "--json").json()
    assert found["config"] == str(fresh.config)
    assert list(found) == ["v", "config", "ledger", "socket", "log"]
    lines = dict(line.split() for line in agentspend("config", "path").out.splitlines())
    assert lines["ledger"] == str(fresh.home / "ledger.db")
