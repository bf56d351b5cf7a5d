"""Why a request is not sent, beside the budgets: what its agent is told, and what `why` tells."""

from collections.abc import Mapping
from typing import NamedTuple

from agentspend.core.access import forbidden
from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_REQUEST_NUSD
from agentspend.core.money import dollars
from agentspend.core.pricebook import PriceBook
from agentspend.core.pricing import Bound
from agentspend.core.rule_words import rate_words
from agentspend.core.rules import Rules
from agentspend.core.scopes import Payer
from agentspend.proxy import refusal
from agentspend.proxy.pacer import Slow
from agentspend.proxy.pauses import Pause


class Ruling(NamedTuple):
    """A no: its reason in one word, the message for the agent, and the words of the story."""

    reason: str
    message: str
    told: Mapping[str, str]


def unknown_model_ruling(provider: str, model: str, book: PriceBook) -> Ruling:
    """A model without a price. The story does not name it: it may be anything."""
    message = refusal.unknown_model_message(provider, model, book.nearest(provider, model))
    why = "it asked for a model without a known price; the agent was told which"
    return Ruling("unknown_model", message, {"why": why})


def missing_key_ruling(provider: str) -> Ruling:
    """Our token stands in for a key that is not there."""
    why = "no key of the provider is stored, and the agent had none of its own"
    return Ruling("missing_key", refusal.missing_key_message(provider), {"why": why})


def included_ruling(message: str) -> Ruling:
    """A subscription that ends where paid overage would begin."""
    why = "what the subscription includes was used up, and stop_at_included is on"
    return Ruling("included", message, {"why": why})


def price_ruling(bound: Bound, output_tokens: int, book: PriceBook) -> Ruling | None:
    """It asks for something that nobody has a price for, or for more than any sum."""
    if bound.unpriceable and not book.has_ceiling:
        return _unpriceable_ruling(bound.unpriceable)
    if bound.nusd(output_tokens) <= MAX_REQUEST_NUSD:
        return None
    why = f"it could cost more than {dollars(MAX_REQUEST_NUSD)}"
    return Ruling("unpriceable", refusal.TOO_DEAR, {"why": why})


def _unpriceable_ruling(fields: tuple[str, ...]) -> Ruling:
    why = "it asked for something without a known price; the agent was told what"
    return Ruling("unpriceable", refusal.unpriceable_message(fields), {"why": why})


def model_ruling(rules: Rules, payer: Payer, facts: RequestFacts, book: PriceBook) -> Ruling | None:
    """Whether a rule forbids a model that the request names, also one that may only stand in."""
    found = forbidden(rules.models, payer, (facts.model, *facts.other_models), book)
    if found is None:
        return None
    why = f"{refusal.forbidding(found)} does not allow it"
    told = {"model": found.model, "why": why}
    return Ruling("forbidden_model", refusal.forbidden_message(found), told)


def paused_ruling(session: str, pause: Pause) -> Ruling:
    """The session, or everybody, is paused."""
    message = refusal.paused_message(session, pause)
    return Ruling("paused", message, {"why": f"its session is paused: {pause.why}"})


def slow_ruling(slow: Slow, wait_s: int) -> Ruling:
    """A rate limit that did not let it pass while it waited."""
    why = f"the rate limit of {rate_words(slow.limit)} let it not pass within {wait_s} s"
    return Ruling("rate_limited", refusal.slow_message(slow, wait_s), {"why": why})
