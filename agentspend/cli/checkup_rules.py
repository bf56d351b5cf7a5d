"""What `doctor` looks at in the rules besides budgets: names that mean no known model."""

from collections.abc import Iterator

from agentspend.cli import access
from agentspend.cli.checkup import Finding
from agentspend.core.model_patterns import names_model
from agentspend.core.pricebook import PriceBook


def rules() -> Iterator[Finding]:
    """Every pattern means some model, and every downgrade leads to one that has a price."""
    found = access.config().rules
    patterns = [pattern for rule in found.models for pattern in (*rule.allow, *rule.deny)]
    patterns += [rule.of for rule in found.downgrades]
    targets = [rule.to for rule in found.downgrades]
    if not patterns and not targets:
        return
    book = access.price_book()
    lost = [pattern for pattern in patterns if not means_any(pattern, book)]
    for pattern in dict.fromkeys(lost):
        yield Finding(
            False,
            f"the pattern {pattern!r} of a rule means no model that has a price",
            "agentspend prices show    lists their names",
        )
    nowhere = [to for to in targets if not any(book.find(name, to) for name in book.providers())]
    for name in dict.fromkeys(nowhere):
        yield Finding(
            False,
            f"a downgrade to {name!r} changes nothing: no provider has a price for it",
            f"agentspend prices show {name.split('-')[0]}",
        )
    if not lost and not nowhere:
        yield Finding(True, "every model that a rule names is known")


def means_any(pattern: str, book: PriceBook) -> bool:
    """Whether a pattern means a model that has a price."""
    if "*" not in pattern and "?" not in pattern:
        provider, slash, model = pattern.partition("/")
        if slash and book.find(provider, model):
            return True
        return any(book.find(name, pattern) for name in book.providers())
    return any(
        names_model(pattern, provider, model, book)
        for provider in book.providers()
        for model in book.models(provider)
    )
