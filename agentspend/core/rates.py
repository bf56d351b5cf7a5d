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

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_THURSDAY = 3
"""The weekday of 1970-01-01, Monday being 0."""

ANY_TIER = "auto"
"""A tier the provider chooses (OpenAI: priority where the project is set to it)."""

# What a search costs where the price is not known: the dearest published price of a first-party
# search ($35 per thousand, Google grounding: pricing study §3.4).
CEILING_WEB_SEARCH_PUSD = 35_000_000_000
# OpenAI's preview search with a non-reasoning model, and its file search (pricing study §2, §3.3).
CEILING_PREVIEW_SEARCH_PUSD = 25_000_000_000
CEILING_FILE_SEARCH_PUSD = 2_500_000_000


TOKEN_RATES = (
    "input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_12h", "input_audio",
    "cache_read_audio", "output",
)  # fmt: skip
FEES = ("web_search", "web_search_preview", "file_search")


@dataclass(frozen=True, slots=True)
class Rates:
    """pUSD per token (per request for the fees), before the multipliers.

    `times` multiplies the token rates, `fee_times` the fees. `stand_ins` names rates the price
    list does not have (a dearer one stands in); `unknown` the words ("speed=turbo") that it does
    not know, for which the dearest known variant stands in.
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
    cache_write_12h: int = 0
    input_audio: int = 0
    cache_read_audio: int = 0
    web_search_preview: int = 0
    file_search: int = 0

    def each(self) -> dict[str, int]:
        """Every rate by name with its multipliers applied, rounded up to a whole pUSD."""
        num, den = self.times
        found = {name: -(-getattr(self, name) * num // den) for name in TOKEN_RATES}
        num, den = self.fee_times
        found.update((name, -(-getattr(self, name) * num // den)) for name in FEES)
        return found

    def effective(self) -> tuple[int, int, int, int, int, int]:
        """The six main rates with their multipliers applied, each rounded up to a whole pUSD."""
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
    if len(candidates) == 1:
        return candidates[0]
    each = [rates.each() for rates in candidates]
    top = {name: max(found[name] for found in each) for name in (*TOKEN_RATES, *FEES)}
    return Rates(
        input=top["input"],
        cache_read=top["cache_read"],
        cache_write_5m=top["cache_write_5m"],
        cache_write_1h=top["cache_write_1h"],
        output=top["output"],
        web_search=top["web_search"],
        cache_write_12h=top["cache_write_12h"],
        input_audio=top["input_audio"],
        cache_read_audio=top["cache_read_audio"],
        web_search_preview=top["web_search_preview"],
        file_search=top["file_search"],
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


@dataclass(frozen=True, slots=True)
class Peak:
    """Hours of some weekdays (UTC, Monday is 0) at which another price list holds."""

    from_us: int
    weekdays: frozenset[int]
    hours: tuple[tuple[int, int], ...]
    rows: tuple[RateRow, ...]

    def covers(self, at_us: int) -> bool:
        """Whether this moment is at peak; the hour a window ends is not."""
        if at_us < self.from_us:
            return False
        day, within_us = divmod(at_us, DAY_US)
        weekday = (day + _THURSDAY) % 7
        hour = within_us // HOUR_US
        return weekday in self.weekdays and any(start <= hour < end for start, end in self.hours)


Words: TypeAlias = Mapping[str, frozenset[str]]
"""Per dimension, a provider's words for its standard rate."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """One model's prices. `context_window` and `max_output` are tokens, 0 where not known.

    `variants` are keyed by (dimension, word); `standard` holds the words that change nothing;
    `dearest_times` the provider's dearest multiplier per dimension, for words this model lacks.
    `times` is the user's own multiplier. `ceiling`: the price of models nobody has a price for.
    `peak`: the rows that replace `rows` at some hours.
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
    peak: Peak | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing this model does costs anything: the user's word, never a guess."""
        first = self.rows[0].rates
        if first.input or first.output:
            return False
        priced = [self.rows, *(variant.rows for variant in self.variants.values())]
        lists = [*priced, self.peak.rows if self.peak else ()]
        return not any(any(row.rates.each().values()) for rows in lists for row in rows)

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

        standard = self.peak.rows if self.peak and self.peak.covers(at_us) else self.rows
        if not (speed or service_tier or inference_geo):
            rates = base(standard)
            return rates if self.times == ONE else _scaled(rates, self.times, (), self.times)
        unknown: list[str] = []
        times = self.times
        for dimension, word in (("speed", speed), ("inference_geo", inference_geo)):
            times = _product(times, self._times(dimension, word, at_us, unknown))
        rates = self._tier(service_tier, at_us, standard, base, unknown)
        if up_to and service_tier == ANY_TIER:
            unknown = [word for word in unknown if word != f"service_tier={ANY_TIER}"]
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
        standard: tuple[RateRow, ...],
        base: Callable[[tuple[RateRow, ...]], Rates],
        unknown: list[str],
    ) -> Rates:
        """The rates of a service tier: its own list, a multiple, or the dearest known one.

        A bound may rest on a tier the provider chooses: the dearest of them all.
        """
        plain = base(standard)
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
