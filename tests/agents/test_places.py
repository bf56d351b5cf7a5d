"""Settings files are read as leniently as the agents read them, and pointed at by line."""

from pathlib import Path

import pytest

from agentspend.agents.places import parse_jsonc, place, read_dotenv, read_jsonc, read_toml


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('{"a": 1, // why\n "b": [1, 2,], /* and\n so on */ }', {"a": 1, "b": [1, 2]}),
        ('{"url": "http://x//y", "c": "/* no */, }"}', {"url": "http://x//y", "c": "/* no */, }"}),
        ('{"quote": "\\" // still text"}', {"quote": '" // still text'}),
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
