"""A change of one file, tried before it is offered, and taken back as far as it is still ours."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.agents.file_change import Done, apply, digest, says, take_back
from agentspend.agents.plain import FileChange
from agentspend.core.errors import LaunchError

PATH = Path("/home/dev/settings")
URL = "http://127.0.0.1:4141/k/ask-x/v1"
REMARK = "  # by agentspend enable"


def change(kind: str, *values: tuple[str, ...]) -> FileChange:
    """These keys set to our URL."""
    return FileChange(PATH, kind, dict.fromkeys(values, URL))


KINDS: list[tuple[str, tuple[str, ...], list[str]]] = [
    ("json", ("env", "URL"), ["", "{}", '{\n  "model": "opus",\n  "env": {"A": "1"}\n}\n']),
    ("jsonc", ("provider", "x", "options", "baseURL"),
     ["", "{}\n", '{\n  // mine\n  "provider": {\n    "x": {"npm": "y",},\n  }\n}\n']),
    ("toml", ("openai_base_url",),
     ["", 'model = "x"\n', "# a remark\n\n[table]\nopenai_base_url = 1\n", 'a = 1\r\n[b]\r\n',
      "at = 2026-11-25T10:00:00Z\n"]),
    ("yaml", ("env-file",),
     ["", "model: x\n", "# mine\nmodel: x\nset-env:\n  - A=b", "---\na: 1\n"]),
    ("dotenv", ("URL",), ["", "A=1\n", "# mine\nexport A='b c'\nURLS=2"]),
]  # fmt: skip
CASES = [(kind, keys, text) for kind, keys, texts in KINDS for text in texts]


@pytest.mark.parametrize(("kind", "keys", "text"), CASES)
def test_set_and_taken_back(kind: str, keys: tuple[str, ...], text: str) -> None:
    """The value is there, and the file is what it was once it is taken out."""
    after, done = apply(change(kind, keys), text)
    assert says(kind, after, keys) == URL
    back = take_back(kind, after, done)
    assert back in (text, f"{text}\n", "{}\n")
    assert says(kind, back, keys) == ""


@pytest.mark.parametrize(
    ("kind", "keys", "text"),
    [
        ("json", ("env", "URL"), '{"env": {"URL" : "http://mine", "B": "2"}}'),
        ("toml", ("openai_base_url",), 'openai_base_url   = "http://mine" # why\nb = 1\n'),
        ("yaml", ("env-file",), "env-file: /mine # why\r\nb: 1\r\n"),
        ("dotenv", ("URL",), "export URL=http://mine # why\nB=2\n"),
    ],
)
def test_what_stood_there_comes_back_as_it_was_written(
    kind: str, keys: tuple[str, ...], text: str
) -> None:
    """To the byte, remarks and all."""
    after, done = apply(change(kind, keys), text)
    assert "mine" not in after
    assert take_back(kind, after, done) == text


@pytest.mark.parametrize(
    ("kind", "keys", "text", "mine"),
    [
        ("json", ("env", "URL"), '{\n  "a": 1\n}\n', '"a": 2'),
        ("toml", ("openai_base_url",), "a = 1\n", "a = 2"),
        ("yaml", ("env-file",), "a: 1\n", "a: 2"),
        ("dotenv", ("URL",), "a=1\n", "a=2"),
    ],
)
def test_what_a_person_changed_since_stays(
    kind: str, keys: tuple[str, ...], text: str, mine: str
) -> None:
    """Their edits elsewhere are theirs; so is our value once they made it theirs."""
    after, done = apply(change(kind, keys), text)
    edited = after.replace(mine.replace("2", "1"), mine)
    assert edited != after
    assert take_back(kind, edited, done) == text.replace(mine.replace("2", "1"), mine)
    theirs = after.replace(URL, "http://theirs")
    assert take_back(kind, theirs, done) == theirs


def test_an_object_made_for_a_value_goes_only_when_it_is_empty() -> None:
    """Two values in one new object; a person's third one keeps it."""
    after, done = apply(change("json", ("env", "A"), ("env", "B")), '{"x": 1}')
    assert take_back("json", after, done) == '{"x": 1}'
    kept = after.replace('"A"', '"MINE": "1", "A"')
    assert take_back("json", kept, done) == '{"x": 1, "env": {"MINE": "1"}}'


@pytest.mark.parametrize(
    ("kind", "keys", "text"),
    [
        ("json", ("a",), '{"x": 1,}'),
        ("json", ("a",), "[1]"),
        ("json", ("env", "a"), '{"env": 1}'),
        ("jsonc", ("a",), "{"),
        ("toml", ("a",), "b = \n"),
        ("toml", ("a",), "\ufeffb = 1\n"),
        ("toml", ("openai_base_url",), '"openai_base_url" = "x"\n'),
        ("toml", ("openai_base_url",), "x = '''\nopenai_base_url = 1\n'''\n"),
        ("yaml", ("a",), "{b: 1}\n"),
        ("yaml", ("a",), "- x\n"),
        ("yaml", ("a",), "b: 1\n...\n"),
        ("yaml", ("a",), "b: |\n  a: 1\na:\n  - 2\n"),
    ],
)
def test_what_cannot_be_changed_safely_is_not(kind: str, keys: tuple[str, ...], text: str) -> None:
    """An error that names the file and what to set by hand."""
    with pytest.raises(LaunchError, match="/home/dev/settings cannot be changed") as caught:
        apply(change(kind, keys), text)
    assert ".".join(keys) in caught.value.hint


def test_no_value_is_kept_in_clear() -> None:
    """The record of a change holds digests: a token is in the agent's file, and nowhere else."""
    _, done = apply(change("json", ("env", "URL")), "")
    assert done == [Done(("env", "URL"), digest(URL), None, 1)]
    assert says("json", "{", ("env",)) == ""


@given(st.lists(st.sampled_from(["a = 1", "[t]", "# x", "", "b = 'openai_base_url = 2'", "[[u]]"])))
def test_any_toml_is_changed_or_left_alone(lines: list[str]) -> None:
    """A new line above everything, gone again without a trace."""
    text = "".join(f"{line}\n" for line in lines)
    try:
        after, done = apply(change("toml", ("openai_base_url",)), text)
    except LaunchError:
        return
    assert after == f'openai_base_url = "{URL}"{REMARK}\n{text}'
    assert take_back("toml", after, done) == text
