"""What a request costs: the charge of what was used, and the bound of what it can use.

Owns the arithmetic: sums are exact, rounded up once to pUSD and once to nUSD (pricing study §5).
Reads no clock and no file: rates and counts are arguments.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from agentspend.core.money import PUSD_PER_NUSD, nusd_from_pusd
from agentspend.core.rates import FEES, TOKEN_RATES, Rates, Ratio
from agentspend.core.usage import Billing, UsagePart

MAX_OUTPUT_TOKENS = 2**53 - 1
"""More than any model writes: what fits when output is free."""


STATED = "stated by the provider"
"""The one line of a charge that is the provider's own word."""


class ChargeLine(msgspec.Struct, frozen=True):
    """One line of a bill: a count at a rate. `picousd` of all lines add up to the charge.

    `what` is a rate's name; parts billed at another model than the first carry its name in front.
    `rate_pusd` includes the multipliers, rounded up to a whole pUSD for show.
    """

    what: str
    count: int
    rate_pusd: int
    picousd: int


class Charge(msgspec.Struct, frozen=True):
    """What a response costs. `nusd` is the one rounding, upward; `version` the price list's.

    `models` names the price used for each part, `parts` what was counted, `unknown` the words of
    the response ("service_tier=turbo") that no price list knows.
    """

    pusd: int
    nusd: int
    billing: Billing
    lines: tuple[ChargeLine, ...]
    version: str
    models: tuple[str, ...] = ()
    parts: tuple[UsagePart, ...] = ()
    unknown: tuple[str, ...] = ()


_TOKENS = tuple((what, f"{what}_tokens") for what in TOKEN_RATES)
_REQUESTS = tuple((what, f"{what}_requests") for what in FEES)


def charge_parts(
    priced: Sequence[tuple[UsagePart, str, Rates]],
) -> tuple[int, tuple[ChargeLine, ...]]:
    """Add up parts, each (usage, model name, rates), exactly: pUSD rounded up once, and the lines.

    Lines are cut out of the exact running sum, so that they add up to the total.
    """
    items: list[tuple[str, int, int, Ratio]] = []
    for part, model, rates in priced:
        prefix = "" if model == priced[0][1] else f"{model} "
        items += [
            (prefix + what, count, getattr(rates, what), rates.times)
            for what, counted in _TOKENS
            if (count := getattr(part.usage, counted))
        ]
        items += [
            (prefix + what, count, getattr(rates, what), rates.fee_times)
            for what, counted in _REQUESTS
            if (count := getattr(part.usage, counted))
        ]
    common = 1
    for _, _, _, (_, den) in items:
        if common % den:
            common *= den
    lines = []
    exact = 0
    pusd = 0
    for what, count, rate, (num, den) in items:
        exact += count * rate * num * (common // den)
        total = -(-exact // common)
        lines.append(ChargeLine(what, count, -(-rate * num // den), total - pusd))
        pusd = total
    return pusd, tuple(lines)


class Bound(msgspec.Struct, frozen=True):
    """The most a request can cost, linear in its output tokens. Amounts in pUSD.

    `input_tokens` is the bound of everything sent, over all the times the provider may run it, and
    `input_pusd` its cost at `input_pusd_per_token`, the dearest input rate the request can trigger;
    `read_pusd_per_token` is what a token read from the cache costs at most, `prompt_pusd_per_token`
    one that no cache reads or writes. `fixed_pusd` are fees, and output that nobody can clamp.
    `unpriceable` names what in the request has no price: refuse it, or accept the stand-in.
    """

    input_tokens: int
    input_pusd: int
    output_pusd_per_token: int
    fixed_pusd: int
    context_window: int
    input_pusd_per_token: int
    read_pusd_per_token: int
    unpriceable: tuple[str, ...] = ()
    prompt_pusd_per_token: int = 0

    def nusd(self, output_tokens: int) -> int:
        """The cost with this much output, rounded up to nUSD once."""
        return nusd_from_pusd(
            self.input_pusd + self.fixed_pusd + output_tokens * self.output_pusd_per_token
        )

    def output_that_fits(self, free_nusd: int) -> int:
        """The most output tokens that cost no more than this; -1 when not even the input fits.

        `MAX_OUTPUT_TOKENS` where output costs nothing.
        """
        room_pusd = free_nusd * PUSD_PER_NUSD - self.input_pusd - self.fixed_pusd
        if room_pusd < 0:
            return -1
        if self.output_pusd_per_token == 0:
            return MAX_OUTPUT_TOKENS
        return room_pusd // self.output_pusd_per_token

    def with_cached(self, read_tokens: int) -> "Bound":
        """The bound if this many of the input tokens are read from the cache.

        Counted up from the tokens and rates, each the dearest of the models that may answer:
        savings at one model's rate cannot be taken off another model's cost.
        """
        cached = max(0, min(read_tokens, self.input_tokens))
        warm_pusd = (
            cached * self.read_pusd_per_token
            + (self.input_tokens - cached) * self.input_pusd_per_token
        )
        return replace(self, input_pusd=min(self.input_pusd, warm_pusd))
