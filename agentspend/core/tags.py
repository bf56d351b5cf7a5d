"""Tags: the names that people and clients put on work, beside what its surroundings say.

A tag is `key=value`, or a bare word. `key:value` is another spelling of the same tag, the one that
OpenAI clients know from other gateways. What comes with a request or a repository is only ever
added: it never takes the place of another tag, so that adding one cannot lead out of a budget.
"""

import re
from collections.abc import Iterable

from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_TAG_BYTES, MAX_TAGS

_TAG = re.compile(r"([^\s,=:]+)(?:[=:] *([^\s,](?:[^,]*[^\s,])?))?")
_PATTERN = re.compile(r"([^=:]+)[=:] *(.+)")
_SHOWN_CHARS = 60


def read_tag(text: str) -> str:
    """One tag in its one spelling. Raises `AgentspendError` for what could not be shown or named.

    The value may hold blanks inside; nothing may hold a comma or a control character.
    """
    found = _TAG.fullmatch(text)
    if found is None or not text.isprintable() or len(text.encode()) > MAX_TAG_BYTES:
        raise AgentspendError(
            f"{text[:_SHOWN_CHARS]!r} is not a tag",
            f"write it like ticket=ABC-12: no commas, at most {MAX_TAG_BYTES} bytes",
        )
    return found[1] if found[2] is None else f"{found[1]}={found[2]}"


def read_tags(text: str) -> list[str]:
    """The tags of a list separated by commas or blanks: a variable's, or a header's."""
    return [read_tag(each) for each in re.split(r"[,\s]+", text) if each]


def spelled(pattern: str) -> str:
    """A pattern of tags in the one spelling: `team:*` is `team=*`."""
    found = _PATTERN.fullmatch(pattern)
    return f"{found[1]}={found[2]}" if found else pattern


def all_of(*sources: Iterable[str]) -> tuple[str, ...]:
    """Every tag of every source once, sorted. Raises `AgentspendError` for more than fit."""
    found = {tag for source in sources for tag in source}
    if len(found) > MAX_TAGS:
        raise AgentspendError(
            f"{len(found)} tags are too many on one request", f"give at most {MAX_TAGS}"
        )
    return tuple(sorted(found))
