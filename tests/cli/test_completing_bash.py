"""Completion in bash: words taken apart at `=` and `:` are completed whole, in a real bash too."""

import os
import pty
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from agentspend.cli import completing_bash
from tests.support.process import Home

SCOPE = ["agentspend", "budget", "set", "x", "5", "--scope"]


@pytest.mark.parametrize(
    ("words", "whole", "head"),
    [
        ([*SCOPE, "agent", "=", "cl"], [*SCOPE, "agent=cl"], "agent="),
        ([*SCOPE, "agent", "="], [*SCOPE, "agent="], "agent="),
        ([*SCOPE, "ag"], [*SCOPE, "ag"], ""),
        ([*SCOPE, ""], [*SCOPE, ""], ""),
        ([*SCOPE[:-1], "--scope", "=", "agent", "=", "c"], [*SCOPE[:-1], "--scope=agent=c"],
         "--scope=agent="),
        ([*SCOPE, "model", "=", "ft", ":", "gpt"], [*SCOPE, "model=ft:gpt"], "model=ft:"),
        ([*SCOPE, "agent=cl"], [*SCOPE, "agent=cl"], ""),
    ],
)  # fmt: skip
def test_words_are_put_together(words: list[str], whole: list[str], head: str) -> None:
    """What bash splits is one word again; one that it left whole stays as it is."""
    env = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    assert completing_bash.put_together(env) == head
    assert env == {"COMP_WORDS": "\n".join(whole), "COMP_CWORD": str(len(whole) - 1)}


def test_what_is_offered_is_cut_to_bashs_part() -> None:
    """Bash replaces what follows the `=`, so only that is said."""
    env = {"COMP_WORDS": "a\nagent\n=\nc", "COMP_CWORD": "3"}
    said = completing_bash.answer(env, lambda: print("agent=claude\nagent=codex"))
    assert said == "claude\ncodex"


def test_no_space_behind_a_key_that_wants_a_value() -> None:
    """Bash puts one behind the only offer: two that begin alike stop it at the `=`."""
    env = {"COMP_WORDS": "a\n--scope\nta", "COMP_CWORD": "2"}
    assert completing_bash.answer(env, lambda: print("tag=")) == "tag=\ntag=VALUE"
    assert completing_bash.answer(env, lambda: print("day")) == "day"


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash on this machine")
def test_tabs_in_a_real_bash(fresh: Home, tmp_path: Path) -> None:
    """After the tab the whole scope stands in the line, however it was begun."""
    script = subprocess.run(
        ["agentspend", "--show-completion", "bash"],
        env=fresh.env | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rc = tmp_path / "rc"
    rc.write_text(f"{script}\nagentspend() {{ printf '<%s>' \"$@\"; echo; }}\nPS1='$ '\n")
    typed = ("--scope agent=cl", "--scope=agent=cl", "--scope provider=anth", "--mode ha")
    lines = [f"agentspend budget set x 5 {each}\t\n" for each in typed]
    lines.append("agentspend budget set x 5 --scope ta\tticket:1\n")
    said = _typed(["bash", "--noprofile", "--rcfile", str(rc), "-i"], fresh.env, lines)
    for words in ("<--scope><agent=claude>", "<--scope=agent=claude>",
                  "<--scope><provider=anthropic>", "<--mode><hard>",
                  "<--scope><tag=ticket:1>"):  # fmt: skip
        assert f"<set><x><5>{words}" in said


def _typed(words: list[str], env: dict[str, str], lines: list[str]) -> str:
    """Everything a shell on a terminal of its own says to these lines, each typed at a prompt."""
    terminal, theirs = pty.openpty()
    shell = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=env | {"TERM": "dumb", "HISTFILE": ""},
    )  # fmt: skip
    os.close(theirs)
    said = ""
    left = [*lines, "exit\n"]
    with suppress(OSError):  # The terminal is gone when the shell is.
        while chunk := os.read(terminal, 4096):
            said += chunk.decode(errors="replace")
            if left and said.endswith("$ "):
                os.write(terminal, left.pop(0).encode())
    os.close(terminal)
    shell.wait()
    return said
