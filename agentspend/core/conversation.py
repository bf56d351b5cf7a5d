"""What the previous turn of a conversation proves about the next one.

The provider's own token count of a known prefix plus a bound of what was added is far tighter
than counting bytes (pricing study §4.3). What is remembered is counts under a keyed hash, never
text: the caller turns `PrefixMark.digest` into an HMAC before it looks anything up.
"""

import msgspec
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered

CACHE_LIFETIME_US = {"5m": 5 * 60 * 1_000_000, "1h": 60 * 60 * 1_000_000}
MARGIN_US = 15 * 1_000_000
CUT_REASONS = frozenset({"max_tokens", "length", "max_output_tokens", "MAX_TOKENS"})
"""What the four APIs call an answer that reached its output limit."""


class Turn(msgspec.Struct, frozen=True):
    """The exact counts of one finished request, kept for the next one that extends it.

    `cached_tokens` were read from or written to the provider's cache and stay there until
    `cached_until_us`. `cut_at` is the largest clamped output limit at which an answer of this
    conversation was cut (0: never).
    """

    prompt_tokens: int
    output_tokens: int = 0
    cached_tokens: int = 0
    cached_until_us: int = 0
    cut_at: int = 0


class Known(msgspec.Struct, frozen=True):
    """A turn found again inside a new request, and the bound of what was added since."""

    turn: Turn
    added_tokens_bound: int

    def input_tokens_bound(self) -> int:
        """Upper bound of the new prompt: exact prefix + the answer + what was added.

        The answer counts twice (as its output and by its bytes): thinking that is sent back
        encrypted may hold more tokens than its bytes suggest.
        """
        if self.added_tokens_bound == 0:
            return self.turn.prompt_tokens
        return self.turn.prompt_tokens + self.turn.output_tokens + self.added_tokens_bound

    def warm_tokens(self, now_us: int) -> int:
        """Tokens the provider's cache still holds, as the previous turn proved; else 0."""
        return self.turn.cached_tokens if now_us < self.turn.cached_until_us else 0


def remember(
    facts: RequestFacts, metered: Metered, *, started_us: int, before: Turn | None, clamped_to: int
) -> Turn | None:
    """The turn to keep after a request, or None when its usage proves nothing about a prefix.

    `clamped_to` is the output limit we lowered it to (0: untouched).
    """
    known_input = metered.billing in (Billing.EXACT, Billing.FLOOR)
    if not known_input or not metered.parts or facts.may_add_input or len(metered.parts) > 1:
        return None
    usage = metered.parts[0].usage
    if usage.prompt_tokens == 0:
        return None
    cut = clamped_to if clamped_to and metered.stop_reason in CUT_REASONS else 0
    lasts_an_hour = facts.cache_ttl == "1h" and usage.cache_write_5m_tokens == 0
    lifetime_us = CACHE_LIFETIME_US["1h" if lasts_an_hour else "5m"]
    cached = (
        usage.cache_read_tokens
        + usage.cache_write_5m_tokens
        + usage.cache_write_1h_tokens
        + usage.cache_write_12h_tokens
    )
    turn = Turn(
        prompt_tokens=usage.prompt_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=cached,
        cached_until_us=started_us + lifetime_us - MARGIN_US if cached else 0,
        cut_at=cut,
    )
    return replace(turn, cut_at=max(turn.cut_at, before.cut_at if before else 0))
