"""What a tab offers of `agentspend-server`: commands, and the names its server knows."""

from pathlib import Path

from tests.sync_server.cli.command import Ran, run


def tab(folder: Path, words: str) -> Ran:
    """As bash asks; the last word is the one that is being typed."""
    line = f"agentspend-server {words}"
    return run(folder, _AGENTSPEND_SERVER_COMPLETE="complete_bash", COMP_WORDS=line,
               COMP_CWORD=str(len(line.split(" ")) - 1))  # fmt: skip


def test_names_as_they_are_now(initialised: Path) -> None:
    """Teams, members, caps; of the folder one stands in."""
    for words in (
        ("team", "create", "backend"), ("team", "create", "data"),
        ("member", "add", "anna", "--team", "backend"), ("org", "set-cap", "9", "--window", "day"),
    ):  # fmt: skip
        done = run(initialised, *words)
        assert done.code == 0, done.err
    assert tab(initialised, "fre").out.split() == ["freeze"]
    assert tab(initialised, "freeze ").out.split() == ["backend", "data"]
    assert tab(initialised, "team set-cap d").out.split() == ["data"]
    assert tab(initialised, "member revoke a").out.split() == ["anna"]
    assert tab(initialised, "member move anna b").out.split() == ["backend"]
    assert tab(initialised, "reserve set o").out.split() == ["org.day"]
    assert tab(initialised, "report --team b").out.split() == ["backend"]


def test_where_there_is_no_server_nothing_is_offered_or_said(tmp_path: Path) -> None:
    """No error in the middle of a line that somebody types."""
    done = tab(tmp_path, "freeze ")
    assert (done.out.strip(), done.err) == ("", "")


def test_its_version(tmp_path: Path) -> None:
    """As its sibling has it."""
    assert run(tmp_path, "--version").out.startswith("agentspend-server 0.")
