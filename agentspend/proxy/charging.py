"""From what the meter proved to how a hold ends: exact, estimated upward, or released.

When the final usage never came, the charge is the exact input plus an upper bound of the output:
the larger of what was seen and the time it ran × the model's top speed, at most its limit
(DESIGN.md §3). A hold whose request may have been billed is never released.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agentspend.bookkeeper.outcomes import Settlement
from agentspend.core.facts import RequestFacts
from agentspend.core.limits import CANCEL_GRACE_S, TOP_OUTPUT_TOKENS_PER_S
from agentspend.core.pricebook import PriceBook
from agentspend.core.pricing import Bound, Charge
from agentspend.core.usage import Billing, Metered, Usage


@dataclass(frozen=True, slots=True)
class Ended:
    """One request's end as the proxy saw it. `elapsed_s` runs from forwarding to the end."""

    rid: str
    provider: str
    facts: RequestFacts
    bound: Bound
    metered: Metered
    started_us: int
    elapsed_s: float
    output_limit: int
    output_seen_tokens: int
    status: int
    request_id: str


def settlement(ended: Ended, book: PriceBook) -> Settlement | None:
    """The charge this request ends in, or None when the provider bills nothing."""
    if ended.metered.billing is Billing.FREE:
        return None
    if ended.metered.billing is Billing.EXACT:
        charge = book.charge(ended.provider, ended.metered, ended.started_us, ended.facts.model)
        return _written(ended, charge, "provider_usage")
    output_tokens = output_upper_bound(ended)
    if not ended.metered.parts:
        return Settlement(
            rid=ended.rid,
            amount_nusd=ended.bound.nusd(output_tokens),
            billing=Billing.CEILING,
            evidence="estimate",
            entry={**_answer_fields(ended), "usage": {}},
        )
    first = ended.metered.parts[0]
    known = max(output_tokens, first.usage.output_tokens)
    parts = (
        replace(first, usage=replace(first.usage, output_tokens=known)),
        *ended.metered.parts[1:],
    )
    estimated = replace(ended.metered, parts=parts)
    charge = book.charge(ended.provider, estimated, ended.started_us, ended.facts.model)
    return _written(ended, replace(charge, billing=Billing.CEILING), "estimate")


def output_upper_bound(ended: Ended) -> int:
    """The most output the provider can have generated for an answer that broke off."""
    by_time = int((ended.elapsed_s + CANCEL_GRACE_S) * TOP_OUTPUT_TOKENS_PER_S) + 1
    return min(ended.output_limit, max(ended.output_seen_tokens, by_time))


def shrunk_nusd(ended_input: Metered, ended: Ended, book: PriceBook) -> tuple[int, int]:
    """A running stream's exact input cost, and the bound of the output still to come (nano-USD)."""
    first = ended_input.parts[0]
    input_only = replace(first, usage=replace(first.usage, output_tokens=0, reasoning_tokens=0))
    proved = replace(ended_input, parts=(input_only,), billing=Billing.EXACT)
    charge = book.charge(ended.provider, proved, ended.started_us, ended.facts.model)
    with_output = replace(
        input_only, usage=replace(input_only.usage, output_tokens=ended.output_limit)
    )
    whole = book.charge(
        ended.provider,
        replace(proved, parts=(with_output,)),
        ended.started_us,
        ended.facts.model,
    )
    return charge.nusd, max(0, whole.nusd - charge.nusd)


def _written(ended: Ended, charge: Charge, evidence: str) -> Settlement:
    return Settlement(
        rid=ended.rid,
        amount_nusd=charge.nusd,
        billing=charge.billing,
        evidence=evidence,
        entry={
            **_answer_fields(ended),
            "usage": _total(ended.metered if evidence == "provider_usage" else None, charge),
            "rates": {line.what: line.rate_pusd for line in charge.lines},
            "price": charge.version,
        },
    )


def _total(metered: Metered | None, charge: Charge) -> dict[str, int]:
    """The counts charged for, added up over the parts of an answer."""
    totals: dict[str, int] = {}
    parts = metered.parts if metered is not None else charge.parts
    for part in parts:
        for name, count in part.usage.counts().items():
            totals[name] = totals.get(name, 0) + count
    return totals


def _answer_fields(ended: Ended) -> dict[str, object]:
    """The response's own words that an entry keeps."""
    metered = ended.metered
    fields: dict[str, object] = {"model": ended.facts.model, "status": ended.status}
    if metered.parts and metered.parts[0].model not in ("", ended.facts.model):
        fields["model"] = metered.parts[0].model
        fields["requested_model"] = ended.facts.model
    if ended.request_id:
        fields["request_id"] = ended.request_id
    if metered.response_id:
        fields["response_id"] = metered.response_id
    if metered.stop_reason:
        fields["stop_reason"] = metered.stop_reason
    return fields


def usage_of(counts: Mapping[str, int]) -> Usage:
    """Read an entry's usage back."""
    return Usage.from_counts(counts)
