"""What the rules besides budgets say of one request, in the words its agent is told."""

from collections.abc import Mapping

from agentspend.core.access import forbidden
from agentspend.core.facts import RequestFacts
from agentspend.core.pricebook import PriceBook
from agentspend.core.rules import Rules
from agentspend.core.scopes import Payer
from agentspend.proxy import refusal

Ruling = tuple[str, str, Mapping[str, str]]
"""A no: its reason (`refusal.DECLINED`), the message, and what `why` tells besides."""


def model_ruling(rules: Rules, payer: Payer, facts: RequestFacts, book: PriceBook) -> Ruling | None:
    """Whether a rule forbids a model that the request names, also one that may only stand in."""
    found = forbidden(rules.models, payer, (facts.model, *facts.other_models), book)
    if found is None:
        return None
    told = {"model": found.model, "why": f"{refusal.forbidding(found)} does not allow it"}
    return "forbidden_model", refusal.forbidden_message(found), told
