"""From what a request says to what the bookkeeper is asked: bounds and output limits."""

from dataclasses import dataclass, replace

from agentspend.bookkeeper.outcomes import HoldRequest
from agentspend.config.shape import AdmissionSection
from agentspend.core.admission import Ask, output_limits
from agentspend.core.conversation import Known
from agentspend.core.facts import RequestFacts
from agentspend.core.limits import COUNT_MARGIN_PERCENT, COUNT_MARGIN_TOKENS
from agentspend.core.pricebook import PriceBook
from agentspend.core.pricing import Bound
from agentspend.core.scopes import Payer


@dataclass(frozen=True, slots=True)
class Request:
    """One request on its way to the bookkeeper. `known` is the turn it extends, if any."""

    rid: str
    payer: Payer
    counted: str
    provider: str
    facts: RequestFacts
    known: Known | None
    countable: bool
    started_us: int
    arrived_us: int
    counted_tokens: int | None = None

    def with_count(self, tokens: int | None) -> "Request":
        """The same request after the provider counted it (None: it would not)."""
        return replace(self, counted_tokens=tokens, countable=False)

    def basis(self) -> str:
        """What the input bound rests on, for `why`."""
        if self.counted_tokens is not None:
            return "counted by the provider"
        return "the previous turn" if self.known else "bytes"


def input_tokens_bound(request: Request) -> int:
    """The tightest upper bound of the prompt that is known."""
    bounds = [request.facts.input_bound_tokens]
    if request.known is not None and not request.facts.remote_input:
        bounds.append(request.known.input_tokens_bound())
    if request.counted_tokens is not None:
        count = request.counted_tokens
        bounds.append(count + max(count * COUNT_MARGIN_PERCENT // 100 + 1, COUNT_MARGIN_TOKENS))
    return min(bounds)


def bounds(request: Request, book: PriceBook) -> tuple[Bound, Bound]:
    """The strict bound, and the one that trusts a cache the previous turn proved."""
    tokens = input_tokens_bound(request)
    strict = book.bound(request.provider, request.facts, request.started_us, tokens)
    warm_tokens = request.known.warm_tokens(request.started_us) if request.known else 0
    return strict, strict.with_cached(min(warm_tokens, tokens)) if warm_tokens else strict


def hold_request(request: Request, book: PriceBook, admission: AdmissionSection) -> HoldRequest:
    """What the bookkeeper is asked, with everything a crash would need to settle it."""
    facts = request.facts
    strict, warm = bounds(request, book)
    comfort, floor = output_limits(
        facts.max_output_tokens,
        thinking=facts.thinking_tokens,
        cut_at=request.known.turn.cut_at if request.known else 0,
        comfort=admission.comfort_tokens,
        floor=admission.floor_tokens,
    )
    ask = Ask(
        strict=strict,
        warm=warm,
        wanted_output=facts.max_output_tokens,
        comfort_output=comfort,
        floor_output=floor,
        count_helps=request.countable and request.known is None,
        countable=request.countable,
    )
    return HoldRequest(
        rid=request.rid,
        payer=request.payer,
        counted=request.counted,
        ask=ask,
        arrived_us=request.arrived_us,
        deadline_us=request.arrived_us + admission.wait_s * 1_000_000,
        facts={
            "provider": request.provider,
            "model": facts.model,
            "price": book.version,
            "arrived_us": request.started_us,
            "basis": request.basis(),
            "input_tokens_bound": strict.input_tokens,
            "warm_saves_nusd": strict.nusd(0) - warm.nusd(0),
        },
    )
