"""Every price list under one roof, for tests that compare ours with the hand-written ones.

`CARDS`, `Rates`, `ModelCard`, `find` and `price` are Anthropic's. The others' lists have the same
names in rooms of their own: `OPENAI_CARDS` and `GEMINI_CARDS` here, `openai.prices.price` and
`gemini.prices.price` there, since their tiers and options are not the same.
"""

from agentspend.sandbox.anthropic.prices import (
    CARDS,
    WEB_SEARCH_USD,
    LongContext,
    ModelCard,
    Rates,
    find,
    price,
)
from agentspend.sandbox.gemini.prices import CARDS as GEMINI_CARDS
from agentspend.sandbox.openai.prices import CARDS as OPENAI_CARDS
from agentspend.sandbox.rates import OptionError, Usage

__all__ = [
    "CARDS",
    "GEMINI_CARDS",
    "OPENAI_CARDS",
    "WEB_SEARCH_USD",
    "LongContext",
    "ModelCard",
    "OptionError",
    "Rates",
    "Usage",
    "find",
    "price",
]
