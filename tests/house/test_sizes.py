"""Files that can be read at once and functions that fit a screen; nothing left lying about."""

import re

from tests.house.sources import PACKAGES, ROOT, functions, modules, name_of

MAX_LINES = 400
MAX_FUNCTION_LINES = 70
MEDIAN_LINES = 130
OURS = modules(*PACKAGES)
ALL = [*OURS, *modules("tests")]
LEFT_LYING = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")


def test_files_are_short() -> None:
    """No file is above 400 lines."""
    sizes = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in ALL}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_LINES} == {}


def test_most_files_are_shorter_still() -> None:
    """Half of the files can be read in a few minutes."""
    sizes = sorted(len(path.read_text("utf-8").splitlines()) for path in OURS)
    assert sizes[len(sizes) // 2] <= MEDIAN_LINES


def test_functions_fit_a_screen() -> None:
    """No function is above 70 lines."""
    long = [
        f"{name_of(path)}: {node.name}"
        for path in ALL
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_nothing_is_left_for_later() -> None:
    """No TODO stands in the code; ruff's ERA finds code in comments."""
    found = [
        f"{name_of(path)}:{number}"
        for path in ALL
        if path.name != "test_sizes.py"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if LEFT_LYING.search(line)
    ]
    assert found == []
    assert '"ERA"' in (ROOT / "pyproject.toml").read_text("utf-8")
