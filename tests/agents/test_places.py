"""Settings files are read as leniently as the agents read them, and pointed at by line."""

from pathlib import Path

import pytest

from agentspend.agents.places import (
    dig,
    parse_jsonc,
    place,
    read_dotenv,
    read_jsonc,
    read_text,
    read_toml,
)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('{"a": 1, // why\n "b": [1, 2,], /* and\n so on */ }', {"a": 1, "b": [1, 2]}),
        ('{"url": "http://x//y", "c": "/* no */, }"}', {"url": "http://x//y", "c": "/* no */, }"}),
        ('{"quote": "\\" // still text"}', {"quote": '" // still text'}),
        ('{"a": [1, /* x */ ], // y\n}', {"a": [1]}),
        ('{"a": {"b": 1 , // last\n // more\n},}', {"a": {"b": 1}}),
        ('{"a": "b,}" ,}', {"a": "b,}"}),
        ('{"a": "x,]\\\\", }', {"a": "x,]\\"}),
        ('{"a": 1, /* } */ "b": 2 /* } */ }', {"a": 1, "b": 2}),
        ("// only a remark", None),
        ('{"a": 1} /* never closed', None),
        ('{"a": 1,, "b": 2}', None),
        ("{broken", None),
    ],
)
def test_json_with_comments_and_trailing_commas(text: str, content: object) -> None:
    """Comments and a last comma are passed over, but never inside of a string."""
    assert parse_jsonc(text) == content


@pytest.mark.parametrize("text", ["", "{broken", "[1, 2]"])
def test_a_file_without_an_object_counts_as_none(tmp_path: Path, text: str) -> None:
    """Missing, broken or another kind of content: the agent has no settings there."""
    file = tmp_path / "settings.json"
    assert read_jsonc(file) is None
    file.write_text(text)
    assert read_jsonc(file) is None


def test_a_value_is_found_by_its_keys_and_its_line(tmp_path: Path) -> None:
    """A nested value, and where its key stands, for people."""
    file = tmp_path / "config.toml"
    file.write_text('model = "m"\n[tables.one]\nbase_url = "u"\n')
    found = read_toml(file, managed=True)

    assert found is not None
    assert found.managed
    assert found.get("tables", "one", "base_url") == "u"
    assert found.get("tables", "two", "base_url") is None
    assert found.place("base_url") == f"{file} line 3"
    assert place(file, found.text, "base") == str(file)


def test_broken_toml_counts_as_none(tmp_path: Path) -> None:
    """The agent itself says what is wrong with it."""
    file = tmp_path / "config.toml"
    file.write_text("model = ")
    assert read_toml(file) is None


def test_variables_of_a_dotenv_file(tmp_path: Path) -> None:
    """With `export`, quotes and blanks; comments and other lines are passed over."""
    file = tmp_path / ".env"
    file.write_text("# A=1\nexport B='two'\n C = \"3=x\" \nnot a variable\nD=\n")
    assert read_dotenv(file) == {"B": "two", "C": "3=x", "D": ""}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("export A=1", {"A": "1"}),
        ("export  A = 'a b'", {"A": "a b"}),
        ('A="b=c"', {"A": "b=c"}),
        ("A=''", {"A": ""}),
        ("exported=1", {"exported": "1"}),
        ("#A=1", {}),
        ("A.B=1", {}),
        ("A: 1", {}),
    ],
)
def test_a_line_of_a_dotenv_file(tmp_path: Path, line: str, found: dict[str, str]) -> None:
    """One variable or none, without what stands around its value."""
    file = tmp_path / ".env"
    file.write_text(f"{line}\n")
    assert read_dotenv(file) == found


@pytest.mark.parametrize(
    ("name", "line"), [("url", 3), ("base_url", 2), ("a-url", 4), ("b.c", 5), ("missing", None)]
)
def test_a_line_is_found_by_a_whole_word(tmp_path: Path, name: str, line: int | None) -> None:
    """The first one; a part of a longer name is no match, and a dot is no wildcard."""
    text = "bxc = 0\nbase_url = 1\nurl = 2\na-url = 3\nb.c = 4\nurl = 5\n"
    file = tmp_path / "config.toml"
    assert place(file, text, name) == (f"{file} line {line}" if line else str(file))


def test_a_path_of_keys_ends_at_what_is_no_object() -> None:
    """There is nothing below a text or a list."""
    assert dig({"a": {"b": 0}}, "a", "b") == 0
    assert dig({"a": "text"}, "a", "b") is None
    assert dig(["a"], "a") is None


def test_a_file_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    """A folder or nothing is no text; a byte order mark is no part of one."""
    assert read_text(tmp_path) == read_text(tmp_path / "missing") == ""
    assert read_dotenv(tmp_path / "missing") == {}
    file = tmp_path / "settings.json"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    found = read_jsonc(file)
    assert found is not None
    assert found.content == {"a": 1}


def test_a_remark_behind_a_value_is_no_part_of_it(tmp_path: Path) -> None:
    """A switch with a remark still counts; inside of quotes it is text."""
    file = tmp_path / ".env"
    file.write_text("A=true # corp\nB='x # y'\n")
    assert read_dotenv(file) == {"A": "true", "B": "x # y"}


def test_json_nested_too_deep_counts_as_none() -> None:
    """A file that nobody can read stops nothing."""
    assert parse_jsonc("[" * 100_000) is None
