"""A request's named fields, read one by one: what is absent, what is strange, what could cost.

A field of an unknown shape is `strange`, never refused; where it decides a price it is named as
unpriceable, so that the request fails closed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from agentspend.dialects.base import BadRequest
from agentspend.dialects.json_parts import UNREADABLE
from agentspend.dialects.text_bound import has_escapes

T = TypeVar("T")

MAX_TOKENS = 2**31 - 1
NOTHING = (b"null", b"[]")
REMOTE_HINTS = (
    "_id", "_ids", "file", "url", "memory", "conversation", "server", "skill", "prompt", "thread",
    "continuation", "cached",
)  # fmt: skip
COSTLY_HINTS = (
    "search", "plugin", "audio", "image", "video", "container", "agent", "tool", "fallback",
    "retries",
)  # fmt: skip
COSTLY_ENDINGS = ("_tokens", "_requests")
# A preset (OpenRouter) is a request that lies there: model, limits, tools. What is deferred (xAI)
# is answered, with its usage, to a later question. A safety model (Together) reads it all too.
COSTLY_NAMES = frozenset(
    {
        "n",
        "best_of",
        "candidate_count",
        "num_predict",
        "background",
        "deferred",
        "preset",
        "safety_model",
    }
)

# What gateways take inside fields of their own (Vercel's `providerOptions`, Google's `extra_body`).
# Few, because a schema may have a property of any name.
COSTLY_INSIDE = frozenset({"models", "fallbacks", "plugins", "web_search_options"})
REMOTE_INSIDE = frozenset({"cached_content", "cachedcontent"})

TEXT = msgspec.json.Decoder(str)
WHOLE = msgspec.json.Decoder(int)
FLAG: "msgspec.json.Decoder[object]" = msgspec.json.Decoder(bool)
NAMES = msgspec.json.Decoder(list[str])
LIST = msgspec.json.Decoder(list[msgspec.Raw])
FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


# A letter, digit or underscore written as an escape. No encoder does that: it hides a word.
_HIDDEN_WORD = re.compile(rb"(?<!\\)(?:\\\\)*\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")


class Fields:
    """The fields of one object, as raw JSON; null and empty lists count as absent."""

    def __init__(self, parts: Mapping[str, bytes | msgspec.Raw]) -> None:
        self.raw = {name: bytes(raw) for name, raw in parts.items() if bytes(raw) not in NOTHING}
        self.strange: list[str] = []
        self.unpriceable: list[str] = []

    def read(self, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
        """The field's value; None when it is absent or strange."""
        raw = self.raw.get(name)
        if raw is None:
            return None
        try:
            return decoder.decode(raw)
        except UNREADABLE:
            self.strange.append(name)
            return None

    def priced(self, name: str, decoder: "msgspec.json.Decoder[T]") -> T | None:
        """The value of a field that decides a price."""
        value = self.read(name, decoder)
        if name in self.strange:
            self.unpriceable.append(name)
        return value

    def whole(self, name: str, *, least: int) -> int:
        """A count that decides a price, 0 when it is absent. Raises `BadRequest`."""
        raw = self.raw.get(name)
        if raw is None:
            return 0
        try:
            count = WHOLE.decode(raw)
        except UNREADABLE as error:
            raise BadRequest(f"{name}: must be a whole number") from error
        if not least <= count <= MAX_TOKENS:
            raise BadRequest(f"{name}: must be at least {least}, and no more than can be written")
        return count

    def text(self, name: str) -> str:
        """A text that must be there. Raises `BadRequest`."""
        raw = self.raw.get(name)
        if raw is None:
            raise BadRequest(f"{name}: Field required")
        try:
            text = TEXT.decode(raw)
        except UNREADABLE as error:
            raise BadRequest(f"{name}: must be a string") from error
        if not text:
            raise BadRequest(f"{name}: must not be empty")
        return text

    def objects(self, name: str) -> list[bytes]:
        """A list of objects. Raises `BadRequest` when it is something else."""
        raw = self.raw.get(name)
        if raw is None:
            return []
        try:
            items = [bytes(item) for item in LIST.decode(raw)]
        except UNREADABLE as error:
            raise BadRequest(f"{name}: must be a list") from error
        if any(item[:1] != b"{" for item in items):
            raise BadRequest(f"{name}: each must be an object")
        return items

    def unknown(self, known: Iterable[str]) -> list[str]:
        """The fields nobody here knows."""
        return [name for name in self.raw if name not in known]

    def beyond(self, known: Iterable[str]) -> tuple[list[str], bool]:
        """Of the fields nobody here knows: those that could cost, and whether one of them could
        bring input."""
        costly: list[str] = []
        brings = False
        for name in self.unknown(known):
            lower = name.lower()
            brings = brings or could_bring_input(lower)
            if could_cost(lower):
                costly.append(name)
                continue
            for path in _paths_in(self.raw[name], name):
                inner = path.rpartition(".")[2].lower()
                brings = brings or inner in REMOTE_INSIDE
                if inner in COSTLY_INSIDE:
                    costly.append(path)
        return costly, brings


def _paths_in(raw: bytes, name: str) -> Iterator[str]:
    """The names inside a value, however deep, each behind those it stands in."""
    if raw[:1] not in (b"{", b"["):
        return
    try:
        left = [(name, msgspec.json.decode(raw))]
    except UNREADABLE:
        return
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                yield f"{path}.{key}"
                left.append((f"{path}.{key}", inner))
        elif isinstance(value, list):
            left += [(path, inner) for inner in value]


def could_cost(name: str) -> bool:
    """An unknown field that by its name asks for more of something billed."""
    if name.endswith(COSTLY_ENDINGS) or name in COSTLY_NAMES:
        return True
    return any(hint in name for hint in COSTLY_HINTS)


def could_bring_input(name: str) -> bool:
    """An unknown field that by its name refers to something the body does not hold."""
    return any(hint in name for hint in REMOTE_HINTS)


def hides_a_word(body: bytes) -> bool:
    """Whether a letter or digit is written as an escape, as no encoder does."""
    return has_escapes(body) and _HIDDEN_WORD.search(body) is not None


def cache_ttl(body: bytes, otherwise: str) -> str:
    """The dearest cache write that marks in a body ask for; `otherwise` where there are none."""
    if hides_a_word(body):
        return "1h"
    if b'"cache_control"' in body:
        return "1h" if b'"1h"' in body else "5m"
    return otherwise


def refuse_other_encodings(body: bytes) -> None:
    """Raises `BadRequest` for a body that is not UTF-8."""
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"the request body is not UTF-8: {error}") from error
