"""Rules in words, as `status` shows them."""

from agentspend.core.rule_words import rule_lines
from agentspend.core.rules import Downgrade, LoopGuard, ModelRule, RateLimit, Rules
from agentspend.core.scopes import Scope

ALL = Rules(
    models=(
        ModelRule(Scope.of({"agent": "claude"}), ("claude-*",), ("claude-opus-*",)),
        ModelRule(deny=("gpt-*",), source="key ci"),
    ),
    rates=(RateLimit(per="session", rpm=60, tpm=100_000), RateLimit(parallel=4, subagents=3)),
    downgrades=(Downgrade("daily", "claude-opus-*", "claude-haiku-5-5", 80),),
    loop_guard=LoopGuard(5, 300),
)


def test_every_rule_is_one_line() -> None:
    """Its kind, whom it is for, what it says and who made it."""
    said = [(line["kind"], line["for"], line["text"], line["source"]) for line in rule_lines(ALL)]
    assert said == [
        ("models", "agent=claude", "allows claude-*, not claude-opus-*", ""),
        ("models", "everything", "allows all, not gpt-*", "key ci"),
        ("rate", "everything",
         "60 requests a minute, 100,000 tokens a minute, for each session", ""),
        ("rate", "everything", "4 requests at once, 3 subagents at once", ""),
        ("downgrade", "claude-opus-*", "becomes claude-haiku-5-5 past 80% of budget daily", ""),
        ("loop_guard", "every session", "pauses when the same request comes 5 times within 5 min",
         ""),
    ]  # fmt: skip


def test_a_sessions_own_rules_name_it() -> None:
    """No rules, no lines."""
    assert {line["session"] for line in rule_lines(ALL, "s_1")} == {"s_1"}
    assert rule_lines(Rules()) == []
