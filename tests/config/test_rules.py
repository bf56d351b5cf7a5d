"""Rules of a configuration as values; what is said of wrong ones stands in `invalid`."""

import json

import pytest

from agentspend.config.schema import parse_config
from agentspend.core.errors import ConfigError
from agentspend.core.rules import NO_RULES, Downgrade, LoopGuard, ModelRule, RateLimit, Rules
from agentspend.core.scopes import Scope

BUDGET = '[[budgets]]\nname = "daily"\nlimit = "5"\nwindow = "day"\n'
ALL = f"""
{BUDGET}
[[models]]
scope = {{ agent = "claude" }}
allow = ["claude-*"]
deny = ["claude-opus-*"]

[[rate_limits]]
per = "session"
rpm = 60
tpm = 100000
parallel = 4
subagents = 3

[[downgrades]]
budget = "daily"
of = "claude-opus-*"
to = "claude-haiku-5-5"
percent = 80

[loop_guard]
repeats = 5
within = "10m"
"""


def test_every_rule_is_read() -> None:
    """As the file says it, in its order."""
    assert parse_config(ALL).rules == Rules(
        models=(ModelRule(Scope.of({"agent": "claude"}), ("claude-*",), ("claude-opus-*",)),),
        rates=(RateLimit(per="session", rpm=60, tpm=100_000, parallel=4, subagents=3),),
        downgrades=(Downgrade("daily", "claude-opus-*", "claude-haiku-5-5", 80),),
        loop_guard=LoopGuard(5, 600),
    )


def test_no_rules_are_the_very_value() -> None:
    """What costs nothing where there is nothing is recognised by identity."""
    assert parse_config("").rules is NO_RULES
    assert parse_config("[loop_guard]\nrepeats = 0\n").rules is NO_RULES


def test_rules_are_settings_that_are_adopted() -> None:
    """An agent that edits the file loosens nothing: the adopted ones stay in force."""
    old, new = parse_config(ALL), parse_config(BUDGET)
    assert set(json.loads(old.settings)) == {"models", "rate_limits", "downgrades", "loop_guard"}
    assert new.with_settings(old.settings).rules == old.rules


def test_an_adopted_downgrade_may_have_lost_its_budget() -> None:
    """The file took it out; until that is confirmed the rule stands, and the file is readable."""
    assert parse_config("").with_settings(parse_config(ALL).settings).rules.downgrades


@pytest.mark.parametrize("within", ["day", "25h", "0m", "soon"])
def test_a_loop_guard_looks_back_a_day_at_most(within: str) -> None:
    """Calendar words are no lengths."""
    with pytest.raises(ConfigError, match=r"line 3: loop_guard\.within"):
        parse_config(f'[loop_guard]\nrepeats = 5\nwithin = "{within}"\n')
