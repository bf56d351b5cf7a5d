"""The provider's prompt cache: which part of a prompt is read, written or paid in full.

Owns what is cached and until when. It takes the time as an argument and never reads a clock.
Rules as the vendors document them. Where prompts are marked (`split`: Anthropic's `cache_control`,
OpenAI's breakpoints since GPT-5.6), only prefixes that end in a mark are stored, and writing them
is billed; a mark finds a stored prefix up to `look_back` pieces before it. Elsewhere (`automatic`)
every prefix is stored and only reading is billed. A read renews the lifetime; prompts below the
minimum are not cached. A write can be read from the moment its request starts.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from agentspend.sandbox.rules import Segment

LOOK_BACK = 20
MINIMUM_TOKENS = 1_024
_LIFETIMES_S = (300, 3_600, 1_800, 43_200)
"""In the order of the writes of a `CacheSplit`."""


@dataclass(frozen=True, slots=True)
class CacheSplit:
    """A prompt's tokens by how they are billed."""

    fresh: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    write_30m: int = 0
    write_12h: int = 0


@dataclass(slots=True)
class _Entry:
    expires_s: float
    ttl_s: int


@dataclass(frozen=True, slots=True)
class _Prefix:
    key: tuple[str, bytes]
    tokens: int
    ttl_s: int


class PromptCache:
    """Stored prefixes of every model, for one account."""

    def __init__(self, minimum_tokens: int = MINIMUM_TOKENS) -> None:
        self.minimum_tokens = minimum_tokens
        self._entries: dict[tuple[str, bytes], _Entry] = {}

    def evict(self) -> None:
        """Forget everything, as a provider may at any time."""
        self._entries.clear()

    def split(
        self,
        model: str,
        pieces: Iterable[Segment],
        at_s: float,
        *,
        miss: bool = False,
        look_back: int = LOOK_BACK,
    ) -> CacheSplit:
        """Look a prompt up and store its marked prefixes. `miss` reads nothing, but writes."""
        prefixes = self._prefixes(model, pieces)
        total = prefixes[-1].tokens if prefixes else 0
        marks = [
            index
            for index, prefix in enumerate(prefixes)
            if prefix.ttl_s and prefix.tokens >= self.minimum_tokens
        ]
        hit = -1 if miss else self._longest_hit(prefixes, marks, at_s, look_back)
        read = prefixes[hit].tokens if hit >= 0 else 0
        billed = dict.fromkeys(_LIFETIMES_S, 0)
        done = read
        for index in marks:
            prefix = prefixes[index]
            if index <= hit:
                self._renew(prefix, at_s)
                continue
            billed[prefix.ttl_s] += prefix.tokens - done
            done = prefix.tokens
            self._entries[prefix.key] = _Entry(at_s + prefix.ttl_s, prefix.ttl_s)
        if hit >= 0:
            self._renew(prefixes[hit], at_s)
        return CacheSplit(total - done, read, *billed.values())

    def automatic(
        self,
        model: str,
        pieces: Iterable[Segment],
        at_s: float,
        *,
        life_s: int,
        step: int = 1,
        miss: bool = False,
    ) -> CacheSplit:
        """Look a prompt up that no one marked, and store all of it. What is read is a multiple
        of `step` tokens."""
        prefixes = self._prefixes(model, pieces)
        total = prefixes[-1].tokens if prefixes else 0
        every = [n for n, prefix in enumerate(prefixes) if prefix.tokens >= self.minimum_tokens]
        hit = -1 if miss else self._longest_hit(prefixes, every, at_s, 0)
        for index in every:
            self._entries[prefixes[index].key] = _Entry(at_s + life_s, life_s)
        read = prefixes[hit].tokens // step * step if hit >= 0 else 0
        return CacheSplit(total - read, read)

    @staticmethod
    def _prefixes(model: str, pieces: Iterable[Segment]) -> list[_Prefix]:
        digest = hashlib.blake2b(digest_size=16)
        tokens = 0
        found = []
        for piece in pieces:
            tokens += piece.tokens
            digest.update(len(piece.payload).to_bytes(8, "big"))
            digest.update(piece.payload)
            found.append(_Prefix((model, digest.copy().digest()), tokens, piece.ttl_s))
        return found

    def _longest_hit(
        self, prefixes: list[_Prefix], marks: list[int], at_s: float, look_back: int
    ) -> int:
        for mark in reversed(marks):
            for index in range(mark, max(-1, mark - look_back - 1), -1):
                entry = self._entries.get(prefixes[index].key)
                if entry is not None and entry.expires_s > at_s:
                    return index
        return -1

    def _renew(self, prefix: _Prefix, at_s: float) -> None:
        entry = self._entries.get(prefix.key)
        if entry is not None and entry.expires_s > at_s:
            entry.expires_s = at_s + entry.ttl_s
