"""Rules in words: the lines that `status` shows, and what messages call a rule."""

from agentspend.core.phrases import in_text
from agentspend.core.rules import Downgrade, LoopGuard, ModelRule, RateLimit, Rules


def rule_lines(rules: Rules, session: str = "") -> list[dict[str, str]]:
    """One line a rule: its kind, whom it is for, what it says, who made it.

    `session` names the session whose own rules these are ("": they are the configuration's).
    """
    lines = [
        *(_line("models", rule.scope.text(), model_words(rule), rule.source)
          for rule in rules.models),
        *(_line("rate", rule.scope.text(), rate_words(rule), rule.source) for rule in rules.rates),
        *(_line("downgrade", rule.of, downgrade_words(rule)) for rule in rules.downgrades),
    ]  # fmt: skip
    if rules.loop_guard.repeats:
        lines.append(_line("loop_guard", "every session", guard_words(rules.loop_guard)))
    return [{**line, "session": session} for line in lines]


def model_words(rule: ModelRule) -> str:
    """ "allows claude-sonnet-*, not claude-sonnet-4": the patterns as they were written."""
    allowed = f"allows {', '.join(rule.allow)}" if rule.allow else "allows all"
    return f"{allowed}, not {', '.join(rule.deny)}" if rule.deny else allowed


def rate_words(rule: RateLimit) -> str:
    """ "60 requests a minute, 4 at once, for each session"."""
    parts = [
        f"{_count(rule.rpm, 'request')} a minute" if rule.rpm else "",
        f"{_count(rule.tpm, 'token')} a minute" if rule.tpm else "",
        f"{_count(rule.parallel, 'request')} at once" if rule.parallel else "",
        f"{_count(rule.subagents, 'subagent')} at once" if rule.subagents else "",
        f"for each {rule.per}" if rule.per else "",
    ]
    return ", ".join(part for part in parts if part)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def downgrade_words(rule: Downgrade) -> str:
    """ "becomes claude-haiku-5-5 past 80% of budget daily"."""
    return f"becomes {rule.to} past {rule.percent}% of budget {rule.budget}"


def guard_words(guard: LoopGuard) -> str:
    """ "pauses when the same request comes 5 times within 5 min"."""
    return (
        f"pauses when the same request comes {guard.repeats} times within {in_text(guard.within_s)}"
    )


def _line(kind: str, scope: str, text: str, source: str = "") -> dict[str, str]:
    return {"kind": kind, "for": scope, "text": text, "source": source}
