"""OpenRouter chooses who answers: it is told to ask nobody dearer than the hold rests on.

Several hosts serve one model at prices of their own, and a price list has one of them. With
`provider.max_price`, in USD per million tokens, OpenRouter asks only hosts that take no more for a
prompt's and an answer's token. Its documentation ("Provider Routing") says so of Chat and of
Responses; that Messages takes the same field is from memory.
"""

from contextlib import suppress
from decimal import Decimal, InvalidOperation

import msgspec

from agentspend.dialects.fields import FIELDS
from agentspend.dialects.json_parts import UNREADABLE, Parts, put_together, take_apart

CHOOSES_ITS_HOSTS = "openrouter"
PUSD_PER_USD_A_MILLION = 1_000_000
"""A price in pUSD a token, by the same price in USD per million tokens."""


def no_dearer(body: bytes, prompt_pusd: int, output_pusd: int) -> bytes:
    """The same request, to nobody who takes more than these pUSD a token.

    A lower price that it names itself stays, as do the bytes of every other value. A `provider`
    that is no object is left to OpenRouter, which refuses it.
    """
    parts = take_apart(body)
    provider = _object(parts.get("provider"))
    if provider is None:
        return body
    named = _object(provider.get("max_price")) or {}
    ours = {"prompt": prompt_pusd, "completion": output_pusd}
    most = {name: _lower(named.get(name), pusd) for name, pusd in ours.items()}
    asked = {**provider, "max_price": msgspec.Raw(put_together({**named, **most}))}
    return put_together({**parts, "provider": msgspec.Raw(put_together(asked))})


def _object(raw: bytes | None) -> Parts | None:
    """An object's parts; {} where there is none, None where it is something else."""
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        return FIELDS.decode(raw)
    except UNREADABLE:
        return None


def _lower(named: bytes | None, pusd: int) -> msgspec.Raw:
    """The lower of two prices, as JSON; what names no price counts for nothing."""
    ours = Decimal(pusd) / PUSD_PER_USD_A_MILLION
    with suppress(InvalidOperation, UnicodeDecodeError):
        if named is not None and Decimal(bytes(named).decode().strip('"')) < ours:
            return msgspec.Raw(named)
    return msgspec.Raw(format(ours.normalize(), "f").encode())
