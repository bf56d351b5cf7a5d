"""What a refused agent is told reads the same everywhere."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agentspend.bookkeeper.outcomes import Refused
from agentspend.core import phrases
from agentspend.core.admission import RefusalReason
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
    frozen = Refused(
        RefusalReason.NEVER_FITS, refusal.FROZEN, "everything", "total", 0, 0, 0, 1, None
    )
    said = refusal.refused_message(frozen, datetime(2026, 11, 26, tzinfo=UTC), UTC, 20)
    assert "your team is frozen" in said
    assert "agentspend-server unfreeze" in said
    assert "team request" not in said
