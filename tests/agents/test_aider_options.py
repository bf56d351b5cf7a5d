"""aider's options, read as aider reads them: which place counts, and where it stands."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from agentspend.agents.aider_options import Options, Setting, _parser, read_options
from agentspend.core.errors import LaunchError
from tests.agents.real import BIN, why_missing

DUMP = """
import json
from aider.args import get_parser
print(json.dumps([
    [sorted(a.option_strings), type(a).__name__] for a in get_parser([], None)._actions
]))
"""


def read(folder: Path, *args: str, text: str = "", **env: str) -> Options:
    """The options of a start with these arguments, variables and one configuration file."""
    (folder / "conf.yml").write_text(text or "{}")
    variables = {name: Setting(name, value, f"({name})") for name, value in env.items()}
    return read_options(args, variables, [folder / "conf.yml"], folder)


@pytest.mark.skipif(bool(why_missing("aider")), reason=why_missing("aider") or "it is here")
def test_the_table_is_that_of_the_real_aider(tmp_path: Path) -> None:
    """Every option, its spellings and its kind: a new one in aider shows up here."""
    python = BIN.resolve().parent / "aider/bin/python"
    done = subprocess.run(
        [python, "-c", DUMP],
        capture_output=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    special = {"_HelpAction", "_VersionAction", "_StoreConstAction"}

    theirs = [
        (names, "_StoreTrueAction" if kind in special else kind)
        for names, kind in json.loads(done.stdout)
    ]
    ours = [(sorted(item.option_strings), type(item).__name__) for item in _parser((), tmp_path)[1]]
    assert sorted(ours, key=str) == sorted(theirs, key=str)


@pytest.mark.parametrize(
    ("args", "text", "env", "value", "place"),
    [
        (("--model", "a"), "model: b", {"AIDER_MODEL": "c"}, "a", "--model"),
        (("--model=a",), "", {}, "a", "--model"),
        ((), "model: b", {"AIDER_MODEL": "c"}, "c", "(AIDER_MODEL)"),
        ((), "x: 1\nmodel: b", {}, "b", "conf.yml line 2"),
        ((), "'model' :\n  'b'", {}, "b", "conf.yml line 2"),
        (("--model", "a", "--model", "d"), "", {}, "d", "--model"),
        (("--", "--model=a"), "", {}, "", ""),
    ],
)
def test_the_strongest_place_counts(
    tmp_path: Path, args: tuple[str, ...], text: str, env: dict[str, str], value: str, place: str
) -> None:
    """Arguments, then variables, then the file; the last of an option's arguments."""
    found = read(tmp_path, *args, text=text, **env)

    assert found.value("model") == value
    item = found.get("model")
    assert (item.place if item else "").removeprefix(f"{tmp_path}/") == place


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("read: [a.md, 'b.md']", [("a.md", 1), ("b.md", 1)]),
        ("read: [\n  a.md,\n  'b.md' # why\n]", [("a.md", 2), ("b.md", 3)]),
        ('read:\n  - a.md\n  - "b.md"  # why', [("a.md", 2), ("b.md", 3)]),
        ("read:\n- a.md\n\n# between\n- b.md", [("a.md", 2), ("b.md", 5)]),
        ("read: a.md # why", [("a.md", 1)]),
        ("other: x", []),
        ("read:", []),
    ],
)
def test_lists_of_a_configuration_file(
    tmp_path: Path, text: str, values: list[tuple[str, int]]
) -> None:
    """In any form of YAML: each item with its line."""
    found = read(tmp_path, text=text).chosen.get("read", ())

    assert [(item.value, item.place) for item in found] == [
        (value, f"{tmp_path}/conf.yml line {line}") for value, line in values
    ]


def test_a_list_in_a_variable(tmp_path: Path) -> None:
    """As JSON or in brackets."""
    for text in ('["a=1", "b=2"]', "[a=1, b=2]"):
        found = read(tmp_path, AIDER_SET_ENV=text).chosen["set-env"]
        assert [(item.value, item.place) for item in found] == [
            ("a=1", "(AIDER_SET_ENV)"),
            ("b=2", "(AIDER_SET_ENV)"),
        ]


def test_a_shortened_option_is_the_only_one_it_fits(tmp_path: Path) -> None:
    """As argparse has it; one that fits several is refused, as aider does."""
    assert read(tmp_path, "--weak", "a").get("weak-model") == Setting("weak-model", "a", "--weak")
    with pytest.raises(LaunchError, match="aider would not start: ambiguous option: --mod"):
        read(tmp_path, "--mod", "a")


def test_a_switch_that_is_off_is_told_from_one_not_given(tmp_path: Path) -> None:
    """`--no-git` and no word about git."""
    assert "no-git" in read(tmp_path, "--no-git").chosen
    assert {"git", "no-git"} & set(read(tmp_path).chosen) == set()
    assert "git" in read(tmp_path, text="git: true").chosen


def test_a_configuration_that_is_named_must_be_there(tmp_path: Path) -> None:
    """aider would stop."""
    with pytest.raises(LaunchError, match="Unable to open config file: gone"):
        read(tmp_path, "-c", "gone.yml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: [canary", "conf.yml line 2 is not YAML"),
        ("# canary", "conf.yml holds no settings"),
        ("- canary", "conf.yml holds no settings"),
        ("mode: canary", "would not start: ambiguous option: --mode"),
        ("git: canary", "would not start: Unexpected value for git: "),
        ("1: canary", "configuration cannot be read"),
    ],
)
def test_what_is_wrong_is_said_without_values(tmp_path: Path, text: str, told: str) -> None:
    """A value may be a key."""
    with pytest.raises(LaunchError) as caught:
        read(tmp_path, text=text)
    assert told.removesuffix(": ") in caught.value.message
    assert "canary" not in caught.value.message + caught.value.hint


def test_an_option_that_came_later_is_no_matter(tmp_path: Path) -> None:
    """A newer aider knows more than our table does."""
    assert read(tmp_path, "--brand-new", "x", "--model", "a").value("model") == "a"
