"""A compatible server without sockets: a request in; usage, cost and what is said out.

Owns what a request to one of them is billed, in any shape it copies. Pure: time, number and cache
come with the `Ask`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import msgspec

from agentspend.sandbox.answer import Answer, Ask, choice_of
from agentspend.sandbox.anthropic.checks import check_shape
from agentspend.sandbox.anthropic.tokens import count_prompt
from agentspend.sandbox.checks import ApiError, dig
from agentspend.sandbox.compatible.prices import CARDS, Card, price
from agentspend.sandbox.compatible.servers import Server
from agentspend.sandbox.content import compose
from agentspend.sandbox.openai.checks import invalid, missing
from agentspend.sandbox.openai.tokens import segments
from agentspend.sandbox.rates import Usage
from agentspend.sandbox.rules import RULES, TokenRule

LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
TICKS = 10**10
"""Of xAI's, in a dollar."""
_READ_STEP = 64
_LIFE_S = 600
Answering = Callable[[Ask], Answer | ApiError]


def answering(server: Server, prefix: str, input_name: str) -> Answering:
    """How this server answers one shape: what its ids begin with, and where the prompt stands."""

    def answer(ask: Ask) -> Answer | ApiError:
        body = ask.body
        if not body.get(input_name):
            return missing(input_name)
        if server.refuses_options and "stream_options" in body:
            return replace(invalid("Extra inputs are not permitted", "stream_options"), status=422)
        card = CARDS[server.name].get(str(body.get("model")))
        if card is None:
            return replace(invalid(f"no such model: {body.get('model')}", "model"), status=404)
        if prefix == "msg_" and (problem := check_shape(body)) is not None:
            return problem
        return _respond(ask, server, card, prefix)

    return answer


def _respond(ask: Ask, server: Server, card: Card, prefix: str) -> Answer:
    body, behaviour = ask.body, ask.behaviour
    rule = RULES["code" if prefix == "msg_" else "code-o200k"].bytewise()
    start = _start(ask, server, rule, prefix)
    limit = next((body[name] for name in LIMITS if body.get(name)), card.max_output)
    choices = tuple(
        choice_of(compose(body, behaviour, rule, limit, ask.chance, hidden=True), behaviour)
        for _ in range(body.get("n") or 1)
    )
    model = str(body["model"])

    def cost(_: str, usage: Usage) -> Fraction:
        return price(card, usage, ask.at_s)

    found = Answer(
        number=ask.number,
        request_id=f"req_sandbox{ask.number:017d}",
        message_id=ask.ident(prefix),
        model=behaviour.response_model or card.answers_as or model,
        request_model=model,
        choices=choices,
        usage=replace(start, output_tokens=sum(choice.tokens for choice in choices)),
        at_start=start,
        at_s=ask.at_s,
        behaviour=behaviour,
        body=body,
        price=cost,
        speed="standard",
        service_tier="standard" if prefix == "msg_" else "default",
    )
    return _with_cost(found, server.states_cost) if server.states_cost else found


def _start(ask: Ask, server: Server, rule: TokenRule, prefix: str) -> Usage:
    """The input side: dictated, counted, or looked up in the server's cache."""
    if ask.behaviour.usage is not None:
        return Usage(**asdict(ask.behaviour.usage), output_tokens=1)
    if prefix == "msg_":
        return Usage(count_prompt(ask.body, rule), output_tokens=1)
    pieces = list(segments(ask.body, rule))
    if not server.cached or ask.behaviour.cache == "off":
        return Usage(sum(piece.tokens for piece in pieces), output_tokens=1)
    name = f"{server.name}/{ask.body['model']}"
    miss = ask.behaviour.cache == "miss"
    split = ask.prompts.automatic(
        name, pieces, ask.at_s, life_s=_LIFE_S, step=_READ_STEP, miss=miss
    )
    return Usage(split.fresh, split.read, output_tokens=1)


def _with_cost(answer: Answer, name: str) -> Answer:
    """With the statement of what the whole answer takes, an exact decimal or xAI's ticks, unless a
    script says otherwise."""
    usd = answer.usd()
    if name == "cost_in_usd_ticks":
        more: dict[str, object] = {name: ceil(usd * TICKS)}
    else:
        stated = format(Decimal(usd.numerator) / Decimal(usd.denominator), "f")
        more = {name: msgspec.Raw(stated.encode()), "is_byok": False,
                "cost_details": {"upstream_inference_cost": None}}  # fmt: skip
    said = {**more, **answer.behaviour.unknown_usage}
    return replace(answer, behaviour=replace(answer.behaviour, unknown_usage=said))


def wants_usage(body: Mapping[str, Any]) -> bool:
    """Whether a stream is asked for its usage."""
    return dig(body, "stream_options", "include_usage") is True
