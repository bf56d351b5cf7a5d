"""Which line of a TOML file a value stands on: for errors and for `config show`."""

import re
import tomllib
from collections.abc import Sequence

Key = str | int
_NAME = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_KEY = re.compile(rf"^\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*=")


def line_of(text: str, keys: Sequence[Key]) -> int | None:
    """The line of the value at `keys` ("budgets", 1, "limit"), else of its nearest table."""
    wanted = tuple(keys)
    best: tuple[int, int] | None = None
    here: tuple[Key, ...] = ()
    counts: dict[tuple[Key, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        found: tuple[Key, ...] = ()
        if stripped.startswith("["):
            here = found = _header(stripped, counts) or here
        elif key := _KEY.match(line):
            found = (*here, *_path(f"{key[1]} = 0")[0])
        if found and wanted[: len(found)] == found and (best is None or len(found) > best[0]):
            best = (len(found), number)
    return best[1] if best else None


def _header(line: str, counts: dict[tuple[Key, ...], int]) -> tuple[Key, ...]:
    """The path of a `[table]` or `[[list]]` line, () for another; lists are counted as they come.

    A table inside a list is one of the list's last item.
    """
    names, is_list = _path(line)
    path: tuple[Key, ...] = ()
    for number, name in enumerate(names, 1):
        path = (*path, name)
        if is_list and number == len(names):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _path(line: str) -> tuple[tuple[str, ...], bool]:
    """The names on one line of TOML, and whether it begins an item of a list."""
    try:
        node: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return (), False
    names: tuple[str, ...] = ()
    while isinstance(node, dict) and node:
        name, node = next(iter(node.items()))
        names = (*names, name)
    return names, isinstance(node, list)
