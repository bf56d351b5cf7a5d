"""The filter language of `top` and `log`: `agent:codex >0.10 !refused opus`.

Terms are separated by blanks and must all hold: `key:pattern` (`*` and `?` are wild), `>0.10` and
`<5` in dollars, a word that any field holds, or a flag (`refused`, `est`, `live`, `subscription`).
`!` in front turns a term round.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agentspend.core.errors import AgentspendError
from agentspend.core.money import parse_usd
from agentspend.core.scopes import glob

FLAGS = frozenset({"refused", "est", "live", "subscription"})
KEYS = (
    "agent", "session", "project", "branch", "member", "model", "provider", "budget", "tag", "kind",
    "key", "rid", "team",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One term. `kind` is "key", "above", "below", "word" or "flag"."""

    kind: str
    value: str
    key: str = ""
    nusd: int = 0
    inverse: bool = False

    def holds(self, fields: Mapping[str, str], nusd: int, flags: Collection[str]) -> bool:
        """Whether this term is met by one record."""
        return self._met(fields, nusd, flags) is not self.inverse

    def _met(self, fields: Mapping[str, str], nusd: int, flags: Collection[str]) -> bool:
        match self.kind:
            case "key":
                values = fields.get(self.key, "").lower().split(" ")
                return any(fnmatchcase(value, glob(self.value)) for value in values)
            case "above":
                return nusd > self.nusd
            case "below":
                return nusd < self.nusd
            case "flag":
                return self.value in flags
        return any(self.value in value.lower() for value in fields.values())


@dataclass(frozen=True, slots=True)
class Filter:
    """All terms of one filter; none lets everything through."""

    terms: tuple[Term, ...] = ()

    def matches(
        self, fields: Mapping[str, str], nusd: int = 0, flags: Collection[str] = ()
    ) -> bool:
        """Whether a record passes: its words by key, its amount, its flags.

        A field with several values (tags) has them separated by blanks.
        """
        return all(term.holds(fields, nusd, flags) for term in self.terms)


def parse_filter(text: str) -> Filter:
    """Read a filter; `AgentspendError` names the term that cannot be read."""
    return Filter(tuple(_term(word) for word in text.lower().split()))


def _term(word: str) -> Term:
    inverse = word.startswith("!")
    bare = word.removeprefix("!")
    key, colon, value = bare.partition(":")
    if colon and key not in KEYS:
        raise AgentspendError(
            f"{key!r} is not something to filter by", f"use one of: {', '.join(KEYS)}"
        )
    if not bare or (colon and not value):
        raise AgentspendError(f"the filter {word!r} has nothing to look for", "agent:codex >0.10")
    if colon:
        return Term("key", value, key=key, inverse=inverse)
    if bare[0] in "<>":
        kind = "above" if bare[0] == ">" else "below"
        return Term(kind, bare, nusd=parse_usd(bare[1:]), inverse=inverse)
    return Term("flag" if bare in FLAGS else "word", bare, inverse=inverse)
