"""A command alone: built and loaded without the others, and the same as among them."""

import inspect
import os
from typing import Any

import pytest
import typer.main

from agentspend.cli.app import PROGRAM, asked, build
from agentspend.cli.commands import COMMANDS
from tests.cli.conftest import Command, spend
from tests.support.loading import loaded_by, packages
from tests.support.process import Home

WHOLE: Any = typer.main.get_command(build())
HEAVY = {"aiohttp", "asyncio", "cryptography", "http.client", "keyring", "msgspec", "sqlite3",
         "sqlite_utils", "ssl", "textual", "tomlkit", "tomllib", "urllib.request"}  # fmt: skip
OTHERS = {"agentspend.cli.enabling", "agentspend.cli.plain_files", "agentspend.cli.reach",
          "agentspend.config.secrets", "agentspend.core.pricebook"}  # fmt: skip


def shape(command: Any) -> Any:
    """What there is of a command or group: its function, options, and those below it."""
    below = {name: shape(each) for name, each in getattr(command, "commands", {}).items()}
    made = command.callback and inspect.unwrap(command.callback)
    options = [(each.name, each.opts, getattr(each, "help", "")) for each in command.params]
    return made and made.__qualname__, command.help, options, below


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_alone_is_what_it_is_among_all(name: str) -> None:
    """No other is there, and nothing of it is missing."""
    alone: Any = typer.main.get_command(build(name))
    assert list(alone.commands) == [name]
    assert shape(alone.commands[name]) == shape(WHOLE.commands[name])


@pytest.mark.parametrize(
    ("words", "only"),
    [("status --json", "status"), ("budget list", "budget"), ("budget", "budget"), ("", ""),
     ("--help", ""), ("--version", ""), ("sttaus", ""), ("--json status", "")],
)  # fmt: skip
def test_which_command_is_asked_for(words: str, only: str) -> None:
    """A typo or a first word that is none needs all of them: for the list, or what is near."""
    assert asked(words.split(), {}) == only


LINES = ["", "s", "k", "key", "key ", "key li", "keys set a", "budget ", "budget raise ", "--ver",
         "nonsense ", "run ", "run c", "config  show --", "budget list --js"]  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("line", LINES)
def test_a_tab_offers_the_same(
    fresh: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str,
    line: str,
) -> None:  # fmt: skip
    """Wherever the word that is being typed stands."""
    assert fresh
    typed = f"{PROGRAM} {line}"
    for at in range(1, len(typed.split(" ")) + (shell == "bash")):
        said = {"_AGENTSPEND_COMPLETE": f"complete_{shell}"}
        if shell == "bash":
            said |= {"COMP_WORDS": typed.replace(" ", "\n"), "COMP_CWORD": str(at)}
        else:
            said |= {"_TYPER_COMPLETE_ARGS": " ".join(typed.split(" ")[: at + 1])}
        for name, value in said.items():
            monkeypatch.setenv(name, value)
        offered = []
        for only in (asked([], os.environ), ""):
            with pytest.raises(SystemExit):
                build(only)(args=[], prog_name=PROGRAM, standalone_mode=False)
            offered.append(capsys.readouterr().out)
        assert offered[0] == offered[1], (only, said)


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("enable", "--help")], ids=" ".join)
def test_help_loads_nothing_that_works(fresh: Home, words: tuple[str, ...]) -> None:
    """Neither what a command does it with, nor what is only needed to do it."""
    found = loaded_by(*words, home=fresh.home)
    assert "agentspend.cli.enable" in found
    assert (OTHERS | HEAVY) & (found | packages(found)) == set()


def test_asking_the_daemon_loads_what_it_takes_to_ask(here: Home, agentspend: Command) -> None:
    """Each of these, and a tab, cost a quarter of a second of nothing but loading otherwise."""
    agentspend("budget", "set", "daily", "5", "--window", "day")
    spend(here)
    rid = here.json("log")[-1]["rid"]
    tab = {"_AGENTSPEND_COMPLETE": "complete_bash", "COMP_WORDS": "agentspend\nwhy\nr_",
           "COMP_CWORD": "2"}  # fmt: skip
    for words, env in (
        ("status --json", {}), ("budget list --json", {}), ("log", {}), (f"why {rid}", {}),
        ("daemon status", {}), ("key list --json", {}), ("report --json", {}), ("", tab),
    ):  # fmt: skip
        found = loaded_by(*words.split(), home=here.home, **env)
        name = words.partition(" ")[0] or "why"
        assert f"agentspend.cli.{name}" in found
        decodes = {"msgspec"} if name == "log" else set()
        assert (OTHERS | HEAVY) & (found | packages(found)) <= decodes, words
        assert "agentspend.cli.team" not in found
