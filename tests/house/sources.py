"""The files of the house, for tests about the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("agentspend", "tui", "sync_server")


def modules(*packages: str) -> list[Path]:
    """Every Python file of these packages."""
    return sorted(path for name in packages for path in (ROOT / name).rglob("*.py"))


def name_of(path: Path) -> str:
    """A file as people name it."""
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text("utf-8"), str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, also inner ones."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every string that is not a docstring: (line, text)."""
    tree = tree_of(path)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value
