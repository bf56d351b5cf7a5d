"""Changing one value in a JSON text as a person would: all else stays to the byte.

Comments and trailing commas may stand anywhere, as editors' and OpenCode's files have them.
Raises `ValueError` for a text that is no object, even so.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_BLANK = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
_SCALAR = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\n]*)?(?=\r?\n|\Z)")
_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_MAX_DEPTH = 100


@dataclass(slots=True)
class _Value:
    """Where a value stands, and its members when it is an object."""

    start: int
    end: int
    members: "list[_Member] | None" = None


@dataclass(slots=True)
class _Member:
    """One `"name": value`, and where the comma after it stands (-1: there is none)."""

    name: str
    start: int
    value: _Value
    comma: int = -1


def with_value(text: str, keys: Sequence[str], value: Any) -> str:
    """The text with this value at this path; objects on the way are made where they are missing."""
    text = text if text.strip() else "{}\n"
    here = _object(text)
    for depth, name in enumerate(keys):
        if here.members is None:
            raise ValueError(f"{'.'.join(keys[:depth])} is not an object")
        found = _named(here, name)
        if found is None:
            for outer in reversed(keys[depth + 1 :]):
                value = {outer: value}
            return _insert(text, here, name, value)
        here = found.value
    return text[: here.start] + json.dumps(value, ensure_ascii=False) + text[here.end :]


def without(text: str, keys: Sequence[str]) -> str:
    """The text without the member at this path; unchanged where there is none."""
    here = _object(text)
    for name in keys[:-1]:
        found = _named(here, name)
        if found is None:
            return text
        here = found.value
    found = _named(here, keys[-1])
    return text if found is None else _remove(text, here, found)


def raw(text: str, keys: Sequence[str]) -> str | None:
    """The value at this path as it is written, None where there is none."""
    here = _object(text) if text.strip() else _Value(0, 0, [])
    for name in keys:
        found = _named(here, name)
        if found is None:
            return None
        here = found.value
    return text[here.start : here.end]


def with_raw(text: str, keys: Sequence[str], written: str) -> str:
    """The text with a value that is there already written so."""
    here = _object(text)
    for name in keys:
        found = _named(here, name)
        assert found is not None, keys
        here = found.value
    return text[: here.start] + written + text[here.end :]


def is_empty_object(text: str, keys: Sequence[str]) -> bool:
    """Whether an object without members (comments aside) stands at this path."""
    written = raw(text, keys)
    return written is not None and written.startswith("{") and not _object(written).members


def _named(here: _Value, name: str) -> _Member | None:
    """The member of this name that counts: of two, the later."""
    return next((each for each in reversed(here.members or []) if each.name == name), None)


def _object(text: str) -> _Value:
    start = _blank(text, 1 if text.startswith("\ufeff") else 0)
    found = _value(text, start, 0)
    if found.members is None or _blank(text, found.end) != len(text):
        raise ValueError("not an object")
    return found


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None
    return found.end()


def _value(text: str, at: int, depth: int) -> _Value:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if text.startswith("{", at):
        return _members(text, at, depth)
    if text.startswith("[", at):
        return _items(text, at, depth)
    found = _STRING.match(text, at) or _SCALAR.match(text, at)
    if found is None:
        raise ValueError(f"no value at {at}")
    return _Value(at, found.end())


def _members(text: str, at: int, depth: int) -> _Value:
    here = _Value(at, at, [])
    assert here.members is not None
    at = _blank(text, at + 1)
    while not text.startswith("}", at):
        name = _STRING.match(text, at)
        colon = _blank(text, name.end()) if name else at
        if name is None or not text.startswith(":", colon):
            raise ValueError(f"no member at {at}")
        value = _value(text, _blank(text, colon + 1), depth + 1)
        member = _Member(str(json.loads(name[0])), at, value)
        here.members.append(member)
        at = _blank(text, value.end)
        if text.startswith(",", at):
            member.comma = at
            at = _blank(text, at + 1)
        elif not text.startswith("}", at):
            raise ValueError(f"no comma at {at}")
    here.end = at + 1
    return here


def _items(text: str, start: int, depth: int) -> _Value:
    at = _blank(text, start + 1)
    while not text.startswith("]", at):
        at = _blank(text, _value(text, at, depth + 1).end)
        if text.startswith(",", at):
            at = _blank(text, at + 1)
        elif not text.startswith("]", at):
            raise ValueError(f"no comma at {at}")
    return _Value(start, at + 1)


def _insert(text: str, here: _Value, name: str, value: Any) -> str:
    """A new last member, written as its neighbours are."""
    newline = "\r\n" if "\r\n" in text else "\n"
    found = _INDENTED.search(text)
    step = found[1] if found else "  "
    if not here.members:
        base = _indent_at(text, here.start)
        inner = text[here.start + 1 : here.end - 1].rstrip()
        member = _written(name, value, base + step, step, newline)
        body = f"{inner}{newline}{base}{step}{member}{newline}{base}"
        return text[: here.start + 1] + body + text[here.end - 1 :]
    last = here.members[-1]
    if "\n" not in text[here.start : last.start]:
        member = f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        return f"{text[: last.value.end]}, {member}{text[last.value.end :]}"
    indent = _indent_at(text, last.start)
    after = last.comma + 1 if last.comma >= 0 else last.value.end
    rest = _REST_OF_LINE.match(text, after)
    place = rest.end() if rest else after
    member = _written(name, value, indent, step, newline)
    comma, end = ("", ",") if last.comma >= 0 else (",", "")
    return (
        f"{text[: last.value.end]}{comma}{text[last.value.end : place]}"
        f"{newline}{indent}{member}{end}{text[place:]}"
    )


def _written(name: str, value: Any, indent: str, step: str, newline: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=step).split("\n")
    return f"{json.dumps(name)}: {f'{newline}{indent}'.join(lines)}"


def _indent_at(text: str, at: int) -> str:
    """The blanks that the line around this place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _remove(text: str, here: _Value, member: _Member) -> str:
    assert here.members is not None
    number = next(n for n, each in enumerate(here.members) if each is member)
    comma = here.members[number - 1].comma if number else -1
    if number and not text[comma + 1 : member.start].strip(" \t"):
        return text[:comma] + text[member.value.end :]
    if member.comma >= 0:
        return _cut(text, member.start, member.comma + 1)
    text = _cut(text, member.start, member.value.end)
    if number:
        return text[:comma] + text[comma + 1 :]
    end = _value(text, here.start, 0).end
    empty = not text[here.start + 1 : end - 1].strip()
    return f"{text[: here.start + 1]}{text[end - 1 :]}" if empty else text


def _cut(text: str, start: int, end: int) -> str:
    """Take a stretch out, and its line with it where nothing else stands there."""
    line = text.rfind("\n", 0, start)
    rest = _REST_OF_LINE.match(text, end)
    alone = line >= 0 and not text[line + 1 : start].strip()
    if alone and rest is not None and not rest[0].strip():
        before = line - 1 if line and text[line - 1] == "\r" else line
        return text[:before] + text[rest.end() :]
    return text[:start] + text[end:].lstrip(" \t") if not alone else text[:start] + text[end:]
