"""Words that decide a price and that an account's answers bear although nobody asked for them.

An OpenAI project may be set to a dearer service tier, an Anthropic workspace to a region: a request
that names none is served and billed by that, and only its answer says so. The next request of the
account is bounded by what was heard. In memory only, under a hash that ends with this process.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Metered
from agentspend.proxy.credentials import BEARER, KEY_HEADERS

DIMENSIONS = ("service_tier", "inference_geo")
LASTS_US = 7 * 86_400_000_000
"""So long after it was last heard a word is held for; a setting may have been taken back since."""
PLAIN = frozenset({"default", "standard", "auto", "global", "not_available"})
"""Words of answers that cost no more than none."""
KEPT = 256
_WHO = (BEARER, *KEY_HEADERS, "openai-project", "openai-organization")


class Account(msgspec.Struct, frozen=True):
    """Whose money a request spends. `unasked`: the words to expect in an answer to a request that
    names none, by what they decide."""

    digest: bytes
    unasked: Mapping[str, str]


class Unasked:
    """What was heard lately, by account."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._heard: OrderedDict[bytes, dict[str, tuple[str, int]]] = OrderedDict()

    def account(self, provider: str, headers: Mapping[str, str], now_us: int) -> Account:
        """Whose money a request spends there: a keyed hash of what it says of that."""
        keyed = hashlib.blake2b(provider.encode(), key=self._key, digest_size=16)
        for name in _WHO:
            keyed.update(b"\0" + headers.get(name, "").encode(errors="surrogateescape"))
        digest = keyed.digest()
        heard = self._heard.get(digest, {})
        fresh = {name: word for name, (word, at_us) in heard.items() if now_us < at_us + LASTS_US}
        return Account(digest, fresh)

    def hear(self, account: Account, facts: RequestFacts, metered: Metered, now_us: int) -> None:
        """Take note of what an answer's first part bears and its request did not name.

        A plain answer takes no word back before its time: who pays for a dearer tier is served by
        the plain one when that is full.
        """
        if not metered.parts:
            return
        for name in DIMENSIONS:
            word = getattr(metered.parts[0], name)
            if word and not getattr(facts, name) and word not in PLAIN:
                self._heard.setdefault(account.digest, {})[name] = (word, now_us)
                self._heard.move_to_end(account.digest)
        while len(self._heard) > KEPT:
            self._heard.popitem(last=False)
