"""Changing one setting on a line of its own: TOML's first keys, YAML's, and variables in a `.env`.

The whole line is ours, so taking it away again needs no more than to know it.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

REMARK = "  # by agentspend enable"
_TABLE = re.compile(r"^\s*\[", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Flat:
    """How one format writes a setting, and where a new one goes: the first line, or the last."""

    pattern: str
    write: Callable[[str, str], str]
    first: bool = False


FORMATS = {
    "toml": Flat(r"[ \t]*{name}[ \t]*=", lambda name, value: f"{name} = {json.dumps(value)}",
                 first=True),
    "yaml": Flat(r"{name}[ \t]*:", lambda name, value: f"{name}: {json.dumps(value)}"),
    "dotenv": Flat(r"[ \t]*(?:export[ \t]+)?{name}[ \t]*=",
                   lambda name, value: f"{name}='{value}'"),
}  # fmt: skip


def line_of(kind: str, text: str, name: str) -> str | None:
    """The line that sets this name, without its end; the last one where there are several."""
    found = list(_lines(kind, text, name))
    return found[-1][0].rstrip("\r\n") if found else None


def with_setting(kind: str, text: str, name: str, value: str) -> str:
    """The text with a line of ours for this name, in place of the one that was there."""
    form = FORMATS[kind]
    newline = "\r\n" if "\r\n" in text else "\n"
    line = form.write(name, value) + REMARK
    found = list(_lines(kind, text, name))
    if found:
        old, start = found[-1]
        end = old[len(old.rstrip("\r\n")) :]
        return text[:start] + line + end + text[start + len(old) :]
    if form.first:
        return f"{line}{newline}{text}"
    gap = newline if text and not text.endswith("\n") else ""
    return f"{text}{gap}{line}{newline}"


def without_line(text: str, line: str, before: str | None) -> str:
    """The text without this line of ours, or with the one that stood there before."""
    lines = text.splitlines(keepends=True)
    number = next((n for n, each in enumerate(lines) if each.rstrip("\r\n") == line), None)
    if number is None:
        return text
    end = lines[number][len(line) :]
    lines[number : number + 1] = [before + end] if before is not None else []
    return "".join(lines)


def _lines(kind: str, text: str, name: str) -> list[tuple[str, int]]:
    """Every line that sets this name, and where it begins; in TOML above the first table."""
    pattern = re.compile(FORMATS[kind].pattern.format(name=re.escape(name)))
    table = _TABLE.search(text) if kind == "toml" else None
    found, at = [], 0
    for line in text.splitlines(keepends=True):
        if table is not None and at >= table.start():
            break
        if pattern.match(line):
            found.append((line, at))
        at += len(line)
    return found
