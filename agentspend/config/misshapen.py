"""A value of the wrong type, in words: which key, what is wrong with it, how to write it.

msgspec says `Expected `int`, got `str` - at `$.daemon.port``; this turns it round.
"""

import difflib
import re
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from agentspend.config.lines import Key
from agentspend.config.shape import File

_PATH = re.compile(r"`\$(.*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `(\w+)`, got `(\w+)`")
_IN_QUOTES = ("limit",)
_LISTS = ("budgets", "models", "rate_limits", "downgrades")
_SECRETS = ("key", "token", "secret", "password")
_WANTED = {
    "int": ("a whole number", "a number stands without quotes"),
    "str": ("text", 'write it in quotes: {key} = "…"'),
    "array": ("a list", 'write it in brackets: {key} = ["…"]'),
    "bool": ("true or false", "{key} = true"),
    "object": ("a table", 'write it like {key} = {{ name = "value" }}'),
}
_FOUND = {
    "int": "a number", "float": "a number with a point", "str": "text", "bool": "true or false",
    "array": "a list", "object": "a table",
}  # fmt: skip


Root = type[msgspec.Struct]


def in_words(
    said: str, root: Root = File, inside: tuple[Key, ...] = ()
) -> tuple[tuple[Key, ...], str, str]:
    """The path of the key at fault, what is wrong, and the way out.

    `root` is the file's shape; `inside` which of its tables is spoken of.
    """
    keys = (*inside, *keys_in(said))
    unknown = _UNKNOWN.search(said)
    if unknown:
        return (*keys, unknown[1]), "is not a setting", _instead(keys, unknown[1], root)
    if "missing required field" in said:
        name = said.split("`")[1]
        return keys, f"has no {name}", f'add {name} = "…"'
    if said.startswith("Invalid enum value"):
        return (
            keys,
            f"cannot be {said.split(maxsplit=3)[3].partition(' - at ')[0]}",
            _choice(keys, root),
        )
    expected = _EXPECTED.match(said)
    if expected is None:
        return keys, said.partition(" - at ")[0], "agentspend config path"
    return keys, *_wrong_type(keys, expected[1], expected[2], inside="[...]" in said)


def _wrong_type(keys: tuple[Key, ...], wanted: str, found: str, *, inside: bool) -> tuple[str, str]:
    """What a value is and should be; `inside` a table whose keys are anybody's."""
    if len(keys) == 1 and keys[0] in _LISTS:
        return "begins with one bracket too few", f"write [[{keys[0]}]] before each of them"
    name = next((key for key in reversed(keys) if isinstance(key, str)), "")
    if name in _IN_QUOTES and wanted == "str":
        return "is not in quotes", f'write it like {name} = "25.00"'
    what, hint = _WANTED.get(wanted, (wanted, "agentspend config path"))
    if inside:
        return f"holds {_FOUND.get(found, found)} where {what} belongs", hint.format(key="NAME")
    return f"must be {what}, not {_FOUND.get(found, found)}", hint.format(key=name)


def _instead(keys: tuple[Key, ...], name: str, root: Root) -> str:
    """What an unknown key was meant to be."""
    fields = fields_at(keys, root)
    near = difflib.get_close_matches(name, fields, n=1)
    if near and near != ["key"]:
        return f"did you mean {near[0]}?"
    if any(word in name.lower() for word in _SECRETS):
        provider = keys[1] if keys[:1] == ("providers",) and len(keys) > 1 else "anthropic"
        return f"a key is kept in the OS keyring instead: agentspend keys set {provider}"
    return f"known here: {', '.join(fields)}"


def _choice(keys: tuple[Key, ...], root: Root) -> str:
    """The words a setting can be."""
    kind = _type_at(keys, root)
    kinds = get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,)
    words = [word for each in kinds if get_origin(each) is Literal for word in get_args(each)]
    return "use " + " or ".join(f'"{word}"' for word in words)


def keys_in(said: str) -> tuple[Key, ...]:
    """The path in an error of msgspec: "… - at `$.budgets[0].limit`"; `[...]` ends it."""
    found = _PATH.search(said)
    keys: list[Key] = []
    for name, index in _STEP.findall(found[1]) if found else []:
        if index == "...":
            break
        keys.append(name or int(index))
    return tuple(keys)


def fields_at(keys: tuple[Key, ...], root: Root = File) -> list[str]:
    """The known keys of the table at a path."""
    kind = _type_at(keys, root)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return []
    return [item.name for item in msgspec.structs.fields(kind)]


def _type_at(keys: tuple[Key, ...], root: Root) -> Any:
    """The declared type of the value at a path."""
    kind: Any = root
    for key in keys:
        if isinstance(key, int):
            kind = get_args(kind)[0]
            continue
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
            continue
        fields = {item.name: item.type for item in msgspec.structs.fields(kind)}
        kind = fields.get(key)
    return kind
