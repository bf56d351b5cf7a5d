"""What a refused agent is told reads the same everywhere."""

import ast
from pathlib import Path

import pytest

from agentspend.core import phrases
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
