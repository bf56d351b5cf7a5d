"""Which models a pattern names: judged by the id a price stands under, so that no other spelling of
a model gets past a rule or out of a budget. Pure.
"""

from fnmatch import fnmatchcase

from agentspend.core.pricebook import PriceBook
from agentspend.core.scopes import NamesModel, glob, same_text


def names_model(pattern: str, provider: str, model: str, book: PriceBook) -> bool:
    """Whether a pattern means this model: its priced id, or the very name that was sent."""
    if pattern == model:
        return True
    priced = priced_id(provider, model, book)
    if "*" not in pattern and "?" not in pattern:
        return priced_id(provider, pattern.removeprefix(f"{provider}/"), book) == priced
    shape = glob(pattern)
    return fnmatchcase(priced, shape) or fnmatchcase(f"{provider}/{priced}", shape)


def may_name(book: PriceBook) -> NamesModel:
    """How what only tightens reads a pattern (budgets, rates, refusals): it may also look like the
    name as it was sent."""

    def names(pattern: str, provider: str, model: str) -> bool:
        return same_text(pattern, provider, model) or names_model(pattern, provider, model, book)

    return names


def priced_id(provider: str, model: str, book: PriceBook) -> str:
    """The id a model's price stands under; the name itself where nobody has a price."""
    found = book.find(provider, model)
    return model if found is None else found.model
