"""How a model may be spelled: the exact id, then a few rewritings that cannot change its price.

Owns the safe normalisation of the pricing study §6. Never matches by prefix: a model that is only
similar to a known one is unknown.
"""

import re
from collections.abc import Iterator

_LONG_CONTEXT = re.compile(r"\[1m\]$", re.IGNORECASE)
_DATE = re.compile(r"-20\d\d(-?)(0[1-9]|1[0-2])\1(0[1-9]|[12]\d|3[01])$")
_BEDROCK_VERSION = re.compile(r"-v\d+(:\d+)?$")
_BEDROCK_REGION = re.compile(r"^(us|us-gov|eu|apac|au|jp|ca)\.")
_PATHS = ("models/", "publishers/", "projects/", "arn:")


def spellings(provider: str, model: str) -> Iterator[str]:
    """Names to look up, from the one that was sent to the barest.

    Takes off, in turn: Claude Code's `[1m]`, a resource path or ARN, the provider's own prefix,
    Vertex's `@version`, Bedrock's `-v1:0`, a date. A Bedrock region turns into `regional.`, because
    the region decides the price.
    """
    yield model
    name = _LONG_CONTEXT.sub("", model)
    if name.startswith(_PATHS):
        name = name.rpartition("/")[2]
    name = name.removeprefix(f"{provider}/")
    yield name
    if provider in ("anthropic", "google"):
        name = name.partition("@")[0]
        yield name
    if provider == "aws":
        name = _BEDROCK_VERSION.sub("", name)
        yield name
        yield _BEDROCK_REGION.sub("regional.", name)
    yield _DATE.sub("", name)
