"""The bill of one response, as `agentspend prices explain --json` prints it.

Owns that JSON shape (version 1) and its short usage words, which are those of the golden pricing
cases. Pure: the response was metered by a dialect, the time is an argument.
"""

from dataclasses import dataclass
from typing import Any

from agentspend.core.money import usd_text
from agentspend.core.pricebook import PriceBook
from agentspend.core.regions import in_region, is_this_machine, region_of
from agentspend.core.usage import Billing, Metered

USAGE_WORDS = {
    "input_tokens": "fresh",
    "cache_write_5m_tokens": "w5",
    "cache_write_1h_tokens": "w1",
    "cache_write_12h_tokens": "w12",
    "cache_read_tokens": "read",
    "input_audio_tokens": "audio",
    "cache_read_audio_tokens": "audio_read",
    "output_tokens": "out",
    "reasoning_tokens": "reasoning",
    "web_search_preview_requests": "web",
    "web_search_requests": "web",
    "file_search_requests": "files",
}
FIRST_ERROR_STATUS = 400
LOCAL_PROVIDER = "local"


@dataclass(frozen=True, slots=True)
class Answered:
    """One answered request. `model` is the one asked for; `at_us` when it was sent (µs, UTC).

    `api` is the golden cases' word ("messages", "messages/count_tokens", …); `upstream_host` is
    "" for the provider's own host.
    """

    provider: str
    api: str
    model: str
    at_us: int
    http_status: int
    metered: Metered
    upstream_host: str = ""


def explain(book: PriceBook, answered: Answered) -> dict[str, Any]:
    """Price one response and say how, line by line.

    A response that was never billed (an error, a count) is free whatever its model. A request
    whose model has no price, or whose answer names a tier without one, is `blocked`. Where the
    answer proves no usage, `usd` is null and `floor_usd` what is proved.
    """
    region = region_of(answered.upstream_host, answered.model)
    metered = in_region(answered.metered, region)
    if answered.http_status >= FIRST_ERROR_STATUS or answered.api.endswith("count_tokens"):
        metered = Metered(billing=Billing.FREE)
    provider = _price_list(book, answered)
    asked = book.find(provider, answered.model)
    if metered.billing is not Billing.FREE and asked is None:
        nearest = book.nearest(provider, answered.model)
        return {**_blocked(book, metered, "unknown_model"), "nearest": nearest}
    charge = book.charge(provider, metered, answered.at_us, answered.model)
    if charge.unknown and metered.billing is not Billing.FREE and not book.has_ceiling:
        return _blocked(book, metered, f"unknown_{charge.unknown[0].partition('=')[0]}")
    said: dict[str, Any] = {
        "v": 1,
        "billing": charge.billing.value,
        "usd": usd_text(charge.nusd),
        "nusd": charge.nusd,
        "picousd": charge.pusd,
        "usage": _usage(metered),
        "lines": [
            {
                "what": line.what,
                "count": line.count,
                "rate_pusd": line.rate_pusd,
                "picousd": line.picousd,
            }
            for line in charge.lines
        ],
        "prices": charge.version,
    }
    if charge.models:
        said["priced_model"] = charge.models[0]
    if charge.billing is Billing.UNKNOWN:
        said.update({"usd": None, "floor_usd": said["usd"], "floor_nusd": said["nusd"]})
        said.update({"nusd": None, "picousd": None})
    return said


def _blocked(book: PriceBook, metered: Metered, error: str) -> dict[str, Any]:
    return {
        "v": 1,
        "billing": Billing.BLOCKED.value,
        "error": error,
        "usd": "0",
        "nusd": 0,
        "picousd": 0,
        "usage": _usage(metered),
        "lines": [],
        "prices": book.version,
    }


def _price_list(book: PriceBook, answered: Answered) -> str:
    """The provider whose prices apply: `local` for a server on this machine that has such a price.

    `[prices."local/*"]` is how a self-hosted model gets a price (pricing study §6).
    """
    here = is_this_machine(answered.upstream_host)
    found = book.find(LOCAL_PROVIDER, answered.model) if here else None
    return answered.provider if found is None or found.ceiling else LOCAL_PROVIDER


def _usage(metered: Metered) -> dict[str, int]:
    """The counts of all parts together, non-zero ones only, in the golden cases' words."""
    totals: dict[str, int] = {}
    for part in metered.parts:
        for name, count in part.usage.counts().items():
            word = USAGE_WORDS[name]
            totals[word] = totals.get(word, 0) + count
    return totals
