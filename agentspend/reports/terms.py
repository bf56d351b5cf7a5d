"""What a report adds up by (`--by project,model`) and is limited to (`--where project=web`)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import glob
from agentspend.core.tags import spelled

TIMES = ("day", "week", "month")
NAMES = ("project", "branch", "agent", "model", "provider", "member", "team", "key")
DIMENSIONS = (*TIMES, *NAMES, "tag:KEY")
MOST_DIMENSIONS = 2
TAG = "tag:"
_BY_TAGS_TOO = ("project", "model")
"""Work can be a part of several: a tag names the others (`core.scopes.Payer`)."""

Said = Mapping[str, Any]
"""The words of one row of sums: names, `tags` as JSON, the number of the `quarter` of an hour."""


@dataclass(frozen=True, slots=True)
class Term:
    """One `--where`: a name, or `tag:KEY`, and a pattern in which `*` and `?` are wild. An empty
    pattern is met by what has no such name."""

    key: str
    pattern: str

    def holds(self, said: Said) -> bool:
        """Whether a row of sums is meant."""
        if self.key.startswith(TAG):
            values: Iterable[str] = values_of_tag(self.key, said) or ("",)
        elif self.key == "tag":
            values = tags_of(said) or ("",)
        else:
            values = [each for name in (said[self.key], *self._tagged(said))
                      for each in (_ends(name) if self.key == "project" else [name])]  # fmt: skip
        return any(fnmatchcase(value, glob(self.pattern)) for value in values)

    def _tagged(self, said: Said) -> list[str]:
        if self.key not in _BY_TAGS_TOO:
            return []
        return [value for value in values_of_tag(f"{TAG}{self.key}", said) if value]


def _ends(project: str) -> list[str]:
    """`github.com/acme/web` also goes by `acme/web` and `web`."""
    parts = project.split("/")
    return ["/".join(parts[number:]) for number in range(len(parts))]


def read_by(texts: Sequence[str]) -> tuple[str, ...]:
    """What each line stands for: one or two of `DIMENSIONS`. Raises `AgentspendError`."""
    found = [word.strip() for text in texts for word in text.split(",")]
    for word in found:
        _known(word, DIMENSIONS, "something to add up by")
    if len(found) > MOST_DIMENSIONS or len(set(found)) < len(found):
        raise AgentspendError(
            f"{', '.join(found)} is more than a table shows",
            "one or two different words: day,model",
        )
    return tuple(found)


def read_where(texts: Sequence[str]) -> tuple[Term, ...]:
    """What is counted. Raises `AgentspendError` for what is no `NAME=VALUE`."""
    terms = []
    for text in texts:
        key, equals, pattern = text.partition("=")
        if not equals:
            raise AgentspendError(f"{text!r} says no value", f"write {text or 'project'}=VALUE")
        if key != "tag":
            _known(key, (*NAMES, "tag:KEY"), "something to filter by")
        terms.append(Term(key, spelled(pattern) if key == "tag" else pattern))
    return tuple(terms)


def _known(word: str, words: Sequence[str], what: str) -> None:
    if word in words[:-1] or (word.startswith(TAG) and word not in (TAG, words[-1])):
        return
    near = get_close_matches(word, words[:-1], 1)
    if word in ("tag", "tags", TAG, words[-1]):
        hint = "say which tag: tag:ticket"
    elif near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"use one of: {', '.join(words)}"
    raise AgentspendError(f"{word!r} is not {what}", hint)


def columns(by: Sequence[str], where: Sequence[Term]) -> set[str]:
    """The words that rows of sums must be apart by to answer this."""
    found = set()
    for key in (*by, *(term.key for term in where)):
        found.add("quarter" if key in TIMES else "tags" if key.startswith("tag") else key)
    return found | ({"tags"} if any(term.key in _BY_TAGS_TOO for term in where) else set())


def passes(where: Sequence[Term], said: Said) -> bool:
    """Whether a row is meant: by one of the terms of each key."""
    keys = dict.fromkeys(term.key for term in where)
    return all(any(term.holds(said) for term in where if term.key == key) for key in keys)


def tags_of(said: Said) -> tuple[str, ...]:
    """The tags of a row."""
    return tuple(json.loads(said["tags"]))


def values_of_tag(dimension: str, said: Said) -> tuple[str, ...]:
    """The values of the tag of `tag:KEY`; a bare tag's is its own name."""
    key = dimension.removeprefix(TAG)
    return tuple(
        tag.removeprefix(f"{key}=")
        for tag in tags_of(said)
        if tag == key or tag.startswith(f"{key}=")
    )
