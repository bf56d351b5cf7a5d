"""Which line of a TOML file a value stands on: for errors and for `config show`."""

import re
import tomllib
from collections.abc import Sequence

Key = str | int
_KEY = re.compile(r"""^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")


def line_of(text: str, keys: Sequence[Key]) -> int | None:
    """The line of the value at `keys` ("budgets", 1, "limit"), else of its nearest table."""
    wanted = tuple(keys)
    best: tuple[int, int] | None = None
    here: tuple[Key, ...] = ()
    counts: dict[tuple[Key, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        found: tuple[Key, ...] | None = None
        if stripped.startswith("["):
            here = found = _header(stripped, counts)
        elif key := _KEY.match(line):
            found = (*here, key[1].strip("\"'"))
        if found and wanted[: len(found)] == found and (best is None or len(found) > best[0]):
            best = (len(found), number)
    return best[1] if best else None


def _header(line: str, counts: dict[tuple[Key, ...], int]) -> tuple[Key, ...]:
    """The path of a `[table]` or `[[list]]` line; lists are counted as they come."""
    try:
        node: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: tuple[Key, ...] = ()
    while isinstance(node, dict) and node:
        name, node = next(iter(node.items()))
        path = (*path, name)
    if isinstance(node, list):
        counts[path] = counts.get(path, -1) + 1
        return (*path, counts[path])
    return path
