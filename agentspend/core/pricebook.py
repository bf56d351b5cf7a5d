"""The price book: usage in, charge out; request in, bound out.

Owns which rates a response is charged at and which a request could trigger. Pure: the table
arrives decoded, the time as an argument.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from agentspend.core.errors import AgentspendError
from agentspend.core.facts import RequestFacts
from agentspend.core.limits import DEFAULT_COMFORT_TOKENS
from agentspend.core.money import nusd_from_pusd
from agentspend.core.price_lookup import PriceLookup
from agentspend.core.price_overrides import Overrides
from agentspend.core.price_table import DIMENSIONS, Table
from agentspend.core.pricing import STATED, Bound, Charge, ChargeLine, charge_parts
from agentspend.core.rates import ModelPrice, Rates, dearest
from agentspend.core.usage import Billing, Metered, UsagePart

RATE_CHANGE_AHEAD_US = 3_600_000_000
"""A request may end after a price change that is this near, so its bound looks at both sides."""

NOTHING_SAID: Mapping[str, str] = MappingProxyType({})


class PriceBook:
    """Prices in force. Built for one table and configuration; it never changes.

    `version` identifies table and overrides together: every ledger row keeps it.
    """

    def __init__(self, table: Table, overrides: Overrides | None = None) -> None:
        """Take a decoded table (`agentspend.prices.load_book` reads one) and the user's word on it.

        Raises AgentspendError when an alias leads nowhere or a rule has no price to multiply.
        """
        self._overrides = overrides or Overrides()
        self._lookup = PriceLookup(table, self._overrides)
        self.version = self._lookup.version

    @property
    def has_ceiling(self) -> bool:
        """True when a model without a price is charged at a ceiling instead of refused."""
        return self._overrides.unknown.allowed

    def providers(self) -> list[str]:
        """The providers that have a price list, sorted."""
        return self._lookup.providers()

    def models(self, provider: str) -> list[str]:
        """The canonical ids that have a price, sorted."""
        return self._lookup.models(provider)

    def knows(self, provider: str, model: str) -> bool:
        """Whether somebody has a price for a model, by exact id, alias or safe respelling."""
        return self._lookup.known(provider, model) is not None

    def find(self, provider: str, model: str) -> ModelPrice | None:
        """The price of a model by exact id, alias or safe respelling.

        None when nobody has a price for it; with `unknown_model.mode = "ceiling"` the ceiling.
        """
        found = self._lookup.known(provider, model)
        if found is None and self.has_ceiling:
            return self._lookup.ceiling(provider, model)
        return found

    def nearest(self, provider: str, model: str, n: int = 3) -> list[str]:
        """Known ids that look most like this one, best first: for the refusal of an unknown one."""
        return self._lookup.nearest(provider, model, n)

    def charge(
        self, provider: str, metered: Metered, at_us: int, request_model: str = ""
    ) -> Charge:
        """What a response costs, by what it says itself; `at_us` is when the request was sent.

        A response model without a price costs the dearer of the request's model and the ceiling.
        An exact usage that leans on a stand-in (unknown model, word, rate or usage field) is
        CEILING; one whose rates are all zero is FREE.
        """
        if metered.billing in (Billing.FREE, Billing.BLOCKED):
            return Charge(0, 0, metered.billing, (), self.version, parts=metered.parts)
        if metered.stated_pusd is not None:
            return self._stated(metered, metered.stated_pusd, request_model)
        priced: list[tuple[UsagePart, str, Rates]] = []
        sure = not metered.unpriceable
        for part in metered.parts:
            name, rates, known = self._part_rates(provider, part, at_us, request_model)
            priced.append((part, name, rates))
            sure = sure and known and not rates.unknown and not _leans(part, rates)
        pusd, lines = charge_parts(priced)
        billing: Billing = metered.billing
        if billing is Billing.EXACT and not sure:
            billing = Billing.CEILING
        elif billing is Billing.EXACT and lines and pusd == 0:
            billing = Billing.FREE
        names = tuple(name for _, name, _ in priced)
        unknown = tuple(dict.fromkeys(word for _, _, rates in priced for word in rates.unknown))
        return Charge(
            pusd, nusd_from_pusd(pusd), billing, lines, self.version, names, metered.parts, unknown
        )

    def with_limits(self, provider: str, facts: RequestFacts) -> RequestFacts:
        """The facts with an output limit: the request's, or the most its models can write.

        A model whose own limit nobody knows can write no more than its context window. For one
        without either a limit is assumed, which must then be written into the request, unless it
        may write for nothing. Call this once, before bounding or clamping.
        """
        if facts.max_output_tokens:
            return facts
        prices = [self.find(provider, name) for name in (facts.model, *facts.other_models)]
        if all(price is not None and price.is_free for price in prices):
            return replace(facts, max_output_tokens=DEFAULT_COMFORT_TOKENS)
        limits = [price.max_output or price.context_window if price else 0 for price in prices]
        if all(limits):
            most = max(limits) + facts.uncapped_output_tokens
            return replace(facts, max_output_tokens=most)
        most = DEFAULT_COMFORT_TOKENS + facts.uncapped_output_tokens
        return replace(facts, max_output_tokens=most, assumed_limit=True)

    def _stated(self, metered: Metered, pusd: int, request_model: str) -> Charge:
        """The charge of an answer whose provider says itself what it took."""
        line = ChargeLine(STATED, 1, pusd, pusd)
        model = metered.parts[0].model if metered.parts else ""
        return Charge(
            pusd,
            nusd_from_pusd(pusd),
            metered.billing,
            (line,),
            self.version,
            (model or request_model,),
            metered.parts,
        )

    def bound(
        self,
        provider: str,
        facts: RequestFacts,
        at_us: int,
        input_tokens: int | None = None,
        unasked: Mapping[str, str] = NOTHING_SAID,
    ) -> Bound:
        """The most a request can cost, at the dearest rates it can trigger (pricing study §4.4).

        `input_tokens` replaces the facts' bound (a count, a known turn), unless the body does not
        hold all of the input: then only the context window bounds it. Fallback models count as the
        dearest of them all, because one of them answers. `unasked`: words by which the account's
        answers may be billed although the request names none. Raises AgentspendError for a model
        without a price: `find` first.
        """
        asked = facts.input_bound_tokens if input_tokens is None else input_tokens
        unpriceable: list[str] = []
        rows = []
        for name in (facts.model, *facts.other_models):
            price = self.find(provider, name)
            if price is None:
                if name == facts.model:
                    raise unknown_model(provider, name, self.nearest(provider, name))
                unpriceable.append(f"model={name}")
                price = self._lookup.ceiling(provider, name)
            if not price.is_free:
                unpriceable += facts.unpriceable
            if facts.remote_input and not price.context_window and not price.is_free:
                unpriceable.append(f"context_window={name}")
            sent = _sent(price, facts, asked)
            rates = self._dearest_rates(price, facts, at_us, sent, unasked)
            unpriceable += rates.unknown
            each = rates.each()
            dear = max(each[name] for name in _triggered(facts, rates))
            read = max(each["cache_read"], each["cache_read_audio"] if facts.audio else 0)
            output = each["output"] * facts.candidates
            fees = _fees(facts, each) + facts.advice_tokens * each["output"]
            window, plain = price.context_window, each["input"]
            rows.append((sent, sent * dear, output, fees, dear, read, window, plain))
        most = rows[0] if len(rows) == 1 else [max(each) for each in zip(*rows, strict=True)]
        tokens, input_pusd, output, fees, dear, read, window, plain = most
        return Bound(
            input_tokens=tokens,
            input_pusd=input_pusd,
            output_pusd_per_token=output,
            fixed_pusd=fees,
            context_window=window,
            input_pusd_per_token=dear,
            read_pusd_per_token=read,
            unpriceable=tuple(dict.fromkeys(unpriceable)),
            prompt_pusd_per_token=plain,
        )

    def _dearest_rates(
        self,
        price: ModelPrice,
        facts: RequestFacts,
        at_us: int,
        prompt_tokens: int,
        unasked: Mapping[str, str],
    ) -> Rates:
        """The dearest of every tier a prompt up to this size can reach, now and soon."""
        moments = (at_us, at_us + RATE_CHANGE_AHEAD_US)
        now, *others = [
            price.rates(
                moment,
                prompt_tokens,
                speed=facts.speed,
                service_tier=facts.service_tier,
                inference_geo=facts.inference_geo,
                up_to=True,
            )
            for moment in moments
        ]
        said = {name: getattr(facts, name) for name in DIMENSIONS} if unasked else {}
        more = {
            name: word
            for name, word in unasked.items()
            if not said[name] and (name, word) in price.variants
        }
        if more:
            words = {**said, **more}
            others += [price.rates(each, prompt_tokens, up_to=True, **words) for each in moments]
        same = all(each is now or each == now for each in others)
        return now if same else dearest((now, *others))

    def _part_rates(
        self, provider: str, part: UsagePart, at_us: int, request_model: str
    ) -> tuple[str, Rates, bool]:
        """The price's name and rates for one part of a response; False when a stand-in."""
        model = part.model or request_model
        asked = self._lookup.known(provider, request_model)
        price = self._lookup.known(provider, model)
        if price is None and asked is not None:
            # A gateway may answer with its vendor's own name for the model it was asked for.
            price = self._lookup.known(asked.provider, model)
        if price is not None:
            return price.model, _rates_of(price, part, at_us), True
        candidates = [self._lookup.ceiling(provider, model), *([asked] if asked else [])]
        return model, dearest([_rates_of(each, part, at_us) for each in candidates]), False


def unknown_model(provider: str, model: str, nearest: list[str]) -> AgentspendError:
    """The error for a model without a price, with the way out."""
    like = f"; known names like it: {', '.join(nearest)}" if nearest else ""
    return AgentspendError(
        f"no price for model {model!r} of {provider}{like}",
        f"agentspend prices set {provider}/{model} --input USD --output USD",
    )


def _sent(price: ModelPrice, facts: RequestFacts, asked: int) -> int:
    """The most input tokens this model can be billed for: each run is capped by its window."""
    once = asked
    if price.context_window:
        once = price.context_window if facts.remote_input else min(asked, price.context_window)
    return once * max(1, facts.iterations)


def _rates_of(price: ModelPrice, part: UsagePart, at_us: int) -> Rates:
    return price.rates(
        at_us,
        part.usage.prompt_tokens,
        speed=part.speed,
        service_tier=part.service_tier,
        inference_geo=part.inference_geo,
    )


def _leans(part: UsagePart, rates: Rates) -> bool:
    """True when the part uses a rate that only stands in for a missing one."""
    return any(
        name.removesuffix("_tokens").removesuffix("_requests") in rates.stand_ins
        for name in part.usage.counts()
    )


_WRITES = {
    "": (),
    "5m": ("cache_write_5m",),
    "1h": ("cache_write_5m", "cache_write_1h"),
    "auto": ("cache_write_5m",),
    "auto-12h": ("cache_write_5m", "cache_write_12h"),
}


def _triggered(facts: RequestFacts, rates: Rates) -> list[str]:
    """The rates at which an input token of this request can be billed (pricing study §4.4).

    A provider that writes its cache unasked bills no write where it lists no price for one.
    """
    writes = _WRITES.get(facts.cache_ttl, _WRITES["1h"])
    if facts.cache_ttl.startswith("auto") and "cache_write_5m" in rates.stand_ins:
        writes = ()
    audio = ("input_audio", "cache_read_audio") if facts.audio else ()
    return ["input", "cache_read", *writes, *audio]


def _fees(facts: RequestFacts, each: Mapping[str, int]) -> int:
    """The most the provider's own tools can cost in this request, beside their tokens."""
    return (
        facts.fees_pusd
        + facts.web_search_requests * each["web_search"]
        + facts.web_search_preview_requests * each["web_search_preview"]
        + facts.file_search_requests * each["file_search"]
    )
