"""Editing config.toml as a person would: what is written reads back, and the rest stays."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentspend.config import edit
from agentspend.config.schema import parse_config
from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.money import MAX_NUSD
from agentspend.core.scopes import KEYS, Scope
from agentspend.core.windows import Window

MINE = """\
# My limits. Do not touch without asking Ana.

[daemon]
port = 4999   # 4141 is taken by the printer

[[budgets]]
name = "laptop"   # everything
limit = "25.00"
window = "day"

# what the night job may spend
[[budgets]]
name = "night"
limit = "2.00"
window = "day"
scope = { agent = "claude" }
warn_percents = [90]

[prices."anthropic/*"]
multiplier = "0.8"   # our discount
"""
STARTS = [
    "", "# only a comment\n", MINE, "[[budgets]]\nname='x'\nlimit='1'\nwindow='day'\n",
    "budgets = []\n[daemon]\nport = 1\n",
    'budgets = [{ name = "x", limit = "1", window = "day" }, ] # two\n',
    '[prices]\n"anthropic/x" = { input = "1", output = "2" }\n',
    'prices = { "anthropic/x" = { multiplier = "0.5" } }\n[daemon]\nport = 1\n',
    'prices."anthropic/x".multiplier = "0.5"\n',
    "[[budgets]]\nname='x'\nlimit='1'\nwindow='day'\n[budgets.scope]\nagent='claude'\n[network]\n",
    "[daemon]\r\nport = 1\r\n",
]  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
WINDOWS = st.sampled_from(["session", "hour", "day", "week", "month", "total"]) | st.builds(
    "{}{}".format, st.integers(1, 9_999), st.sampled_from("mhd")
)
BUDGETS = st.builds(
    Budget,
    name=NAMES,
    limit_nusd=st.integers(0, MAX_NUSD),
    window=WINDOWS.map(Window.parse),
    scope=st.dictionaries(st.sampled_from(KEYS), WORDS, max_size=3).map(Scope.of),
    mode=st.sampled_from(Mode),
    bound=st.sampled_from(BoundKind),
    counts=st.sampled_from(Counts),
    warn_percents=st.sets(st.integers(1, 100)).map(lambda found: tuple(sorted(found))),
)


def others(text: str, name: str) -> list[Budget]:
    """The budgets of a file but this one."""
    return [each for each in parse_config(text).budgets if each.name != name]


@given(st.sampled_from(STARTS), BUDGETS)
@example(MINE, Budget("x", 1, Window.parse("day"), Scope.of({"tag": "a\"\\'b ]#"})))
def test_any_budget_reads_back(start: str, budget: Budget) -> None:
    """Whatever a budget says, the file says it again, and every other budget stays as it was."""
    once = edit.with_budget(start, budget.name, budget)
    assert next(each for each in parse_config(once).budgets if each.name == budget.name) == budget
    assert others(once, budget.name) == others(start, budget.name)
    assert edit.with_budget(once, budget.name, budget) == once
    gone = edit.with_budget(once, budget.name, None)
    assert list(parse_config(gone).budgets) == others(start, budget.name)


@given(BUDGETS, BUDGETS)
def test_a_change_leaves_nothing_of_what_was(before: Budget, after: Budget) -> None:
    """A budget written over another of the same name takes over none of its values."""
    text = edit.with_budget(MINE, before.name, before)
    found = parse_config(edit.with_budget(text, before.name, after))
    renamed = [each for each in found.budgets if each.name == after.name]
    assert after in renamed


def test_comments_and_order_stay() -> None:
    """Changing one limit changes that line, and no other."""
    laptop = parse_config(MINE).budgets[0]
    raised = Budget(laptop.name, 40 * 10**9, laptop.window, laptop.scope)
    changed = edit.with_budget(MINE, "laptop", raised)
    before, after = MINE.splitlines(), changed.splitlines()
    differ = [new for new in after if new not in before]
    assert differ == ['limit = "40.00"', 'mode = "hard"']
    assert [line for line in after if line in before] == [
        line for line in before if line != 'limit = "25.00"'
    ]


def test_what_equals_its_default_is_not_written() -> None:
    """A plain budget is four short lines that a person would have written."""
    plain = Budget("daily", 25 * 10**9, Window.parse("day"), Scope())
    assert edit.with_budget("", "daily", plain) == (
        '[[budgets]]\nname = "daily"\nlimit = "25.00"\nwindow = "day"\nmode = "hard"\n'
    )


def test_removing_the_last_budget_leaves_no_crumbs() -> None:
    """Without budgets the file says nothing of budgets."""
    one = "[daemon]\nport = 1\n\n[[budgets]]\nname = 'x'\nlimit = '1'\nwindow = 'day'\n"
    assert "budgets" not in edit.with_budget(one, "x", None)
    assert edit.with_budget(one, "y", None) == one


@given(
    st.sampled_from(STARTS),
    st.builds("{}/{}".format, NAMES, WORDS),
    st.dictionaries(st.sampled_from(["input", "output", "cache_read"]), st.just("1.5"),
                    min_size=3),
)  # fmt: skip
def test_any_price_reads_back(start: str, name: str, entry: dict[str, str]) -> None:
    """A price is read back as it was set; the other prices and every budget stay."""
    before, after = parse_config(start), parse_config(edit.with_price(start, name, entry))
    prices = dict(after.raw["prices"])
    assert prices.pop(name) == entry
    assert prices == {key: rule for key, rule in before.raw.get("prices", {}).items()
                      if key != name}  # fmt: skip
    assert after.budgets == before.budgets


def test_a_discount_gives_way_to_a_price() -> None:
    """A price of its own replaces the multiplier that stood there."""
    changed = edit.with_price(MINE, "anthropic/*", {"input": "3", "output": "15"})
    assert parse_config(changed).raw["prices"] == {"anthropic/*": {"input": "3", "output": "15"}}


@pytest.mark.parametrize("start", STARTS)
def test_a_price_table_is_named_and_unnamed(start: str) -> None:
    """The table's hash is written at the top, changed in place, and taken out whole."""
    first, second = "ab" * 32, "cd" * 32
    named = edit.with_price_table(start, first)
    assert parse_config(named).price_table == first
    changed = edit.with_price_table(named, second)
    assert parse_config(changed).price_table == second
    assert changed.count("price_table") == 1
    assert tomllib.loads(edit.with_price_table(changed, "")) == tomllib.loads(start)


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    """The new file is there at once, for its owner only, and nothing lies beside it."""
    path = tmp_path / "deep" / "config.toml"
    edit.write_whole(path, b"one")
    path.chmod(0o644)
    edit.write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """A configuration kept elsewhere (dotfiles) is written where it really lies."""
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_bytes(b"one")
    link.symlink_to(real)
    edit.write_whole(link, b"two")
    assert link.is_symlink()
    assert real.read_bytes() == b"two"


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves what was there, and no rubbish beside it."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(edit.os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        edit.write_whole(path, b"new")
    assert raised.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_provider_is_written_beside_what_stands_there() -> None:
    """Other settings and comments of it stay; an inline table becomes one that can be edited."""
    text = "# mine\n[providers.gw] # two\nauth = 'key'\n"
    found = edit.with_provider(text, "gw", {"base_url": "https://h"})
    assert found == "# mine\n[providers.gw] # two\nauth = 'key'\nbase_url = \"https://h\"\n"
    inline = edit.with_provider('providers = { gw = { auth = "key" } }\n', "xai", {})
    assert tomllib.loads(inline) == {"providers": {"gw": {"auth": "key"}, "xai": {}}}
    assert tomllib.loads(edit.with_provider("", "xai", {})) == {"providers": {"xai": {}}}
