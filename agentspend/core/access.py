"""Model access: which models a request may name, by the rules that match it.

Lists never widen each other: every matching rule must pass, and `deny` beats `allow`. A model is
judged by the id its price stands under, so that another spelling gets past nothing. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentspend.core.model_patterns import may_name, names_model, priced_id
from agentspend.core.pricebook import PriceBook
from agentspend.core.rules import ModelRule
from agentspend.core.scopes import Payer

SHORT_LIST = 8
"""Up to so many allowed models are named one by one; beyond, the rule's patterns are."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A model that may not be used, by its priced id; the rule that says no, and what is allowed.

    `allowed` are ids of the provider, or patterns where those are many.
    """

    model: str
    rule: ModelRule
    allowed: tuple[str, ...]


def forbidden(
    rules: Sequence[ModelRule], payer: Payer, models: Iterable[str], book: PriceBook
) -> Forbidden | None:
    """The first of the models a request names that may not be used by this payer, if any."""
    names = may_name(book)
    matching = [rule for rule in rules if rule.scope.matches(payer, names)]
    if not matching:
        return None
    provider = payer.provider
    for model in models:
        for rule in matching:
            if not _allows(rule, provider, model, book):
                allowed = _allowed(matching, rule, provider, book)
                return Forbidden(priced_id(provider, model, book), rule, allowed)
    return None


def _allows(rule: ModelRule, provider: str, model: str, book: PriceBook) -> bool:
    """Whether one rule lets a model through. A refused pattern may also mean the name as sent."""
    refused = may_name(book)
    if any(refused(pattern, provider, model) for pattern in rule.deny):
        return False
    return not rule.allow or any(
        names_model(pattern, provider, model, book) for pattern in rule.allow
    )


def _allowed(
    rules: Sequence[ModelRule], said_no: ModelRule, provider: str, book: PriceBook
) -> tuple[str, ...]:
    """What every matching rule lets through, in as few words as tell it."""
    ids = [
        model
        for model in book.models(provider)
        if all(_allows(rule, provider, model, book) for rule in rules)
    ]
    if len(ids) <= SHORT_LIST:
        return tuple(ids)
    return said_no.allow or tuple(f"all but {pattern}" for pattern in said_no.deny)
