"""The real daemon in a team: joined over the command line, offline without harm, and left again."""

from pathlib import Path

from agentspend.sync.anchor import identity
from tests.support.process import Home


def test_without_a_team_the_commands_say_how_to_join(tmp_path: Path) -> None:
    """And a server that is not there is told in words, with nothing changed."""
    with Home(tmp_path) as home:
        said = home.run("team", "status")
        assert said.returncode == 1
        assert "agentspend team join URL CODE" in said.stderr
        said = home.run("team", "join", "http://127.0.0.1:9", "ASPD-0000")
        assert said.returncode == 1
        assert "cannot be reached" in said.stderr
        said = home.run("team", "join", "http://team.example", "ASPD-0000")
        assert "https" in said.stderr
        assert home.run("team", "status", "--json").stdout == '{"v":1,"team":null}\n'


def test_a_ledger_that_was_copied_has_another_identity(tmp_path: Path) -> None:
    """The file itself is part of it."""
    one, two = tmp_path / "ledger.db", tmp_path / "copy.db"
    one.write_bytes(b"x")
    two.write_bytes(one.read_bytes())
    assert identity(one) == identity(one)
    assert identity(one) != identity(two)


def test_a_ledger_made_anew_has_another_identity(tmp_path: Path) -> None:
    """Removed and copied back: the file system gives the same number again."""
    ledger = tmp_path / "ledger.db"
    ledger.write_text("x")
    before = identity(ledger)
    ledger.unlink()
    ledger.write_text("x")
    assert identity(ledger) != before


def test_no_agent_may_let_a_machine_in(tmp_path: Path) -> None:
    """It would have a device of its own, outside every session."""
    with Home(tmp_path) as home:
        said = home.run("run", "--", "agentspend", "team", "add-device").stderr
        assert "an agent may not let another machine into the team" in said
        assert "in no team" in home.run("team", "add-device").stderr
        draw = ("team", "reserve", "org.month", "--reason", "x")
        assert "an agent may not" in home.run("run", "--", "agentspend", *draw).stderr
        assert "in no team" in home.run(*draw).stderr
