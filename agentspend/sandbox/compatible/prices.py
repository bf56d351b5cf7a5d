"""What the compatible servers charge, in exact fractions of a dollar.

Written by hand from the vendors' pricing pages as genai-prices 0.2.3's notes and litellm 1.109.1
quote them, and never generated from the project's vendored table: the two must be able to disagree.
OpenRouter's are not its list prices, so that only its own statement of a cost can be right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from agentspend.sandbox.rates import Usage, per_token

LONG_FROM = 200_000
_PEAK_HOURS = ((1, 4), (6, 10))


@dataclass(frozen=True, slots=True)
class Card:
    """One model at one server: USD per token of input, output and cached input.

    `long` are the rates of a request whose prompt has `LONG_FROM` tokens or more, `peak` those of
    some hours of a weekday (UTC). `answers_as` is the name that answers carry, "" for the same.
    """

    rates: tuple[Fraction, ...]
    long: tuple[Fraction, ...] = ()
    peak: tuple[Fraction, ...] = ()
    answers_as: str = ""
    max_output: int = 32_768


def _card(text: str, *, long: str = "", peak: str = "", answers_as: str = "") -> Card:
    """Read `input output cached`, decimal USD per million tokens."""
    return Card(per_token(text), per_token(long), per_token(peak), answers_as)


_SONNET = _card("3 15 0.3")
CARDS: Mapping[str, Mapping[str, Card]] = {
    "openrouter": {
        "z-ai/glm-5.3": _card("1.26 3.96 0.234"),
        "anthropic/claude-sonnet-4.5": _card("2.97 14.85 0.297"),
        "openai/gpt-4.1": _card("1.98 7.92 0.495"),
    },
    "deepseek": {
        "deepseek-flash": _card("0.15 0.6 0.003", peak="0.3 1.2 0.006"),
        "deepseek-v4-pro": _card("0.66 1.98 0.022", peak="1.32 3.96 0.044"),
    },
    "xai": {"grok-4.6": _card("2 6 0.5", long="4 12 1")},
    "mistral": {"devstral-2512": _card("0.4 2 0.04")},
    "groq": {"openai/gpt-oss-120b": _card("0.15 0.6 0.075")},
    "moonshot": {"kimi-k2.7-code": _card("0.95 4 0.19")},
    "zai": {"glm-5.3": _card("1.4 4.4 0.26")},
    "together": {"zai-org/GLM-5.3": _card("1.4 4.4 0.26")},
    "fireworks": {"accounts/fireworks/models/glm-5p3": _card("1.4 4.4 0.26")},
    "azure": {"gpt-4.1": _card("2 8 0.5", answers_as="gpt-4.1-2025-04-14")},
    "litellm": {"openai/gpt-4.1": _card("2 8 0.5"), "anthropic/claude-sonnet-4-5": _SONNET},
    "ollama": {"qwen3-coder:30b": _card("0 0 0")},
    "vllm": {"Qwen/Qwen3-Coder-30B-A3B-Instruct": _card("0 0 0")},
}
"""By server, then by the name of the model there."""


def price(card: Card, usage: Usage, at_s: float) -> Fraction:
    """What `usage` costs in USD at this moment, exactly."""
    rates = card.peak if card.peak and _at_peak(at_s) else card.rates
    if card.long and usage.prompt_tokens >= LONG_FROM:
        rates = card.long
    given, output, read = rates
    return (
        usage.input_tokens * given
        + usage.cache_read_input_tokens * read
        + usage.output_tokens * output
    )


def _at_peak(at_s: float) -> bool:
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.weekday() < 5 and any(start <= moment.hour < end for start, end in _PEAK_HOURS)
