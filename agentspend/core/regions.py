"""What the address of an upstream says about prices: a paid region, or a server on this machine.

OpenAI bills requests to its regional hosts at a premium (pricing study §1.4); the answer does not
say so, only the host does.
"""

import re
from functools import lru_cache

from msgspec.structs import replace

from agentspend.core.usage import Metered

_VERTEX_REGIONS = ("-aiplatform.googleapis.com", ".rep.googleapis.com")
_OPENAI_REGION = re.compile(r"^([a-z]{2})\.api\.openai\.com$")


@lru_cache(256)
def region_of(host: str, model: str = "") -> str:
    """The region whose price applies, as the price list spells it; "" for the list price.

    `host` may carry a port. Vertex bills Claude's models more at any regional endpoint.
    """
    name = _name(host)
    if found := _OPENAI_REGION.match(name):
        return found[1]
    return "regional" if name.endswith(_VERTEX_REGIONS) and "claude" in model else ""


def is_this_machine(host: str) -> bool:
    """Whether a server on this machine answers there; `host` may carry a port."""
    name = _name(host)
    return name in ("localhost", "::1") or name.startswith("127.")


def in_region(metered: Metered, region: str) -> Metered:
    """The same usage with the region of its host, where the answer names none itself."""
    if not region:
        return metered
    parts = tuple(
        part if part.inference_geo else replace(part, inference_geo=region)
        for part in metered.parts
    )
    return replace(metered, parts=parts)


def _name(host: str) -> str:
    """The host's name without its port and brackets, in lower case."""
    host = host.lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host
