"""Who pays: the attributes of a request, and which of them a budget names."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from operator import attrgetter

from agentspend.core.errors import AgentspendError
from agentspend.core.tags import spelled

KEYS = (
    "member",
    "device",
    "agent",
    "session",
    "subagent",
    "project",
    "branch",
    "tag",
    "key",
    "provider",
    "model",
)


_TEAM = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def is_team(name: str) -> bool:
    """Whether a team can go by this name."""
    return _TEAM.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Payer:
    """Everything a request is known by. Empty strings mean unknown; `tags` are "k=v" or bare.

    Work can be a part of several projects: `project` is the nearest one, and a tag `project=NAME`
    files it under another as well, so that naming a part leads out of no budget for the whole.
    `model` is the one that was asked for; a tag `model=NAME` stands for each other model that may
    answer besides, and in the end for those it was billed at.
    `team` is the one of its member's teams that pays; "" is the first of them, or none.
    """

    member: str = ""
    device: str = ""
    agent: str = ""
    session: str = ""
    subagent: str = ""
    project: str = ""
    branch: str = ""
    key: str = ""
    provider: str = ""
    model: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()

    def known(self) -> dict[str, object]:
        """The attributes that are known, as JSON values."""
        found: dict[str, object] = {
            name: value for name, value in zip(_WORDS, _words_of(self), strict=True) if value
        }
        return {**found, "tags": list(self.tags)} if self.tags else found

    def names(self, key: str) -> tuple[str, ...]:
        """What it goes by under a key: its name, as a project or a model by its tags besides."""
        name: str = getattr(self, key)
        if key not in ("project", "model") or not self.tags:
            return (name,)
        others = (tag.removeprefix(f"{key}=") for tag in self.tags if tag.startswith(f"{key}="))
        return (name, *others)

    def asking(
        self, *, subagent: str, provider: str, model: str, branch: str, tags: tuple[str, ...]
    ) -> "Payer":
        """This session's payer for one of its requests."""
        return Payer(
            self.member, self.device, self.agent, self.session, subagent, self.project, branch,
            self.key, provider, model, self.team, tags,
        )  # fmt: skip

    def or_models(self, models: Iterable[str]) -> "Payer":
        """The same with other models that may answer."""
        added = {model_tag(name) for name in models if name != self.model}
        return replace(self, tags=tuple(sorted(added.union(self.tags)))) if added else self

    def but_models(self, models: Iterable[str]) -> "Payer":
        """The same without those that did not."""
        gone = {model_tag(name) for name in models}
        return replace(self, tags=tuple(tag for tag in self.tags if tag not in gone))

    @classmethod
    def from_known(cls, known: Mapping[str, object]) -> "Payer":
        """Read back what `known` wrote."""
        values = {name: str(value) for name, value in known.items() if name != "tags"}
        tags = known.get("tags", ())
        assert isinstance(tags, list | tuple)
        return cls(**values, tags=tuple(tags))


_WORDS = tuple(name for name in Payer.__dataclass_fields__ if name != "tags")
_words_of: Callable[[Payer], tuple[str, ...]] = attrgetter(*_WORDS)


def model_tag(name: str) -> str:
    """The tag that stands for one more model that may answer."""
    return f"model={name}"


NamesModel = Callable[[str, str, str], bool]
"""Whether a pattern names a provider's model: (pattern, provider, model as sent)."""


def same_text(pattern: str, _provider: str, model: str) -> bool:
    """How a pattern reads without prices: by the name as it was sent."""
    return fnmatchcase(model, glob(pattern))


@dataclass(frozen=True, slots=True)
class Scope:
    """The terms a request must all meet: ((key, pattern), …) in the order of `KEYS`.

    No terms means everything. In `model` and `tag` patterns `*` and `?` are wild; all other
    characters, and all other keys, match exactly. A model goes by the id of its price
    (`core.model_patterns`).
    """

    terms: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, terms: Mapping[str, str]) -> "Scope":
        """Check and order terms; an unknown key is refused with the known ones."""
        unknown = [key for key in terms if key not in KEYS]
        if unknown:
            raise AgentspendError(
                f"{unknown[0]!r} is not something a budget can be for",
                f"use one of: {', '.join(KEYS)}",
            )
        empty = [key for key, value in terms.items() if not value]
        if empty:
            raise AgentspendError(f"scope {empty[0]!r} is empty", f"write {empty[0]}=VALUE")
        if "tag" in terms:
            terms = {**terms, "tag": spelled(terms["tag"])}
        return cls(tuple((key, terms[key]) for key in KEYS if key in terms))

    def matches(self, payer: Payer, names_model: NamesModel = same_text) -> bool:
        """Whether this request counts here."""
        return all(_meets(key, pattern, payer, names_model) for key, pattern in self.terms)

    def and_project(self, name: str) -> "Scope":
        """This scope within a project. Raises `AgentspendError` for a scope of another one."""
        terms = dict(self.terms)
        if terms.setdefault("project", name) != name:
            raise AgentspendError(
                f"the scope is project {terms['project']!r}, but this is {name!r}",
                "leave project out of the scope",
            )
        return Scope.of(terms)

    def text(self) -> str:
        """`agent=claude model=claude-opus-*`, or `everything`."""
        return " ".join(f"{key}={value}" for key, value in self.terms) or "everything"


def glob(pattern: str) -> str:
    """A pattern as fnmatch and SQLite's GLOB both read it: a `[` (as in `opus[1m]`) is a `[`."""
    return pattern.replace("[", "[[]")


def _meets(key: str, pattern: str, payer: Payer, names_model: NamesModel) -> bool:
    if key == "tag":
        return any(fnmatchcase(tag, glob(pattern)) for tag in payer.tags)
    if key == "model":
        return any(names_model(pattern, payer.provider, name) for name in payer.names(key))
    return pattern in payer.names(key)
