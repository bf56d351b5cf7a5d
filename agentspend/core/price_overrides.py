"""What a user says about prices: discounts, prices of their own, aliases, and unknown models.

Owns the meaning of `[prices]`, `[aliases]` and `[unknown_model]` (pricing study §6). Values are
strings: a TOML float would already have lost digits. Errors are `AgentspendError`s that name the
key; the configuration adds file and line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from agentspend.core.errors import AgentspendError
from agentspend.core.price_table import RATE_NAMES, full_rates
from agentspend.core.rates import FEES, ONE, Rates, Ratio
from agentspend.core.scopes import glob

PUSD_PER_USD_PER_MTOK = 10**6
"""One dollar per million tokens is this many pUSD per token."""
PUSD_PER_USD = 10**12

DEFAULT_CEILING_INPUT = "30"
DEFAULT_CEILING_OUTPUT = "180"
_LIMITS = ("context_window", "max_output")
_KEYS = (*RATE_NAMES, "multiplier", *_LIMITS)


@dataclass(frozen=True, slots=True)
class PriceRule:
    """One entry of `[prices]`: a multiplier of the list price, or a price list of its own."""

    provider: str
    pattern: str
    times: Ratio = ONE
    rates: Rates | None = None
    context_window: int = 0
    max_output: int = 0

    @property
    def exact(self) -> bool:
        """True when the pattern names one model."""
        return not any(sign in self.pattern for sign in "*?")

    def matches(self, provider: str, model: str) -> bool:
        """True when the rule speaks about this model; only `*` and `?` are wild."""
        return provider == self.provider and fnmatchcase(model, glob(self.pattern))


@dataclass(frozen=True, slots=True)
class UnknownModel:
    """What happens to a model without a price: refused, or charged at a ceiling.

    `ceiling` also prices a response whose model nobody knows, in either mode.
    """

    allowed: bool
    ceiling: Rates


@dataclass(frozen=True, slots=True)
class Overrides:
    """Everything the user says about prices. `said` is the plain values, for the version hash.

    `lists` says per provider whose price list holds for which of its models: (pattern, list).
    """

    rules: tuple[PriceRule, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    unknown: UnknownModel = field(default_factory=lambda: read_unknown_model({}))
    said: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, "PriceLists"] = field(default_factory=dict)


PriceLists: TypeAlias = tuple[tuple[str, str], ...]
"""(pattern of a provider's models, the price list that holds for them), best first.

What a pattern names before its `/*` is no part of the list's own names. A list with a model behind
it ("deepseek/deepseek-v4-pro") prices every model of the pattern as that one.
"""


def read_overrides(
    prices: Mapping[str, Any] | None = None,
    aliases: Mapping[str, Any] | None = None,
    unknown_model: Mapping[str, Any] | None = None,
) -> Overrides:
    """Read the three tables of the configuration, as TOML gives them."""
    said = {"prices": prices or {}, "aliases": aliases or {}, "unknown_model": unknown_model or {}}
    return Overrides(
        rules=tuple(_rule(name, entry) for name, entry in said["prices"].items()),
        aliases={name: _alias(name, target) for name, target in said["aliases"].items()},
        unknown=read_unknown_model(said["unknown_model"]),
        said={name: value for name, value in said.items() if value},
    )


def with_providers(
    overrides: Overrides, lists: Mapping[str, PriceLists], free: Sequence[str]
) -> Overrides:
    """The overrides with what is said of whole providers: whose price lists, and which are free."""
    borrowed = {
        name: tuple(sorted(found, key=lambda pair: (-len(pair[0]), pair[0])))
        for name, found in lists.items()
        if found
    }
    nothing = full_rates([0] * len(RATE_NAMES))
    rules = [*overrides.rules, *(PriceRule(name, "*", rates=nothing) for name in free)]
    said = {**overrides.said}
    if borrowed:
        said["lists"] = {name: [list(pair) for pair in found] for name, found in borrowed.items()}
    if free:
        said["free"] = sorted(free)
    return replace(overrides, rules=tuple(rules), lists=borrowed, said=said)


def read_unknown_model(entry: Mapping[str, Any]) -> UnknownModel:
    """Read `[unknown_model]`: mode "block" (default) or "ceiling", with the ceiling's prices.

    Cached tokens cost as input here. Without prices of its own the ceiling is $30/$180 per
    million tokens, above every first-party list price (pricing study §6).
    """
    for key in entry:
        if key not in ("mode", "input", "output"):
            raise _error(f"unknown_model.{key}", "is not a setting", "use mode, input, output")
    mode = entry.get("mode", "block")
    if mode not in ("block", "ceiling"):
        raise _error("unknown_model.mode", f"cannot be {mode!r}", 'use "block" or "ceiling"')
    input_ = _rate("unknown_model.input", entry.get("input", DEFAULT_CEILING_INPUT), "input")
    output = _rate("unknown_model.output", entry.get("output", DEFAULT_CEILING_OUTPUT), "output")
    flat = full_rates((input_, input_, input_, input_, output, None, input_, input_, input_))
    return UnknownModel(allowed=mode == "ceiling", ceiling=flat)


def _rule(name: str, entry: Any) -> PriceRule:
    where = f'prices."{name}"'
    provider, slash, pattern = name.partition("/")
    if not slash or not provider or not pattern:
        raise _error(where, "names no provider", 'write it like "anthropic/claude-opus-5"')
    if not isinstance(entry, Mapping) or not entry:
        raise _error(where, "is empty", 'give it multiplier = "0.8", or input and output')
    for key in entry:
        if key not in _KEYS:
            raise _error(f"{where}.{key}", "is not a price", f"use {', '.join(_KEYS)}")
    rates = None
    if any(key in entry for key in RATE_NAMES):
        if "input" not in entry or "output" not in entry:
            raise _error(where, "lacks input or output", "a price needs both; caches are optional")
        given = {
            key: _rate(f"{where}.{key}", entry[key], key) for key in RATE_NAMES if key in entry
        }
        free = not any(given.values())
        rates = full_rates([given.get(key, 0 if free else None) for key in RATE_NAMES])
    elif "multiplier" not in entry:
        raise _error(where, "changes no price", 'give it multiplier = "0.8", or input and output')
    limits = {key: _count(f"{where}.{key}", entry[key]) for key in _LIMITS if key in entry}
    times = _multiplier(f"{where}.multiplier", entry.get("multiplier", "1"))
    return PriceRule(provider, pattern, times, rates, **limits)


def _rate(where: str, text: Any, key: str) -> int:
    """USD per million tokens (per thousand searches) → pUSD each, exactly."""
    unit = PUSD_PER_USD // 1_000 if key in FEES else PUSD_PER_USD_PER_MTOK
    pusd = _decimal(where, text) * unit
    if pusd != pusd.to_integral_value():
        raise _error(where, f"{text!r} is finer than a pico-dollar", "use at most six decimals")
    return int(pusd)


def _multiplier(where: str, text: Any) -> Ratio:
    value = _decimal(where, text)
    if value == 0:
        raise _error(where, "cannot be zero", 'for a free model write input = "0" and output = "0"')
    return value.as_integer_ratio()


def _decimal(where: str, text: Any) -> Decimal:
    if not isinstance(text, str):
        raise _error(where, f"{text!r} is not in quotes", f'write it as a string: "{text}"')
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= 1_000_000 or len(value.as_tuple().digits) > 18:
        raise _error(where, f"{text!r} is not a price", 'write it like "3.75"')
    return value


def _count(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise _error(where, f"{value!r} is not a number of tokens", "write it like 200000")
    return value


def _alias(name: str, target: Any) -> str:
    if not isinstance(target, str) or "/" not in target.strip("/"):
        raise _error(
            f'aliases."{name}"',
            f"{target!r} names no provider and model",
            'write it like "anthropic/claude-sonnet-5"',
        )
    return target


def _error(where: str, what: str, hint: str) -> AgentspendError:
    return AgentspendError(f"{where} {what}", hint)
