"""`doctor` on rules: a name nobody knows is found before a request meets it."""

import pytest

from agentspend.cli import checkup_rules
from tests.support.process import Home

BUDGET = '[[budgets]]\nname = "daily"\nlimit = "5"\nwindow = "day"\n'


def looked(home: Home, text: str) -> list[tuple[bool | None, str]]:
    """What is said of a configuration."""
    home.config.write_text(text)
    return [(each.good, each.text) for each in checkup_rules.rules()]


def test_without_rules_nothing_is_said(fresh: Home) -> None:
    """Budgets alone are another check's."""
    assert looked(fresh, BUDGET) == []


@pytest.mark.parametrize(
    "pattern", ["claude-opus-*", "claude-opus-5", "anthropic/claude-*", "openai/gpt-4.1-mini",
                "claude-opus-5[1m]", "*"],
)  # fmt: skip
def test_a_name_that_is_known(fresh: Home, pattern: str) -> None:
    """By pattern, by name, with its provider, in another spelling."""
    assert looked(fresh, f'[[models]]\nallow = ["{pattern}"]\n') == [
        (True, "every model that a rule names is known")
    ]


@pytest.mark.parametrize("pattern", ["claude-sonet-*", "claude-opus-55", "openai/claude-*"])
def test_a_slip_of_the_pen(fresh: Home, pattern: str) -> None:
    """It would refuse everything, or nothing."""
    [(good, text)] = looked(fresh, f'[[models]]\ndeny = ["{pattern}"]\n')
    assert good is False
    assert repr(pattern) in text


def test_a_downgrade_to_nowhere(fresh: Home) -> None:
    """It changes nothing, in silence, but for this."""
    rule = '[[downgrades]]\nbudget = "daily"\nof = "claude-opus-*"\nto = "claude-haiku-55"\n'
    [(good, text)] = looked(fresh, BUDGET + rule)
    assert (good, text.startswith("a downgrade to 'claude-haiku-55' changes nothing")) == (
        False, True,
    )  # fmt: skip
