"""From what a request says to what the bookkeeper is asked: bounds and output limits."""

import msgspec
from msgspec.structs import replace

from agentspend.bookkeeper.outcomes import HoldRequest, Moment
from agentspend.config.shape import AdmissionSection
from agentspend.core.admission import Ask, output_limits
from agentspend.core.conversation import Known
from agentspend.core.downgrades import Swap
from agentspend.core.facts import RequestFacts
from agentspend.core.limits import COUNT_MARGIN_PERCENT, COUNT_MARGIN_TOKENS
from agentspend.core.pricebook import PriceBook
from agentspend.core.pricing import Bound
from agentspend.core.scopes import Payer
from agentspend.proxy.patience import asks_for_s
from agentspend.proxy.unasked import Account

BY_TURN = "the previous turn"
COUNTED = "counted by the provider"
"""What a bound rests on where the provider counted the prompt for us."""

READS_AT_MARKS = "anthropic"
"""Whose cache is only read where a request has a mark; others read theirs unasked."""


class Request(msgspec.Struct, frozen=True):
    """One request on its way to the bookkeeper. `known` is the turn it extends, if any.

    `strict` is the bound of what it can cost; `warm` trusts a cache that the known turn proved.
    `swap` says which model its agent had named, where a rule put another in its place.
    `asks_until_us` (monotonic) is how long it may wait for a person, where one is asked.
    `book` are the prices that its bounds rest on: it is charged by the same, whatever is put in
    force before its answer ends. `account` is whose money it spends at the provider. `own_tags` are
    those that it came with, beside which its payer's tags name the models that may answer.
    """

    rid: str
    payer: Payer
    counted: str
    provider: str
    facts: RequestFacts
    known: Known | None
    countable: bool
    started_us: int
    arrived_us: int
    strict: Bound
    warm: Bound
    basis: str
    asks_until_us: int
    book: PriceBook
    account: Account
    swap: Swap | None = None
    own_tags: tuple[str, ...] = ()


def asked_of(
    facts: RequestFacts,
    book: PriceBook,
    *,
    rid: str,
    payer: Payer,
    counted: str,
    known: Known | None,
    countable: bool,
    arrived: Moment,
    account: Account,
    swap: Swap | None = None,
    own_tags: tuple[str, ...] = (),
) -> Request:
    """A request with its bounds, by its bytes or by the turn it extends."""
    strict, warm = _bounds(facts, known, None, payer.provider, arrived.wall_us, book, account)
    return Request(
        rid=rid,
        payer=payer,
        counted=counted,
        provider=payer.provider,
        facts=facts,
        known=known,
        countable=countable and not facts.remote_input,
        started_us=arrived.wall_us,
        arrived_us=arrived.mono_us,
        strict=strict,
        warm=warm,
        basis=_basis(facts, known, strict),
        swap=swap,
        asks_until_us=arrived.mono_us + asks_for_s(payer.agent) * 1_000_000,
        book=book,
        account=account,
        own_tags=own_tags,
    )


def _basis(facts: RequestFacts, known: Known | None, strict: Bound) -> str:
    """What the bound of the input rests on, in the words of `why`."""
    sealed = facts.sealed_tokens and not known
    if (facts.remote_input or sealed) and strict.context_window:
        runs = f", in each of {facts.iterations} runs" if facts.iterations > 1 else ""
        return f"the model's whole window{runs}"
    return BY_TURN if known else "bytes"


def after_count(request: Request, tokens: int | None) -> Request:
    """The same request after the provider counted it (None: it would not)."""
    if tokens is None:
        return replace(request, countable=False)
    facts, known = request.facts, request.known
    at_us = request.started_us
    strict, warm = _bounds(
        facts, known, tokens, request.provider, at_us, request.book, request.account
    )
    return replace(request, countable=False, strict=strict, warm=warm, basis=COUNTED)


def input_tokens_bound(facts: RequestFacts, known: Known | None, counted_tokens: int | None) -> int:
    """The tightest upper bound of the prompt that is known: by bytes, by a turn, by a count."""
    tokens = facts.input_bound_tokens
    if known is not None and not facts.remote_input:
        tokens = min(tokens, known.input_tokens_bound() + facts.linked_tokens)
    if counted_tokens is not None:
        margin = max(counted_tokens * COUNT_MARGIN_PERCENT // 100 + 1, COUNT_MARGIN_TOKENS)
        tokens = min(tokens, counted_tokens + margin)
    return tokens


def _bounds(
    facts: RequestFacts,
    known: Known | None,
    counted_tokens: int | None,
    provider: str,
    at_us: int,
    book: PriceBook,
    account: Account,
) -> tuple[Bound, Bound]:
    """The strict bound of the tightest prompt bound that is known, and the warm one."""
    tokens = input_tokens_bound(facts, known, counted_tokens)
    strict = book.bound(provider, facts, at_us, tokens, account.unasked)
    reads = facts.cache_ttl or provider != READS_AT_MARKS
    warm_tokens = known.warm_tokens(at_us) if known and reads else 0
    return strict, strict.with_cached(min(warm_tokens, tokens)) if warm_tokens else strict


def hold_request(request: Request, admission: AdmissionSection) -> HoldRequest:
    """What the bookkeeper is asked, with everything a crash would need to settle it."""
    facts, strict, warm = request.facts, request.strict, request.warm
    comfort, floor = output_limits(
        facts.max_output_tokens,
        taken=facts.thinking_tokens + facts.uncapped_output_tokens,
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
            "price": request.book.version,
            "arrived_us": request.started_us,
            "basis": request.basis,
            "input_tokens_bound": strict.input_tokens,
            "warm_saves_nusd": strict.nusd(0) - warm.nusd(0),
            **_swapped(request.swap),
        },
        asks_until_us=request.asks_until_us if admission.on_exceed == "ask" else 0,
    )


def _swapped(swap: Swap | None) -> dict[str, object]:
    """What `why` and the ledger tell of a downgrade."""
    if swap is None:
        return {}
    by = f"{swap.percent}% of budget {swap.budget} was spent"
    return {"downgraded_from": swap.asked, "downgraded_by": by}
