"""Requests that wait for a person's answer (`on_exceed = "ask"`), in words, with both answers."""

from collections.abc import Mapping
from typing import Any

from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.money import dollars, usd_text

CENT_NUSD = 10_000_000


def told(questions: list[Mapping[str, Any]]) -> list[str]:
    """What `status` says of them: who asks for how much of which budget, and how to answer."""
    lines = []
    for each in questions:
        count = each["requests"]
        who = f"{count} request{'' if count == 1 else 's'}"
        if each["agents"]:
            who += f" of {', '.join(each['agents'])}"
        verb = "asks" if count == 1 else "ask"
        more = dollars(each["lacking_nusd"])
        left_s = max(0, each["ends_ms"] // 1000)
        lines.append(f"? {who} {verb} for {more} more of budget {each['budget']}, {left_s} s left")
        lines.append(f"  → {_yes(each)}")
        lines.append(f"  → or no: agentspend budget refuse {each['budget']}")
    return lines


def _yes(question: Mapping[str, Any]) -> str:
    name = question["budget"]
    if name.startswith(TEAM_PREFIX):
        request = question.get("request")
        return f"your team's lead is asked: agentspend-server request approve {request or 'ID'}"
    if question["source"]:
        return f"it is of {question['source']}: edit that, then there: agentspend budget confirm"
    enough = -(-question["lacking_nusd"] // CENT_NUSD) * CENT_NUSD
    return f"agentspend budget raise {name} {usd_text(max(CENT_NUSD, enough))}"
