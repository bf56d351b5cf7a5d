"""Rates: what one token costs, by date, prompt size and the words of a request.

Owns a model's price list and how it is read. Rates are whole pico-USD per token; multipliers
(fast, batch, region, a user's discount) stay exact ratios until a sum is made of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

Ratio: TypeAlias = tuple[int, int]
"""A multiplier as numerator and denominator."""

ONE: Ratio = (1, 1)

# What a search costs where the price is not known: the dearest published price of a first-party
# search ($35 per thousand, Google grounding: pricing study §3.4).
CEILING_WEB_SEARCH_PUSD = 35_000_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """pUSD per token (per request for `web_search`), before the multipliers.

    `times` multiplies the token rates, `fee_times` the search fee. `stand_ins` names rates the
    price list does not have (a dearer one stands in); `unknown` the words ("speed=turbo") that it
    does not know, for which the dearest known variant stands in.
    """

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    web_search: int
    times: Ratio = ONE
    fee_times: Ratio = ONE
    stand_ins: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()

    def effective(self) -> tuple[int, int, int, int, int, int]:
        """The six rates with their multipliers applied, each rounded up to a whole pUSD."""
        num, den = self.times
        fee_num, fee_den = self.fee_times
        return (
            -(-self.input * num // den),
            -(-self.cache_read * num // den),
            -(-self.cache_write_5m * num // den),
            -(-self.cache_write_1h * num // den),
            -(-self.output * num // den),
            -(-self.web_search * fee_num // fee_den),
        )


def dearest(candidates: Sequence[Rates]) -> Rates:
    """Rate by rate the dearest of several, multipliers included. Raises ValueError for none."""
    if not candidates:
        raise ValueError("no rates to choose from")
    first = candidates[0]
    if len(candidates) == 1:
        return first
    columns = zip(*(rates.effective() for rates in candidates), strict=True)
    input_, read, write_5m, write_1h, output, search = (max(column) for column in columns)
    return Rates(
        input_,
        read,
        write_5m,
        write_1h,
        output,
        search,
        stand_ins=frozenset().union(*(rates.stand_ins for rates in candidates)),
        unknown=tuple(dict.fromkeys(word for rates in candidates for word in rates.unknown)),
    )


@dataclass(frozen=True, slots=True)
class RateRow:
    """Rates that hold from a moment (µs, UTC) and a prompt size (tokens, inclusive) on."""

    from_us: int
    from_tokens: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Variant:
    """How a word in a request changes the rates: a dated multiplier, or a price list of its own."""

    times: tuple[tuple[int, Ratio], ...] = ()
    rows: tuple[RateRow, ...] = ()

    def multiplier(self, at_us: int) -> Ratio | None:
        """The multiplier in force, or None before its first day."""
        found = None
        for from_us, ratio in self.times:
            if from_us <= at_us:
                found = ratio
        return found


Words: TypeAlias = Mapping[str, frozenset[str]]
"""Per dimension, a provider's words for its standard rate."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """One model's prices. `context_window` and `max_output` are tokens, 0 where not known.

    `variants` are keyed by (dimension, word); `standard` holds the words that change nothing;
    `dearest_times` the provider's dearest multiplier per dimension, for words this model lacks.
    `times` is the user's own multiplier. `ceiling`: the price of models nobody has a price for.
    """

    provider: str
    model: str
    context_window: int
    max_output: int
    rows: tuple[RateRow, ...]
    variants: Mapping[tuple[str, str], Variant]
    standard: Words
    dearest_times: Mapping[str, Ratio]
    times: Ratio = ONE
    ceiling: bool = False

    def rates(
        self,
        at_us: int,
        prompt_tokens: int,
        *,
        speed: str = "",
        service_tier: str = "",
        inference_geo: str = "",
        up_to: bool = False,
    ) -> Rates:
        """The rates of a prompt of this size at this moment, with the words of its request.

        `up_to`: the dearest rates of this and every smaller prompt, for a bound.
        """

        def base(rows: tuple[RateRow, ...]) -> Rates:
            return _in_force(rows, at_us, prompt_tokens, up_to=up_to)

        if not (speed or service_tier or inference_geo):
            rates = base(self.rows)
            return rates if self.times == ONE else _scaled(rates, self.times, (), self.times)
        unknown: list[str] = []
        times = self.times
        for dimension, word in (("speed", speed), ("inference_geo", inference_geo)):
            times = _product(times, self._times(dimension, word, at_us, unknown))
        rates = self._tier(service_tier, at_us, base, unknown)
        return _scaled(rates, times, tuple(unknown), self.times)

    def _times(self, dimension: str, word: str, at_us: int, unknown: list[str]) -> Ratio:
        """The multiplier of one word; the dearest known one for a word nobody knows."""
        if not word or word in self.standard.get(dimension, frozenset()):
            return ONE
        variant = self.variants.get((dimension, word))
        known = variant.multiplier(at_us) if variant else None
        if known is not None:
            return known
        unknown.append(f"{dimension}={word}")
        own = [
            ratio
            for (name, _), other in self.variants.items()
            if name == dimension
            for _, ratio in other.times
        ]
        return _dearest_ratio(own or [self.dearest_times.get(dimension, ONE)])

    def _tier(
        self,
        word: str,
        at_us: int,
        base: Callable[[tuple[RateRow, ...]], Rates],
        unknown: list[str],
    ) -> Rates:
        """The rates of a service tier: its own list, a multiple, or the dearest known one."""
        plain = base(self.rows)
        if not word or word in self.standard.get("service_tier", frozenset()):
            return plain
        variant = self.variants.get(("service_tier", word))
        if variant is not None and variant.rows and variant.rows[0].from_us <= at_us:
            return base(variant.rows)
        known = variant.multiplier(at_us) if variant else None
        if known is not None:
            return _scaled(plain, known, (), ONE)
        unknown.append(f"service_tier={word}")
        found = [plain]
        for (dimension, _), other in self.variants.items():
            if dimension == "service_tier":
                found += [base(other.rows)] if other.rows else []
                found += [_scaled(plain, ratio, (), ONE) for _, ratio in other.times]
        return dearest(found)


def _in_force(rows: tuple[RateRow, ...], at_us: int, prompt_tokens: int, *, up_to: bool) -> Rates:
    """The row in force: the latest day that has come, the longest prompt reached."""
    if len(rows) == 1:
        return rows[0].rates
    day = max((row.from_us for row in rows if row.from_us <= at_us), default=rows[0].from_us)
    reached = [row.rates for row in rows if row.from_us == day and row.from_tokens <= prompt_tokens]
    return dearest(reached) if up_to else reached[-1]


def _product(one: Ratio, other: Ratio) -> Ratio:
    return (one[0] * other[0], one[1] * other[1])


def _dearest_ratio(ratios: Sequence[Ratio]) -> Ratio:
    """The largest ratio, never below one."""
    best = ONE
    for ratio in ratios:
        if ratio[0] * best[1] > best[0] * ratio[1]:
            best = ratio
    return best


def _scaled(rates: Rates, times: Ratio, unknown: tuple[str, ...], fee_times: Ratio) -> Rates:
    return replace(
        rates,
        times=_product(rates.times, times),
        fee_times=_product(rates.fee_times, fee_times),
        unknown=(*rates.unknown, *unknown),
    )
