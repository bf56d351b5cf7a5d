"""The service tier that a request is held at: its body's word, else a header's.

A cheaper tier is believed where it is sold to a request like this one. Who only has it in a price
list (for batches, or because the list is somebody else's) may pass over the word and take the
whole price.
"""

from collections.abc import Mapping

TIERS = ("x-vertex-ai-llm-shared-request-type", "x-amzn-bedrock-service-tier")
"""Headers by which Vertex and Bedrock sell their tiers."""
CHEAPER = frozenset({"flex", "batch"})
SOLD = frozenset({("openai", "flex"), ("google", "flex"), ("groq", "flex")})


def tier_of(provider: str, asked: str, headers: Mapping[str, str]) -> str:
    """`asked` is what the body says; "" is the plain tier."""
    said = (headers.get(name, "").strip().lower() for name in TIERS)
    tier = asked or next(filter(None, said), "")
    return "" if tier in CHEAPER and (provider, tier) not in SOLD else tier
