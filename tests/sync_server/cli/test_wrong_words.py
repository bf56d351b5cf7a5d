"""A lead's mistakes on the first day: told in words, before anything is half made."""

from pathlib import Path

import pytest

from sync_server.acts import invites
from tests.sync_server.cli.command import run

ORG = ("--org", "Acme", "--host", "localhost")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--org", " ", "--host", "localhost"), "the organisation has no name"),
        (("--org", "A\udcff", "--host", "localhost"), "name is not text in UTF-8"),
        (("--org", "Acme", "--host", "bad host"), "'bad host' is not the name or address"),
        ((*ORG, "--database", "mysql://x"), "'mysql://x' is no PostgreSQL address"),
        ((*ORG, "--zone", "Mars/Base"), "'Mars/Base' is no time zone"),
        ((*ORG, "--port", "99999"), "99999 is not between 1 and 65535"),
    ],
)
def test_no_server_is_made_of_what_cannot_be(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2, an example, and no folder."""
    done = run(tmp_path, "init", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "→ agentspend-server init --org Acme" in done.err
    assert not (tmp_path / "agentspend-server").exists()


def test_what_the_machine_or_the_database_refuses_is_no_traceback(
    tmp_path: Path, initialised: Path
) -> None:
    """Where it was, why, and where to look."""
    (tmp_path / "file").write_text("")
    done = run(tmp_path, "init", "file/server", *ORG)
    assert (done.code, done.err.count("\n")) == (1, 2)
    assert f"{tmp_path}/file/server: Not a directory\n→ is it the right place" in done.err
    gone = "postgresql://nobody@127.0.0.1:1/none"
    done = run(tmp_path, "init", "pg", *ORG, "--database", gone)
    assert done.code == 1
    assert done.err.startswith("agentspend-server: the database cannot be used: ")
    assert "Traceback" not in done.err
    done = run(initialised, "backup", "none/copy.db")
    assert (done.code, done.err.endswith("→ mkdir -p none\n")) == (1, True)


def test_what_is_read_or_shown_and_is_not_there(initialised: Path) -> None:
    """A file that cannot be read is named once; an empty report says that it is empty."""
    done = run(initialised, "member", "import", "none.csv")
    assert "none.csv cannot be read: No such file or directory\n→ give a CSV" in done.err
    assert run(initialised, "report", "--team", "web").err == "nothing was spent for team web\n"


@pytest.mark.parametrize(
    ("words", "said", "way_out"),
    [
        (
            f"invite anna --hours {invites.MOST_H + 1}",
            "721 is not between 1 and 720",
            "invite anna",
        ),
        ("org set-cap 1 --window", "'--window' requires an argument", "org set-cap 2000"),
    ],
)
def test_a_command_that_was_written_wrong(
    initialised: Path, words: str, said: str, way_out: str
) -> None:
    """What is wrong, in words, and an example of this very command."""
    done = run(initialised, *words.split())
    assert (done.code, done.out) == (2, "")
    message, _, hint = done.err.partition("\n→ ")
    assert said in message
    assert hint.startswith(f"agentspend-server {way_out}")
