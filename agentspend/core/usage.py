"""What a provider says a request used, in one shape for all dialects.

Counts never overlap: `input_tokens` excludes everything cached and all audio, `output_tokens`
includes reasoning. `reasoning_tokens` is a part of `output_tokens` kept for reports and never
priced again. A `cache_write_5m` is a provider's shortest write (5 minutes at Anthropic, 30 at
OpenAI).
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import attrgetter

import msgspec


class Billing(StrEnum):
    """How sure a charge is. The words of the golden pricing cases."""

    EXACT = "exact"
    FLOOR = "floor"
    CEILING = "ceiling"
    UNKNOWN = "unknown"
    FREE = "free"
    BLOCKED = "blocked"


ESTIMATES = ("crash_upper_bound", "estimate", "stream_metered")
"""The evidence of a charge that its provider never told the usage of: a person may lower it."""


class Usage(msgspec.Struct, frozen=True):
    """Token and tool counts of one response (or one part of it), all non-negative."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    web_search_requests: int = 0
    cache_write_12h_tokens: int = 0
    input_audio_tokens: int = 0
    cache_read_audio_tokens: int = 0
    web_search_preview_requests: int = 0
    file_search_requests: int = 0

    def __post_init__(self) -> None:
        counts = _counts_of(self)
        if _WHOLE.issuperset(map(type, counts)) and min(counts) >= 0:
            return
        for name, count in zip(_COUNTS, counts, strict=True):
            if type(count) is not int or count < 0:
                raise ValueError(f"{name} must be a whole number, not {count!r}")

    @property
    def prompt_tokens(self) -> int:
        """Everything sent: decides the long-context tier (pricing study §3.1)."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_write_12h_tokens
            + self.input_audio_tokens
            + self.cache_read_audio_tokens
        )

    @property
    def calls(self) -> int:
        """What is billed by the call: the provider's own searches."""
        return (
            self.web_search_requests + self.web_search_preview_requests + self.file_search_requests
        )

    def counts(self) -> dict[str, int]:
        """The non-zero counts by field name: the shape stored in a ledger entry."""
        return {name: count for name, count in zip(_COUNTS, _counts_of(self), strict=True) if count}

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> "Usage":
        """Read back what `counts` wrote."""
        return cls(**counts)


_WHOLE = frozenset({int})
_COUNTS = Usage.__struct_fields__
_counts_of: Callable[[Usage], tuple[int, ...]] = attrgetter(*_COUNTS)


class UsagePart(msgspec.Struct, frozen=True):
    """Usage billed at one model's rates, with the modifiers the response itself states.

    `speed`, `service_tier` and `inference_geo` are the provider's words ("" when unsaid).
    """

    model: str
    usage: Usage
    speed: str = ""
    service_tier: str = ""
    inference_geo: str = ""


class Ran(msgspec.Struct, frozen=True):
    """What tools of the provider's own did in an answer, as far as it has passed.

    `calls`: how often they were called. `tokens`: the most that was written and brought so far, all
    of which the model reads again. `hidden`: one of them brings or bills what does not pass.
    """

    calls: int = 0
    tokens: int = 0
    hidden: bool = False


class Metered(msgspec.Struct, frozen=True):
    """What a response has proved so far.

    `parts` are priced and summed; `billing` says how sure they are: EXACT after the final usage,
    FLOOR when the stream ended early, FREE when the provider bills nothing, UNKNOWN without usage.
    `unpriceable` names billable usage fields we have no rate for (then the row is not exact).
    `stop_reason` and `response_id` are the provider's own words, for `why` and for dedupe.
    `stated_pusd` is the amount the provider itself says it charged, where its word is the bill.
    `ran` is None where an answer does not show what the provider's tools do.
    """

    parts: tuple[UsagePart, ...] = ()
    billing: Billing = Billing.UNKNOWN
    unpriceable: tuple[str, ...] = ()
    stop_reason: str = ""
    response_id: str = ""
    tool_call_cut: bool = False
    stated_pusd: int | None = None
    extra: Mapping[str, str] = msgspec.field(default_factory=dict)
    ran: Ran | None = None
