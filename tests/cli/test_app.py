"""The command line as a whole: help, examples, suggestions, exit codes, completion."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from agentspend.cli import helping
from agentspend.cli.app import build
from agentspend.cli.diagnostics import ExitCode
from tests.cli.conftest import Command
from tests.support.process import Home


def commands(
    group: Any = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words, the hidden ones too."""
    group = group or typer.main.get_command(build())
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


COMMANDS = dict(commands())
GROUPS = sorted({words[0] for words in COMMANDS if len(words) > 1})
IDS = {"ids": " ".join}


def test_the_commands_are_those_of_the_design() -> None:
    """Every command of the design that this version has is there, under its name."""
    assert {words[0] for words in COMMANDS} == set(helping.ORDER)
    assert {words[1] for words in COMMANDS if words[0] == "budget"} == {
        "list", "set", "raise", "refuse", "remove", "confirm",
    }  # fmt: skip
    assert {words[1] for words in COMMANDS if words[0] == "daemon"} == {
        "start", "stop", "restart", "status", "logs", "install", "uninstall", "run",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, **IDS)
def test_every_command_explains_itself(agentspend: Command, words: tuple[str, ...]) -> None:
    """Help is data: on stdout, exit code 0, with an intent, every option told, and an example."""
    ran = agentspend(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: agentspend {' '.join(words)} ")
    examples = ran.out.partition("Example")[2].splitlines()[1:]
    assert examples
    assert any(f"agentspend {' '.join(words)}" in line for line in examples)
    for param in COMMANDS[words].params:
        if param.param_type_name == "option" and not param.hidden:
            assert param.help, f"{param.name} says nothing"


@pytest.mark.parametrize("words", COMMANDS, **IDS)
def test_what_an_option_takes_is_a_word(agentspend: Command, words: tuple[str, ...]) -> None:
    """N, FILE, USD, SESSION …: never the name of a type."""
    assert not re.search(r"<(str|int|float|path|text)[ >]", agentspend(*words, "--help").out)


@pytest.mark.parametrize("words", COMMANDS, **IDS)
def test_every_example_is_written_right(words: tuple[str, ...]) -> None:
    """The words of an example are options the command has."""
    known = {name for param in COMMANDS[words].params for name in param.opts} | {"--"}
    for example in COMMANDS[words].examples:
        own = example.partition(f"agentspend {' '.join(words)}")[2].partition(" -- ")[0]
        own = own.partition("claude ")[0] if words == ("run",) else own
        used = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", own))
        assert used <= known, example


@pytest.mark.parametrize("words", [(), *((group,) for group in GROUPS)], **IDS)
def test_a_group_named_alone_shows_its_commands(
    agentspend: Command, words: tuple[str, ...]
) -> None:
    """`agentspend`, or a group without a command, shows what there is, in one line each."""
    ran = agentspend(*words)
    assert (ran.code, ran.err) == (ExitCode.USAGE, "")
    own = [each for each, found in COMMANDS.items() if each[:-1] == words and not found.hidden]
    for each in own:
        assert re.search(rf"^  {each[-1]} +\S", ran.out, re.MULTILINE)
    assert "..." not in ran.out, "a gist is cut"
    assert "Example:\n  agentspend" in ran.out


def test_commands_stand_in_the_order_of_use(agentspend: Command) -> None:
    """The list of commands begins with the first one a newcomer needs."""
    out = agentspend("--help").out.partition("Commands:\n")[2]
    listed = re.findall(r"^  ([a-z]+)  ", out, re.MULTILINE)
    assert listed == list(helping.ORDER)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("sttaus", "did you mean status or statusline?"),
        ("budget sett", "did you mean set?"),
        ("daemon strat", "did you mean start or status or restart?"),
        ("help", "agentspend --help"),
        ("xyzzy", "agentspend --help"),
        ("usage", "agentspend report --by project,model"),
        ("limit 5", "agentspend budget set daily 25.00 --window day"),
        ("budget set daily 5 --window daily", "did you mean day?"),
        ("budget set", "agentspend budget set daily 25.00 --window day"),
        ("budget set daily", "agentspend budget set daily 25.00 --window day"),
        ("budget set daily 25", "agentspend budget set daily 25.00 --window day"),
        ("budget set daily --limit 25", "agentspend budget set daily 25.00 --window day"),
        ("budget set daily 25 day", "agentspend budget set daily 25.00 --window day"),
        ("budget set daily 5 --window day --mode soft", "agentspend budget set daily 25.00"),
        ("why", "agentspend why r_1f3a"),
        ("log -n many", "agentspend log -n 100"),
        ("log -n -3", "agentspend log -n 100"),
        ("status --jsn", "did you mean --json?"),
        ("prices explain", "agentspend prices explain --model"),
    ],
)
def test_what_is_written_wrong_is_taught(agentspend: Command, words: str, hint: str) -> None:
    """A usage error is two lines on stderr: what is wrong, then how to write it; exit code 2."""
    ran = agentspend(*words.split())
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    said = ran.err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("agentspend: ")
    assert said[1].startswith(f"→ {hint}")
    assert "Value error" not in ran.err


def test_the_version(agentspend: Command) -> None:
    """`--version` is one line of data."""
    ran = agentspend("--version")
    assert ran.code == 0
    assert re.fullmatch(r"agentspend \d+\.\d+\.\d+\S*\n", ran.out)


def test_the_exit_codes() -> None:
    """Scripts rely on these numbers."""
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0, "FAILED": 1, "USAGE": 2, "DAEMON_UNREACHABLE": 3, "INTERRUPT": 130,
    }  # fmt: skip


def program(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The real program, without a home."""
    return subprocess.run(
        [sys.executable, "-m", "agentspend", *words],
        env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """Each shell gets a script that asks this program."""
    done = program(_AGENTSPEND_COMPLETE=f"source_{shell}")
    assert done.returncode == 0
    assert "_AGENTSPEND_COMPLETE" in done.stdout


def test_completion_answers() -> None:
    """A half-written word is completed with the commands that begin so."""
    done = program(
        _AGENTSPEND_COMPLETE="complete_bash", COMP_WORDS="agentspend budget r", COMP_CWORD="2"
    )
    assert done.stdout.split() == ["raise", "refuse", "remove"]


def test_completion_knows_the_budgets(fresh: Home) -> None:
    """A budget's name is completed from the configuration; a broken one completes nothing."""
    fresh.config.write_text('[[budgets]]\nname = "daily"\nlimit = "5"\nwindow = "day"\n')
    words = {"_AGENTSPEND_COMPLETE": "complete_bash", "COMP_CWORD": "3",
             "COMP_WORDS": "agentspend budget raise da"}  # fmt: skip
    assert fresh.run(**words).stdout.split() == ["daily"]
    fresh.config.write_text("[broken")
    done = fresh.run(**words)
    assert (done.stdout.strip(), done.stderr) == ("", "")
