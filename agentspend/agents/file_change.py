"""One file of an agent's, changed for good: what becomes of its text, and how to take it back.

Pure. The change is tried before it is offered: read again, the file must say what it said, and
what was set. Taking back touches only what is still as it was written.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentspend.agents import flat_text, jsonc_text
from agentspend.agents.places import parse_jsonc
from agentspend.agents.plain import FileChange, Keys
from agentspend.core.errors import LaunchError


@dataclass(frozen=True, slots=True)
class Done:
    """One value that was set: its digest, what stood there (None: nothing), objects made for it."""

    keys: Keys
    digest: str
    before: str | None
    made: int = 0


def apply(change: FileChange, text: str) -> tuple[str, list[Done]]:
    """The file's new text and what was done. `LaunchError` where it cannot be changed safely."""
    try:
        before = _read(change.kind, text)
        changed, done = text, []
        for keys, value in change.values.items():
            changed, each = _set(change.kind, changed, keys, value)
            done.append(each)
        after = _read(change.kind, changed)
    except (ValueError, RecursionError) as error:
        raise _cannot(change, str(error)) from error
    if after != _merged(before, change.values):
        raise _cannot(change, "its form is not one that can be changed line by line")
    return changed, done


def take_back(kind: str, text: str, done: list[Done]) -> str:
    """The text without what was done, as far as nobody changed it since."""
    for each in reversed(done):
        if kind in flat_text.FORMATS:
            line = flat_text.line_of(kind, text, each.keys[-1])
            if line is not None and digest(line) == each.digest:
                text = flat_text.without_line(text, line, each.before)
        else:
            text = _take_back_json(text, each)
    return text


def says(kind: str, text: str, keys: Keys) -> str:
    """A value as a file has it now, "" when there is none or it cannot be read."""
    try:
        found: Any = _read(kind, text)
    except (ValueError, RecursionError):
        return ""
    for name in keys:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def digest(text: str) -> str:
    """What is kept of a value: it may hold a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def _set(kind: str, text: str, keys: Keys, value: str) -> tuple[str, Done]:
    if kind in flat_text.FORMATS:
        before = flat_text.line_of(kind, text, keys[-1])
        changed = flat_text.with_setting(kind, text, keys[-1], value)
        line = flat_text.line_of(kind, changed, keys[-1])
        return changed, Done(keys, digest(line or ""), before)
    missing = [depth for depth in range(1, len(keys)) if jsonc_text.raw(text, keys[:depth]) is None]
    before = jsonc_text.raw(text, keys)
    changed = jsonc_text.with_value(text, keys, value)
    return changed, Done(keys, digest(value), before, len(missing))


def _take_back_json(text: str, done: Done) -> str:
    written = jsonc_text.raw(text, done.keys)
    if not (written or "").startswith('"') or digest(json.loads(str(written))) != done.digest:
        return text
    if done.before is not None:
        return jsonc_text.with_raw(text, done.keys, done.before)
    text = jsonc_text.without(text, done.keys)
    for depth in range(len(done.keys) - 1, len(done.keys) - 1 - done.made, -1):
        if jsonc_text.is_empty_object(text, done.keys[:depth]):
            text = jsonc_text.without(text, done.keys[:depth])
    return text


def _read(kind: str, text: str) -> dict[str, Any]:
    """What a file says. Raises `ValueError` when it is none of its kind."""
    plain = text.removeprefix("\ufeff")
    if not plain.strip():
        return {}
    found = _READERS[kind](plain)
    if found is None and kind == "yaml":
        return {}
    if not isinstance(found, dict):
        raise ValueError("it is not an object of settings")
    return found


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).replace("\n", " ")) from error


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _dotenv(text: str) -> dict[str, str]:
    from agentspend.agents.aider_files import env_file_variables

    return env_file_variables(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "json": json.loads,
    "jsonc": parse_jsonc,
    "toml": _toml,
    "yaml": _yaml,
    "dotenv": _dotenv,
}


def _merged(content: dict[str, Any], values: Mapping[Keys, str]) -> dict[str, Any]:
    found = copy.deepcopy(content)
    for keys, value in values.items():
        inner = found
        for name in keys[:-1]:
            inner = inner.setdefault(name, {})
        inner[keys[-1]] = value
    return found


def _cannot(change: FileChange, why: str) -> LaunchError:
    what = ", ".join(".".join(keys) for keys in change.values)
    return LaunchError(
        f"{change.path} cannot be changed: {why}", f"mend it, or set {what} in it by hand"
    )
