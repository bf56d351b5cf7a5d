"""The price book: usage in, charge out; request in, bound out.

Owns which rates a response is charged at and which a request could trigger. Pure: the table
arrives decoded, the time as an argument.
"""

from agentspend.core.errors import AgentspendError
from agentspend.core.facts import RequestFacts
from agentspend.core.money import nusd_from_pusd
from agentspend.core.price_lookup import PriceLookup
from agentspend.core.price_overrides import Overrides
from agentspend.core.price_table import Table
from agentspend.core.pricing import Bound, Charge, charge_parts
from agentspend.core.rates import ModelPrice, Rates, dearest
from agentspend.core.usage import Billing, Metered, UsagePart

RATE_CHANGE_AHEAD_US = 3_600_000_000
"""A request may end after a price change that is this near, so its bound looks at both sides."""


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
        return Charge(
            pusd, nusd_from_pusd(pusd), billing, lines, self.version, names, metered.parts
        )

    def bound(
        self, provider: str, facts: RequestFacts, at_us: int, input_tokens: int | None = None
    ) -> Bound:
        """The most a request can cost, at the dearest rates it can trigger (pricing study §4.4).

        `input_tokens` replaces the facts' bound (a count, a known turn), unless the body does not
        hold all of the input: then only the context window bounds it. Fallback models count as the
        dearest of them all, because one of them answers. Raises AgentspendError for a model
        without a price: `find` first.
        """
        asked = facts.input_bound_tokens if input_tokens is None else input_tokens
        unpriceable = list(facts.unpriceable)
        rows = []
        for name in (facts.model, *facts.other_models):
            price = self.find(provider, name)
            if price is None:
                if name == facts.model:
                    raise unknown_model(provider, name, self.nearest(provider, name))
                unpriceable.append(f"model={name}")
                price = self._lookup.ceiling(provider, name)
            if facts.remote_input and not price.context_window:
                unpriceable.append(f"context_window={name}")
            sent = _sent(price, facts, asked)
            rates = self._dearest_rates(price, facts, at_us, sent)
            unpriceable += rates.unknown
            fresh, read, write_5m, write_1h, output, search = rates.effective()
            written = {"": fresh, "5m": write_5m}.get(facts.cache_ttl, max(write_5m, write_1h))
            dear = max(fresh, read, written)
            rows.append((sent, sent * dear, output, search, dear, read, price.context_window))
        columns = zip(*rows, strict=True)
        tokens, input_pusd, output, search, dear, read, window = (max(each) for each in columns)
        return Bound(
            input_tokens=tokens,
            input_pusd=input_pusd,
            output_pusd_per_token=output,
            fixed_pusd=facts.web_search_requests * search,
            context_window=window,
            input_pusd_per_token=dear,
            read_pusd_per_token=read,
            unpriceable=tuple(dict.fromkeys(unpriceable)),
        )

    def _dearest_rates(
        self, price: ModelPrice, facts: RequestFacts, at_us: int, prompt_tokens: int
    ) -> Rates:
        """The dearest of every tier a prompt up to this size can reach, now and soon."""
        now, soon = (
            price.rates(
                moment,
                prompt_tokens,
                speed=facts.speed,
                service_tier=facts.service_tier,
                inference_geo=facts.inference_geo,
                up_to=True,
            )
            for moment in (at_us, at_us + RATE_CHANGE_AHEAD_US)
        )
        return now if now == soon else dearest((now, soon))

    def _part_rates(
        self, provider: str, part: UsagePart, at_us: int, request_model: str
    ) -> tuple[str, Rates, bool]:
        """The price's name and rates for one part of a response; False when a stand-in."""
        model = part.model or request_model
        price = self._lookup.known(provider, model)
        if price is not None:
            return price.model, _rates_of(price, part, at_us), True
        asked = self._lookup.known(provider, request_model)
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
    if not rates.stand_ins:
        return False
    usage = part.usage
    counts = {
        "cache_read": usage.cache_read_tokens,
        "cache_write_5m": usage.cache_write_5m_tokens,
        "cache_write_1h": usage.cache_write_1h_tokens,
        "web_search": usage.web_search_requests,
    }
    return any(counts[name] for name in rates.stand_ins)
