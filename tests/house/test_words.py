"""One vocabulary everywhere (DESIGN.md §2), no float near money, and a docstring on each door."""

import ast
import re

from tests.house.sources import PACKAGES, functions, modules, name_of, texts, tree_of

BANNED = re.compile(r"\b(denied|allotments?)\b", re.IGNORECASE)


def test_banned_words_are_not_said() -> None:
    """What we show says refused and allowance, never denied or allotment.

    The sandbox speaks as a provider does.
    """
    found = [
        f"{name_of(path)}:{number}: {text!r}"
        for path in modules(*PACKAGES)
        if "sandbox" not in path.parts
        for number, text in texts(path)
        if BANNED.search(text)
    ]
    assert found == []


def test_no_float_in_core() -> None:
    """Money is integers: no float literal, no float(), no true division, no float annotation."""
    found = []
    for path in modules("agentspend/core"):
        for node in ast.walk(tree_of(path)):
            wrong = (
                (isinstance(node, ast.Constant) and isinstance(node.value, float))
                or (isinstance(node, ast.Name) and node.id == "float")
                or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
            )
            if wrong:
                found.append(f"{name_of(path)}:{getattr(node, 'lineno', 0)}")
    assert found == []


def test_every_door_says_what_it_is_for() -> None:
    """Every public module, class and function has a docstring, and so has every test."""
    missing = []
    for path in modules(*PACKAGES, "tests"):
        tree = tree_of(path)
        if path.name != "__init__.py" and ast.get_docstring(tree) is None:
            missing.append(name_of(path))
        for node in functions(path):
            is_test = path.name.startswith("test_") and node.name.startswith("test_")
            public = path.parts[-2] != "tests" and "tests" not in path.parts
            top = node in tree.body and not node.name.startswith("_")
            if (is_test or (public and top)) and ast.get_docstring(node) is None:
                missing.append(f"{name_of(path)}: {node.name}")
    assert missing == []
