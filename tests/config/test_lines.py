"""The line a value stands on, in every way TOML lets people write it."""

import pytest

from agentspend.config.lines import Key, line_of

TEXT = """\
# about nothing
price_table = "ab"

[daemon]
  port = 4141  # indented
"zone" = 'UTC'

[[budgets]]
name = "a"
scope = { agent = "claude" }

[[budgets]]
name = "b"
[budgets.scope]
agent = "codex"

[prices."anthropic/claude-*"]
multiplier = "0.8"

[providers . anthropic]
base_url = "https://host"
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("price_table",), 2),
        (("daemon",), 4),
        (("daemon", "port"), 5),
        (("daemon", "zone"), 6),
        (("budgets", 0), 8),
        (("budgets", 0, "name"), 9),
        (("budgets", 0, "scope", "agent"), 10),
        (("budgets", 1, "name"), 13),
        (("budgets", 1, "scope", "agent"), 15),
        (("prices", "anthropic/claude-*", "multiplier"), 18),
        (("providers", "anthropic", "base_url"), 21),
    ],
    ids=str,
)
def test_the_line_of_a_value(keys: tuple[Key, ...], line: int) -> None:
    """A value's own line is found, by table, list number and key."""
    assert line_of(TEXT, keys) == line


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("budgets", 1, "limit"), 12),
        (("daemon", "prot"), 4),
        (("providers", "anthropic", "auth"), 20),
        (("network", "proxy"), None),
        (("budgets", 2), None),
        ((), None),
    ],
    ids=str,
)
def test_the_nearest_table_of_a_missing_value(keys: tuple[Key, ...], line: int | None) -> None:
    """What is not there is placed at its table; without one there is no line."""
    assert line_of(TEXT, keys) == line


def test_a_line_that_is_no_header() -> None:
    """Lists over several lines are not taken for tables, and broken text does no harm."""
    assert line_of('no_proxy = [\n  "a",\n]\n[network]\nproxy = "p"', ("network", "proxy")) == 5
    assert line_of("[broken\nport = 1", ("daemon", "port")) is None
