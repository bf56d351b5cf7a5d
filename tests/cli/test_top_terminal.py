"""`agentspend top` in a real terminal of each kind: its colours, and how it leaves."""

import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import PYTHON

WITHIN_S = 60
TRUE, INDEXED = r"\x1b\[[0-9;]*38;2;", r"\x1b\[[0-9;]*38;5;"
SIXTEEN = r"\x1b\[(?:[0-9]+;)*[39][0-7](?:;[0-9]+)*m"


def screen(folder: Path, *options: str, **env: str) -> str:
    """What a terminal of 100 × 30 is sent until the demo is seen and `q` has ended it."""
    ours, theirs = pty.openpty()
    unset = ("COLORTERM", "NO_COLOR", "TERM")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    home = {"AGENTSPEND_HOME": str(folder), "HOME": str(folder), "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        [PYTHON, "-m", "agentspend", "top", "--demo", *options],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**kept, **home, **env}, close_fds=True,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    found, asked = b"", False
    try:
        while select.select([ours], [], [], WITHIN_S)[0]:
            try:
                found += os.read(ours, 65_536)
            except OSError:
                break
            if not asked and b"laptop" in found:
                os.write(ours, b"q")
                asked = True
        assert process.wait(WITHIN_S) == 0
    finally:
        process.kill()
        os.close(ours)
    return found.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("env", "has", "lacks"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, [TRUE], []),
        ({"TERM": "xterm-256color"}, [INDEXED], [TRUE]),
        ({"TERM": "xterm"}, [SIXTEEN], [TRUE, INDEXED]),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, [], [INDEXED, SIXTEEN]),
    ],
    ids=["truecolor", "256", "16", "none"],
)  # fmt: skip
def test_colours_are_those_the_terminal_has(
    tmp_path: Path, env: dict[str, str], has: list[str], lacks: list[str]
) -> None:
    """Three depths, and none; what is said is said in each, and the screen is given back."""
    sent = screen(tmp_path, "--ascii", **env)
    for pattern in has:
        assert re.search(pattern, sent)
    for pattern in lacks:
        assert not re.search(pattern, sent), re.search(pattern, sent)
    assert "enforcing" in sent
    assert "\x1b[?1049l" in sent


def test_an_encoding_without_our_signs_gets_ascii(tmp_path: Path) -> None:
    """Nobody has to know of --ascii, and no escape is shown in a sign's place."""
    sent = screen(tmp_path, TERM="xterm", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert "enforcing" in sent
    assert "\\u" not in sent
