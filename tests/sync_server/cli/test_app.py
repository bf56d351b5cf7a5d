"""The command line as a whole: every command explains itself; errors say how to write it."""

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from sync_server.cli import app, helping
from sync_server.cli.helping import ExitCode
from tests.sync_server.cli.command import run


def commands(
    group: Any = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    group = group or typer.main.get_command(app.build())
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


COMMANDS = dict(commands())
IDS = {"ids": " ".join}


def test_the_commands_are_those_of_the_issue() -> None:
    """Under their names."""
    assert {words[0] for words in COMMANDS} == set(helping.ORDER)
    assert {words[1] for words in COMMANDS if words[0] == "member"} == {
        "add", "import", "list", "set-role", "set-tier", "set-cap", "move", "add-team",
        "remove-team", "revoke",
    }  # fmt: skip
    assert {words[1] for words in COMMANDS if words[0] == "request"} == {
        "list", "approve", "deny", "reopen",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, **IDS)
def test_every_command_explains_itself(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """With an intent, every option told, and examples whose words it takes."""
    assert app.run([*words, "--help"]) == 0
    out = capsys.readouterr().out
    examples = out.partition("Example")[2].splitlines()[1:]
    assert any(f"agentspend-server {' '.join(words)}" in line for line in examples)
    known = {name for param in COMMANDS[words].params for name in param.opts}
    for example in examples:
        own = re.split(r"[|>]", example.partition(f"agentspend-server {' '.join(words)}")[2])[0]
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", own)) <= known, example


def test_commands_stand_in_the_order_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    """From the first day to the worst one; a group alone shows what it has."""
    app.run(["--help"])
    listed = capsys.readouterr().out.partition("Commands:\n")[2]
    assert tuple(re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE)) == helping.ORDER
    assert app.run(["member"]) == ExitCode.USAGE
    assert "set-role" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("team create", "agentspend-server team create backend"),
        ("team set-cap a 40", "agentspend-server team set-cap backend 500 --window month"),
        ("org set-cap many --window day", 'write it like "25.00"'),
        ("report --since yesterday", "write it like 24h, 7d or 4w"),
        ("org show", "go to the server's folder"),
        ("member import none.csv", "give a CSV file in UTF-8"),
    ],
)
def test_what_is_written_wrong_is_taught(tmp_path: Path, words: str, hint: str) -> None:
    """Two lines on stderr, nothing on stdout."""
    ran = run(tmp_path, *words.split())
    assert ran.out == ""
    first, second = ran.err.splitlines()
    assert first.startswith("agentspend-server: ")
    assert second.startswith(f"→ {hint}")
    assert ran.code in (ExitCode.FAILED, ExitCode.USAGE)


def test_a_first_day_in_the_folder(tmp_path: Path) -> None:
    """From nothing to a capped team, without a server running."""
    ran = run(tmp_path, "init", "--org", "Acme", "--host", "spend.acme.example")
    assert (ran.code, ran.out.startswith("aspt_")) == (0, True)
    folder = tmp_path / "agentspend-server"
    assert "https://spend.acme.example:4747" in (folder / "server.toml").read_text()
    assert run(folder, "org", "set-cap", "2000", "--window", "month").code == 0
    (folder / "people.csv").write_text("name,email,team\nAnna,anna@acme.example,Backend\n")
    joined = run(folder, "member", "import", "people.csv")
    assert re.fullmatch(
        r"anna: agentspend team join https://spend\.acme\.example:4747 ASPD-\S+\.[A-Z2-7]{52}\n",
        joined.out,
    )
    assert run(folder, "team", "set-cap", "backend", "40", "--window", "day").code == 0
    shown = run(folder, "org", "show")
    assert re.search(r"team\.backend\.day +day +\$0\.00 .* \$40\.00 +\$40\.00", shown.out)
    assert run(folder, "init", str(folder), "--org", "Acme").code == ExitCode.FAILED
    bad = folder / "bad.csv"
    bad.write_text("nome,team\nx,y\n")
    assert "nome" in run(folder, "member", "import", "bad.csv").err


@pytest.mark.parametrize(
    "words",
    ["org show", "team list", "member list", "device list", "report", "request list",
     "policy show", "audit", "verify", "token list", "freeze", "unfreeze"],
)  # fmt: skip
def test_json_is_versioned(
    initialised: Path, words: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """One line, `v` first."""
    monkeypatch.chdir(initialised)
    assert app.run([*words.split(), "--json"]) == 0
    out, err = capsys.readouterr()
    assert (next(iter(json.loads(out))), err) == ("v", "")
    assert out.count("\n") == 1


def test_a_developers_install_says_what_a_server_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the extra: what is missing and the command that brings it, no traceback, once
    something is to be done here; what needs none of it works."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.startswith("sync_server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    program = importlib.import_module("sync_server.__main__")
    monkeypatch.setattr(sys, "argv", ["agentspend-server", "--help"])
    assert program.main() == ExitCode.OK
    monkeypatch.setattr(sys, "argv", ["agentspend-server", "init", "--org", "Acme", "--clear"])
    assert program.main() == ExitCode.FAILED
    assert list(tmp_path.iterdir()) == []
    told = capsys.readouterr().err
    assert told.startswith("agentspend-server: the server's own libraries are not installed")
    assert "agentspend-cli[server]" in told
