"""Conversations we have seen: the last turn's exact counts, by the HMAC of its prefix.

A bounded map in memory, filled from the ledger's database at start and written back with each
settlement, so that a restart forgets nothing.
"""

import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from agentspend.core.conversation import Known, Turn
from agentspend.core.facts import PrefixMark

KEPT = 20_000


class Memory:
    """Looks up the newest known turn a request extends. Stores no text and no plain hash."""

    def __init__(self, key: bytes, turns: Mapping[bytes, Turn] | None = None) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")
        self._turns: OrderedDict[bytes, Turn] = OrderedDict(turns or {})

    def find(self, prefixes: Sequence[PrefixMark], provider: str) -> Known | None:
        """The longest known prefix at this provider (marks come newest first)."""
        for mark in prefixes:
            turn = self._turns.get(self._digest(mark, provider))
            if turn is not None:
                return Known(turn, mark.added_tokens_bound)
        return None

    def keep(self, whole: PrefixMark, turn: Turn, provider: str) -> bytes:
        """Remember a finished request; returns the digest to store it under."""
        digest = self._digest(whole, provider)
        self._turns[digest] = turn
        self._turns.move_to_end(digest)
        while len(self._turns) > KEPT:
            self._turns.popitem(last=False)
        return digest

    def _digest(self, mark: PrefixMark, provider: str) -> bytes:
        """One provider's tokens say nothing of another's, whatever the model is called."""
        keyed = self._keyed.copy()
        keyed.update(mark.digest)
        keyed.update(provider.encode())
        return keyed.digest()
