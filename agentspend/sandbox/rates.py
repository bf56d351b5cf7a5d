"""What every price list is made of: usage that never overlaps, and rates as exact fractions.

Owns no price. The lists are `anthropic.prices`, `openai.prices` and `gemini.prices`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

_TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request used. Fields never overlap; `input_tokens` excludes everything cached.

    A vendor leaves the fields at 0 that it does not bill: five minutes and one hour are
    Anthropic's cache writes, thirty minutes and twelve hours OpenAI's. Output has thoughts in it.
    """

    input_tokens: int = 0
    cache_read_input_tokens: int = 0
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    output_tokens: int = 0
    web_search_requests: int = 0
    cache_write_30m_tokens: int = 0
    cache_write_12h_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All that was sent, cached or not: this decides the long-context tier."""
        return (
            self.input_tokens
            + self.cache_read_input_tokens
            + self.ephemeral_5m_input_tokens
            + self.ephemeral_1h_input_tokens
            + self.cache_write_30m_tokens
            + self.cache_write_12h_tokens
        )


class OptionError(ValueError):
    """A paid option (speed, region, tier) that this model does not sell."""


def per_token(text: str) -> tuple[Fraction, ...]:
    """Read decimal USD per million tokens, separated by blanks, as USD per token."""
    return tuple(Fraction(word) / _TOKENS_PER_PRICE for word in text.split())


def day(year: int, month: int, number: int) -> float:
    """The start of a day in UTC, in Unix seconds: when a dated price begins or ends."""
    return datetime(year, month, number, tzinfo=UTC).timestamp()
