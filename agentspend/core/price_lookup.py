"""Which price a model has: the user's word over the table's.

Owns the precedence: exact user rule, then user pattern, then the table (whose overlay was merged
when it was compiled), then the list that a provider borrows. Exact ids only (`core.model_ids`);
prices nothing itself.
"""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from agentspend.core.errors import AgentspendError
from agentspend.core.model_ids import spellings
from agentspend.core.price_overrides import Overrides, PriceRule
from agentspend.core.price_table import (
    BEGINNING_US,
    Table,
    dearest_times,
    model_price,
    standard_words,
)
from agentspend.core.rates import ModelPrice, RateRow, Rates, Ratio, Words
from agentspend.core.scopes import glob

MAX_NAMES_REMEMBERED = 1_000
"""Spellings whose price is looked up once; more than any session uses."""

_NO_MODELS: Table = {"models": {}, "standard": {"service_tier": ["default", "standard"]}}
"""A provider the table does not have; these two words mean the list price everywhere."""


class PriceLookup:
    """Finds a model's price in one table under one set of overrides; neither ever changes."""

    def __init__(self, table: Table, overrides: Overrides) -> None:
        """Raises AgentspendError when an alias leads nowhere or a rule has no price to multiply."""
        self._providers: Table = table["providers"]
        self._overrides = overrides
        self._aliases = {
            provider: {
                alias: model
                for model, entry in block["models"].items()
                for alias in entry.get("aliases", ())
            }
            for provider, block in self._providers.items()
        }
        self._read: dict[tuple[str, str], ModelPrice] = {}
        self._found: dict[tuple[str, str], ModelPrice] = {}
        self._dearest_times: dict[str, Mapping[str, Ratio]] = {}
        self._exact = {
            (rule.provider, self._canonical(rule.provider, rule.pattern) or rule.pattern): rule
            for rule in overrides.rules
            if rule.exact
        }
        patterns = [rule for rule in overrides.rules if not rule.exact]
        self._patterns = sorted(patterns, key=lambda rule: (-len(rule.pattern), rule.pattern))
        self.version = _version(str(table["sha256"]), overrides)
        self._check()

    def known(self, provider: str, model: str) -> ModelPrice | None:
        """The price of a model by id, alias or safe respelling; None when nobody has one."""
        found = self._found.get((provider, model))
        if found is None:
            found = self._look_up(provider, model)
            if found is not None and len(self._found) < MAX_NAMES_REMEMBERED:
                self._found[provider, model] = found
        return found

    def _look_up(self, provider: str, model: str) -> ModelPrice | None:
        names = [*spellings(provider, model)]
        for name in names if self._overrides.aliases else ():
            target = self._overrides.aliases.get(name)
            if target is not None:
                provider, _, model = target.partition("/")
                names = [*spellings(provider, model)]
                break
        listed = self._listed(provider)
        aliases = self._aliases.get(provider, {})
        for name in names:
            canonical = aliases.get(name, name)
            rule = self._exact.get((provider, canonical))
            if canonical in listed or (rule is not None and rule.rates is not None):
                return self._price(provider, canonical)
        for rule in self._patterns:
            if rule.rates is not None and rule.matches(provider, model):
                return self._own(rule, rule.rates, provider, model)
        return self._borrowed(provider, model)

    def _borrowed(self, provider: str, model: str) -> ModelPrice | None:
        """A price out of the list of somebody else's that is in force for this provider's model."""
        for pattern, wanted in self._overrides.lists.get(provider, ()):
            if not fnmatchcase(model, glob(pattern)):
                continue
            owner, _, named = wanted.partition("/")
            bare = model.removeprefix(pattern[:-1]) if pattern.endswith("/*") else model
            found = self._in_table(owner, named or bare.removeprefix(f"{provider}/"))
            if found is not None:
                found = replace(found, standard=_and_usual(found.standard))
                rule = self._said_of(provider, model)
                return _overridden(found, rule) if rule else found
        return None

    def _in_table(self, provider: str, model: str) -> ModelPrice | None:
        """A listed model's price, the user's word on that list included."""
        aliases = self._aliases.get(provider, {})
        listed = self._listed(provider)
        for name in spellings(provider, model):
            canonical = aliases.get(name, name)
            if canonical in listed:
                return self._price(provider, canonical)
        return None

    def _said_of(self, provider: str, model: str) -> PriceRule | None:
        """The user's rule that names a model best."""
        return self._exact.get((provider, model)) or next(
            (rule for rule in self._patterns if rule.matches(provider, model)), None
        )

    def ceiling(self, provider: str, model: str) -> ModelPrice:
        """The price that stands in for a model without one."""
        rule = PriceRule(provider, model)
        return replace(
            self._own(rule, self._overrides.unknown.ceiling, provider, model), ceiling=True
        )

    def providers(self) -> list[str]:
        """The providers the table has a price list of, sorted."""
        return sorted(self._providers)

    def models(self, provider: str) -> list[str]:
        """The canonical ids with a price, the user's own and borrowed ones included, sorted."""
        own = [model for name, model in self._exact if name == provider]
        return sorted({*self._listed(provider), *own, *self._borrowed_names(provider)})

    def _borrowed_names(self, provider: str) -> Iterator[str]:
        for pattern, wanted in self._overrides.lists.get(provider, ()):
            before = pattern[:-1] if pattern.endswith("/*") else ""
            names = (before + model for model in self._listed(wanted))
            yield from (name for name in names if fnmatchcase(name, glob(pattern)))

    def nearest(self, provider: str, model: str, n: int) -> list[str]:
        """Known ids that look most like this one, best first."""
        return difflib.get_close_matches(model, self.models(provider), n=n)

    def _price(self, provider: str, model: str) -> ModelPrice:
        """A listed model's price under the rule that names it best; read once."""
        found = self._read.get((provider, model))
        if found is None:
            rule = self._said_of(provider, model)
            entry = self._listed(provider).get(model)
            if entry is not None:
                block = self._providers[provider]
                found = model_price(provider, model, entry, block, self._dearest(provider))
                found = _overridden(found, rule) if rule else found
            elif rule is not None and rule.rates is not None:
                found = self._own(rule, rule.rates, provider, model)
            else:
                raise AssertionError(f"no price for {provider}/{model}")
            self._read[provider, model] = found
        return found

    def _dearest(self, provider: str) -> Mapping[str, Ratio]:
        """The dearest multipliers of a provider, worked out once: they are over all its models."""
        if provider not in self._dearest_times:
            self._dearest_times[provider] = dearest_times(self._providers[provider])
        return self._dearest_times[provider]

    def _own(self, rule: PriceRule, rates: Rates, provider: str, model: str) -> ModelPrice:
        """A price list the table does not have."""
        return ModelPrice(
            provider=provider,
            model=model,
            context_window=rule.context_window,
            max_output=rule.max_output,
            rows=(RateRow(BEGINNING_US, 0, rates),),
            variants={},
            standard=standard_words(self._providers.get(provider, _NO_MODELS)),
            dearest_times={},
            times=rule.times,
        )

    def _listed(self, provider: str) -> Table:
        models: Table = self._providers.get(provider, _NO_MODELS)["models"]
        return models

    def _canonical(self, provider: str, model: str) -> str | None:
        """The table's id for a name, or None."""
        listed = self._listed(provider)
        aliases = self._aliases.get(provider, {})
        found = (aliases.get(name, name) for name in spellings(provider, model))
        return next((name for name in found if name in listed), None)

    def _check(self) -> None:
        """Fail when the configuration is read, not at the first request."""
        for (provider, model), rule in self._exact.items():
            listed = model in self._listed(provider) or self._borrowed(provider, model)
            if rule.rates is None and not listed:
                raise AgentspendError(
                    f'prices."{provider}/{model}" multiplies a price that nobody has',
                    "give it input and output, or look the name up with agentspend prices show",
                )
        for name, target in self._overrides.aliases.items():
            provider, _, model = target.partition("/")
            if self.known(provider, model) is None:
                near = ", ".join(self.nearest(provider, model, 3)) or "none"
                raise AgentspendError(
                    f'aliases."{name}" leads to {target}, which has no price',
                    f"names like it: {near}",
                )


def _and_usual(standard: Words) -> Words:
    """Words for the list price: the vendor's, and what a server in front of it may call it."""
    usual = _NO_MODELS["standard"]["service_tier"]
    return {**standard, "service_tier": standard.get("service_tier", frozenset()) | {*usual}}


def _overridden(price: ModelPrice, rule: PriceRule) -> ModelPrice:
    """A table's price with the user's word over it.

    A price list of the user's own keeps the multipliers of speed, region and tier, and drops
    dates, prompt tiers and other tiers' lists.
    """
    price = replace(
        price,
        context_window=rule.context_window or price.context_window,
        max_output=rule.max_output or price.max_output,
        times=rule.times,
    )
    if rule.rates is None:
        return price
    kept = {key: variant for key, variant in price.variants.items() if not variant.rows}
    own = (RateRow(BEGINNING_US, 0, rule.rates),)
    return replace(price, rows=own, variants=kept, peak=None)


def _version(table_sha256: str, overrides: Overrides) -> str:
    """What identifies table and overrides together."""
    digest = table_sha256
    if overrides.said:
        said = json.dumps(overrides.said, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(f"{table_sha256}\n{said}".encode()).hexdigest()
    return f"sha256:{digest[:16]}"
