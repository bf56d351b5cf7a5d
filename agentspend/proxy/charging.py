"""From what the meter proved to how a hold ends: exact, estimated upward, or released.

When the final usage never came, the charge is the exact input plus an upper bound of the output:
the larger of what was seen and the time it ran × the model's top speed, at most its limit
(DESIGN.md §3). A hold whose request may have been billed is never released.
"""

import re

import msgspec
from msgspec.structs import replace

from agentspend.bookkeeper.outcomes import Held, Settlement
from agentspend.core.limits import CANCEL_GRACE_S, MAX_WORD_CHARS, TOP_OUTPUT_TOKENS_PER_S
from agentspend.core.model_patterns import priced_id
from agentspend.core.money import nusd_from_pusd
from agentspend.core.pricebook import RATE_CHANGE_AHEAD_US
from agentspend.core.pricing import Charge
from agentspend.core.printable import clean
from agentspend.core.regions import in_region
from agentspend.core.scopes import model_tag
from agentspend.core.usage import Billing, Metered, UsagePart
from agentspend.dialects.base import Meter
from agentspend.http.response import Response
from agentspend.proxy.headers import request_id
from agentspend.proxy.ladder import Request
from agentspend.wire.canonical import MAX_INT

_PLAIN_NAME = re.compile(r"[a-z0-9_]+")
STOPS_ON_HANG_UP = frozenset(
    {"anthropic", "openai", "azure", "xai", "x-ai", "deepseek", "fireworks", "together", "cohere"}
)
"""Providers that stop, and bill no further, when the connection ends (pricing study §3.6)."""

LEAST_PART_OF_BOUND = 128
"""No prompt is so few tokens for its bytes as this part of their bound. A gateway's first usage may
be a stand-in (1, say) for a count that only comes with the last."""


class Ended(msgspec.Struct, frozen=True):
    """One request's end as the proxy saw it. `elapsed_s` runs from forwarding to the end.

    `complete`: the answer came whole, whether or not it told its usage. `output_seen_tokens` is not
    counted where the usage is exact.
    """

    asked: Request
    held: Held
    metered: Metered
    complete: bool
    elapsed_s: float
    output_seen_tokens: int
    status: int
    request_id: str


def ended_by(
    asked: Request,
    held: Held,
    meter: Meter,
    upstream: Response | None,
    elapsed_s: float,
    *,
    complete: bool,
) -> Ended:
    """What is known of a request in the end; `upstream` is None where no answer began.

    The meter is fed no more.
    """
    metered = meter.close(complete=complete)
    exact = metered.billing is Billing.EXACT
    return Ended(
        asked=asked,
        held=held,
        metered=metered,
        complete=complete,
        elapsed_s=elapsed_s,
        output_seen_tokens=0 if exact else meter.output_seen_tokens,
        status=upstream.status if upstream is not None else 0,
        request_id=request_id(upstream.headers) if upstream is not None else "",
    )


def settlement(ended: Ended) -> Settlement | None:
    """The charge this request ends in, or None when the provider bills nothing."""
    metered = ended.metered
    if metered.billing is Billing.FREE:
        return None
    if metered.billing is Billing.EXACT:
        written = _written(ended, _charge(ended, metered), "provider_usage")
        return replace(written, unbilled_models=_unbilled_models(ended))
    output_tokens = output_upper_bound(ended)
    most_nusd = ended.asked.strict.nusd(output_tokens)
    again_nusd = _run_again_nusd(ended) if knows_input(ended) else None
    if again_nusd is None:
        return Settlement(
            rid=ended.asked.rid,
            amount_nusd=most_nusd,
            billing=Billing.CEILING,
            evidence="estimate",
            entry=_answer_fields(ended),
        )
    first = metered.parts[0]
    known = max(_of_all(output_tokens, ended.asked), first.usage.output_tokens)
    estimated = replace(metered, parts=(_with_output(first, known), *metered.parts[1:]))
    charge = replace(_charge(ended, estimated), billing=Billing.CEILING)
    if again_nusd:
        charge = replace(charge, nusd=max(charge.nusd, min(charge.nusd + again_nusd, most_nusd)))
    return _written(ended, charge, "estimate")


def in_full(ended: Ended) -> Settlement:
    """The charge of an answer that cannot be charged any other way: the whole hold."""
    return Settlement(
        rid=ended.asked.rid,
        amount_nusd=ended.held.amount_nusd,
        billing=Billing.CEILING,
        evidence="estimate",
        entry={"model": ended.asked.facts.model, "status": ended.status},
    )


def used_tokens(ended: Ended) -> int:
    """The tokens a request used, for rate limits; its bound where the answer proves none."""
    if ended.metered.billing is Billing.FREE:
        return 0
    if not knows_input(ended):
        return ended.asked.strict.input_tokens + output_upper_bound(ended)
    return sum(part.usage.prompt_tokens + part.usage.output_tokens for part in ended.metered.parts)


def output_upper_bound(ended: Ended) -> int:
    """The most output that one candidate of an answer that broke off can have had.

    A provider that goes on after the connection ended bills the answer to its limit. What a
    prediction is billed beside the limit is never seen, and takes no time.
    """
    if ended.asked.provider not in STOPS_ON_HANG_UP:
        return ended.held.output_tokens
    by_time = int((ended.elapsed_s + CANCEL_GRACE_S) * TOP_OUTPUT_TOKENS_PER_S) + 1
    unseen = ended.asked.facts.uncapped_output_tokens
    return min(ended.held.output_tokens, max(ended.output_seen_tokens, by_time) + unseen)


def tells_input(so_far: Metered, asked: Request) -> bool:
    """Whether a usage can be the whole prompt's: that of an answer not at its end may not be."""
    if not so_far.parts:
        return False
    tokens = so_far.parts[0].usage.prompt_tokens
    facts = asked.facts
    return tokens * LEAST_PART_OF_BOUND >= facts.input_bound_tokens - facts.sealed_tokens


def tells_cost(so_far: Metered, asked: Request) -> bool:
    """Whether a usage before the last prices the whole prompt: sound has a rate of its own, and a
    stream may tell it apart only in its end."""
    if not tells_input(so_far, asked):
        return False
    usage = so_far.parts[0].usage
    told = usage.input_audio_tokens or usage.cache_read_audio_tokens
    return bool(told) or not asked.facts.audio


def knows_input(ended: Ended) -> bool:
    """Whether the prompt's tokens are known in the end."""
    return ended.metered.billing is Billing.EXACT or tells_cost(ended.metered, ended.asked)


def shrunk_nusd(so_far: Metered, asked: Request, held: Held) -> int:
    """A running stream's exact input cost and the bound of all its output, in nano-USD."""
    whole = _with_output(so_far.parts[0], _of_all(held.output_tokens, asked))
    proved = replace(so_far, parts=(whole,), billing=Billing.EXACT)
    return _priced(asked, held, proved).nusd


def _run_again_nusd(ended: Ended) -> int | None:
    """What a broken answer may cost beside its first run, None where nobody can tell.

    Each time a tool of the provider's was called, and once more for one that had just begun, the
    model read the prompt again with all that was written and brought since. So does a model that
    stands in for the first, and one that shortens the prompt.
    """
    asked, ran = ended.asked, ended.metered.ran
    facts = asked.facts
    if not facts.other_models and facts.iterations == 1:
        return 0
    if ran is None or ran.hidden:
        return None
    runs = min(facts.iterations - 1, ran.calls + 2 + len(facts.other_models))
    each = ended.metered.parts[0].usage.prompt_tokens + ran.tokens
    if window := asked.strict.context_window:
        each = min(each, window)
    searches = min(ran.calls + 1, facts.web_search_requests)
    fees = -(-asked.strict.fixed_pusd * searches // max(1, facts.web_search_requests))
    return nusd_from_pusd(runs * each * asked.strict.input_pusd_per_token + fees)


def _of_all(output_tokens: int, asked: Request) -> int:
    """The output of every candidate (`n`, `candidateCount`): a request's limit is each one's."""
    return output_tokens * asked.facts.candidates


def _charge(ended: Ended, metered: Metered) -> Charge:
    return _priced(ended.asked, ended.held, metered)


def _priced(asked: Request, held: Held, metered: Metered) -> Charge:
    """Anthropic's answers name their region; for the others the host that was asked counts.

    The ledger's time may be days ahead, where a clock was wrong once: not so are the prices that
    the bound rests on.
    """
    region = "" if asked.provider == "anthropic" else asked.facts.inference_geo
    said = in_region(metered, region)
    at_us = min(held.held_us, asked.started_us + RATE_CHANGE_AHEAD_US)
    return asked.book.charge(asked.provider, said, at_us, asked.facts.model)


def _with_output(part: UsagePart, output_tokens: int) -> UsagePart:
    usage = replace(part.usage, output_tokens=output_tokens, reasoning_tokens=0)
    return replace(part, usage=usage)


def _written(ended: Ended, charge: Charge, evidence: str) -> Settlement:
    return Settlement(
        rid=ended.asked.rid,
        amount_nusd=charge.nusd,
        billing=charge.billing,
        evidence=evidence,
        entry={
            **_answer_fields(ended),
            "usage": _total(charge),
            "rates": _rates(charge),
            "price": charge.version,
        },
    )


def _unbilled_models(ended: Ended) -> tuple[str, ...]:
    """The other models that a whole answer was not billed at; none where one goes by a name that
    the request does not have, which could be any of theirs. A tag of the request's own stays."""
    book, provider, facts = ended.asked.book, ended.asked.provider, ended.asked.facts
    others = {name: priced_id(provider, name, book) for name in facts.other_models}
    billed = {priced_id(provider, part.model, book) for part in ended.metered.parts}
    if not others or billed - {priced_id(provider, facts.model, book), *others.values()}:
        return ()
    unbilled = (name for name, model in others.items() if model not in billed)
    return tuple(name for name in unbilled if model_tag(name) not in ended.asked.own_tags)


def _rates(charge: Charge) -> dict[str, int] | list[dict[str, object]]:
    """The rates by name; line by line where a name says more (another model, a stated amount)."""
    if all(_PLAIN_NAME.fullmatch(line.what) for line in charge.lines):
        return {line.what: line.rate_pusd for line in charge.lines}
    return [
        {"what": _word(line.what), "count": line.count, "rate_pusd": min(line.rate_pusd, MAX_INT)}
        for line in charge.lines
    ]


def _total(charge: Charge) -> dict[str, int]:
    """The counts charged for, added up over the parts of an answer."""
    totals: dict[str, int] = {}
    for part in charge.parts:
        for name, count in part.usage.counts().items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _answer_fields(ended: Ended) -> dict[str, object]:
    """The response's own words that an entry keeps."""
    metered, asked_model = ended.metered, ended.asked.facts.model
    fields: dict[str, object] = {"model": asked_model, "status": ended.status}
    if metered.parts and metered.parts[0].model not in ("", asked_model):
        fields["model"] = _word(metered.parts[0].model)
        fields["requested_model"] = asked_model
    if ended.request_id:
        fields["request_id"] = _word(ended.request_id)
    if metered.response_id:
        fields["response_id"] = _word(metered.response_id)
    if metered.stop_reason:
        fields["stop_reason"] = _word(metered.stop_reason)
    return fields


def _word(text: str) -> str:
    """A word of the provider's as the ledger can keep it: printable, and no longer than a word."""
    return clean(text[:MAX_WORD_CHARS])
