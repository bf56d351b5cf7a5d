"""Values of the wrong type, told in words; the messages stand in `invalid/messages.txt`."""

import msgspec
import pytest

from agentspend.config.misshapen import fields_at, in_words, keys_in
from agentspend.config.shape import File

EVERY_TYPE = [None, True, 1, 1.5, "text", [1], [{"a": 1}], {"a": 1}, {"a": {"b": 1}}]
WORDS = ("is ", "must ", "cannot ", "has ", "holds ", "begins ")


def test_the_path_in_an_error() -> None:
    """The path is read up to a key that msgspec does not name."""
    assert keys_in("Expected `str`, got `int` - at `$.budgets[12].scope[...]`") == (
        "budgets", 12, "scope",
    )  # fmt: skip
    assert keys_in("nothing of that kind") == ()


def test_the_fields_of_a_table() -> None:
    """Known keys are those of the table at the path, also in lists; elsewhere there are none."""
    assert fields_at(()) == [item.name for item in msgspec.structs.fields(File)]
    assert fields_at(("budgets", 3))[:2] == ["name", "limit"]
    assert fields_at(("providers", "anthropic"))[:2] == ["dialect", "base_url"]
    assert fields_at(("prices",)) == []


@pytest.mark.parametrize("value", EVERY_TYPE, ids=str)
@pytest.mark.parametrize("section", [item.name for item in msgspec.structs.fields(File)])
def test_any_value_in_any_section_is_read_or_told(section: str, value: object) -> None:
    """No value of TOML ends in anything but a configuration or a sentence with a way out."""
    try:
        msgspec.convert({section: value}, File)
    except msgspec.ValidationError as error:
        keys, what, hint = in_words(str(error))
        assert keys[0] == section
        assert what.startswith(WORDS)
        assert hint
        assert "`" not in what
