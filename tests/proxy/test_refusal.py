"""What a refused agent is told reads the same everywhere."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agentspend.bookkeeper.closed import FROZEN, LEFT, VIEWER
from agentspend.bookkeeper.outcomes import Refused
from agentspend.core import phrases
from agentspend.core.admission import RefusalReason
from agentspend.core.facts import RequestFacts
from agentspend.proxy import exchange, refusal


@pytest.mark.parametrize("module", [refusal, exchange, phrases])
def test_our_words_are_plain_ascii(module: object) -> None:
    """aider shows a refusal as raw JSON, where anything else is an escape."""
    path = Path(str(getattr(module, "__file__", "")))
    tree = ast.parse(path.read_text("utf-8"))
    documented = [
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and isinstance(node.body[0], ast.Expr)
    ]
    said = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documented
    ]
    assert said
    assert [text for text in said if not text.isascii()] == []


def test_a_frozen_team_is_called_so() -> None:
    """Asking for a raise would not help, so nobody is told to."""
    said = _closed(f"{FROZEN}data")
    assert "your team data is frozen" in said
    assert "agentspend-server unfreeze data" in said
    assert "team request" not in said


def test_a_session_of_a_team_that_its_member_has_left_is_told_so() -> None:
    """No raise helps it, and it cannot choose another one."""
    said = _closed(f"{LEFT}data")
    assert "this session spends for team data, and you are not in it any more" in said
    assert "agentspend team status" in said
    assert "team request" not in said


def test_a_viewer_is_told_who_changes_it() -> None:
    """Neither a raise nor another team helps: the role does not spend."""
    said = _closed(f"{VIEWER}anna")
    assert "anna is a viewer of this team, and the role viewer may look but not spend" in said
    assert "agentspend-server member set-role anna member" in said
    assert "team request" not in said


def _of(**facts: Any) -> str:
    return refusal.why_so_much(RequestFacts("claude-opus-5-5", 32_000, 100, **facts))


def test_a_web_search_says_why_it_needs_so_much() -> None:
    """Claude Code's has nine runs; what else comes from elsewhere has one, and a prompt says
    nothing."""
    assert _of() == ""
    assert _of(remote_input=True, iterations=9, web_search_requests=8) == (
        "So much because what its web search brings in may fill the model's whole window in each of"
        " 9 runs: without it, with fewer uses of it, or on a cheaper model it is less. "
    )
    assert "what a tool, file or link of it brings in" in _of(remote_input=True)
    assert "runs" not in _of(remote_input=True)


def _closed(budget: str) -> str:
    refused = Refused(RefusalReason.NEVER_FITS, budget, "everything", "total", 0, 0, 0, 1, None)
    return refusal.refused_message(refused, datetime(2026, 11, 26, tzinfo=UTC), UTC, 20)
