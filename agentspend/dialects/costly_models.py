"""Models whose every answer may cost what no rate of a token says: a search, or a picture.

Perplexity's models and OpenAI's search models take a fee for each answer; deep research searches
as often as it likes wherever its tools are not the request's own. Models that draw bill a picture's
tokens at five to twelve times the price of written ones ($30 to $2.50 per million with Gemini 2.5
Flash Image), and do so without being asked for a picture. The price data has neither. A model made
of many (xAI's multi-agent: up to sixteen) bills what all of them read and write, beyond any limit.
"""

from collections.abc import Iterable

SEARCHING = ("-search-preview", "-search-api", "sonar", "deep-research")
DRAWING = ("image", "banana")
MANY = ("multi-agent",)


def costly_models(models: Iterable[str], *, own_tools: bool = False) -> list[str]:
    """Those of these models, as names of what has no price.

    `own_tools`: the provider's models search only by tools that the request lists.
    """
    words = (*DRAWING, *MANY) if own_tools else (*SEARCHING, *DRAWING, *MANY)
    return [f"model={name}" for name in models if any(word in name.lower() for word in words)]
