"""A command that we name, in a hint or a document, exists and takes the options named with it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from agentspend.cli import app as ours
from sync_server.cli import app as theirs
from tests.house.sources import PACKAGES, ROOT, modules, name_of, texts

PROGRAMS: dict[str, Any] = {
    "agentspend": typer.main.get_command(ours.build()),
    "agentspend-server": typer.main.get_command(theirs.build()),
}
DOCUMENTS = (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
NAMED = re.compile(
    r"(?:^|`|→ +|\$ |    |\bor |: |&& |; )(agentspend(?:-server)?) ([a-z-][^`\n,;)#|&]*)",
    re.MULTILINE,
)
PROSE = {"answers", "does", "is", "keeps", "may", "needs", "passes", "serves", "speaks", "was",
         "would", "team server"}  # fmt: skip
"""What we say of the programs themselves."""


def wrong(program: str, words: list[str]) -> str:
    """Why this is no command of ours, "" when it is one."""
    command, name = PROGRAMS[program], program
    while subcommands := getattr(command, "commands", {}):
        if not words or words[0].startswith("-") or not words[0].islower():
            break
        word, *words = words
        name += f" {word}"
        if word not in subcommands:
            return name
        command = subcommands[word]
    if name == "agentspend run":  # What follows the agent's name is the agent's own.
        words = []
    known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
    known |= {"--help", "-h", "--version", "--install-completion", "--show-completion"}
    asked = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    return " ".join([name, *sorted(asked - known)]) if asked - known else ""


def named(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command that a text names: the program and the words behind it."""
    for found in NAMED.finditer(text):
        rest = found[2].partition("    ")[0].rstrip(". ")
        words = [word.strip("'\"()[]…") for word in rest.split()]
        if words and words[0] not in PROSE and " ".join(words[:2]) not in PROSE:
            yield found[1], [word for word in words if word]


def faults(place: str, text: str) -> list[str]:
    """What a text names that does not exist."""
    told = [wrong(program, words) for program, words in named(text)]
    return [f"{place}: {each}" for each in told if each]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_commands_that_exist(path: Path) -> None:
    """Who follows a document line by line meets no "no such command"."""
    assert faults(name_of(path), path.read_text("utf-8")) == []


def test_hints_name_commands_that_exist() -> None:
    """The way out of an error is one."""
    found = []
    for path in modules(*PACKAGES):
        for number, text in texts(path):
            found += faults(f"{name_of(path)}:{number}", text)
    assert found == []
