"""A request's body as it must leave, once it is known what was held for it."""

from agentspend.bookkeeper.outcomes import Held
from agentspend.core.facts import RequestFacts
from agentspend.core.pricing import Bound
from agentspend.dialects.base import Dialect
from agentspend.dialects.no_dearer import CHOOSES_ITS_HOSTS, no_dearer


def readied(dialect: Dialect, body: bytes, facts: RequestFacts, held: Held, bound: Bound) -> bytes:
    """The body with what its metering needs, within the output and at the prices of its hold.

    Where no budget holds for it, prices and limit stay its own.
    """
    body = dialect.prepare(body, facts)
    if held.budgets and dialect.vendor == CHOOSES_ITS_HOSTS:
        output_pusd = bound.output_pusd_per_token // facts.candidates
        body = no_dearer(body, bound.prompt_pusd_per_token, output_pusd)
    if held.output_tokens < facts.max_output_tokens or facts.assumed_limit:
        body = dialect.with_max_output(body, held.output_tokens)
    return body
