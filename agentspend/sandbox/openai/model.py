"""OpenAI without sockets: a request in; usage, cost and what is said out, for both shapes.

Owns what a request to OpenAI is billed. Pure: the time, the request's number and the cache come
with the `Ask`.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from agentspend.sandbox.answer import Answer, Ask, Choice, Price, choice_of, usage_at_start
from agentspend.sandbox.behaviour import Behaviour, counted
from agentspend.sandbox.cache import CacheSplit
from agentspend.sandbox.checks import ApiError, dicts, dig
from agentspend.sandbox.content import Block, compose
from agentspend.sandbox.openai.checks import (
    check_chat,
    check_responses,
    declared,
    invalid,
    tier_of,
)
from agentspend.sandbox.openai.prices import ModelCard, find, price
from agentspend.sandbox.openai.tokens import count_prompt, lifetime_s, segments
from agentspend.sandbox.rates import Usage
from agentspend.sandbox.rules import RULES, Segment, TokenRule

REFUSAL = "I'm sorry, but I can't help with that."
_BREAKPOINTS = 80
_READ_STEP = 128
_RETENTION_S = {"24h": 86_400}


def answer_chat(ask: Ask) -> Answer | ApiError:
    """Answer a decoded Chat Completions request."""
    body = ask.body
    problem = check_chat(body)
    if problem is not None:
        return problem
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return _respond(ask, "chatcmpl-", limit, body.get("n") or 1)


def answer_responses(ask: Ask) -> Answer | ApiError:
    """Answer a decoded Responses request."""
    problem = check_responses(ask.body, dictated=ask.behaviour.usage is not None)
    if problem is not None:
        return problem
    found = _respond(ask, "resp_", ask.body.get("max_output_tokens"), 1)
    if isinstance(found, ApiError):
        return found
    searches = ask.behaviour.web_search_requests
    return replace(found, usage=replace(found.usage, web_search_requests=searches))


def count_responses(body: Mapping[str, Any], behaviour: Behaviour) -> int | ApiError:
    """What `/v1/responses/input_tokens` answers; free."""
    problem = check_responses(body, dictated=False)
    if problem is not None:
        return problem
    return counted(count_prompt(body, rule_for(behaviour)), behaviour.count_off_tokens)


def rule_for(behaviour: Behaviour) -> TokenRule:
    """The token rule of a request, never above one token per byte."""
    name = "code-o200k" if behaviour.tokens == "code" else behaviour.tokens
    return RULES[name].bytewise()


def _respond(ask: Ask, prefix: str, limit: int | None, count: int) -> Answer | ApiError:
    body, behaviour = ask.body, ask.behaviour
    card = find(str(body["model"]))
    assert card is not None, "check() refuses unknown models"
    rule = rule_for(behaviour)
    start = usage_at_start(behaviour, lambda: _split(ask, rule, card))
    if isinstance(start, ApiError):
        return start
    room = max(1, card.context_window - start.prompt_tokens)
    most = min(limit or card.max_output, room)
    choices = _choices(ask, rule, most, count)
    tier = behaviour.service_tier or tier_of(body)
    return Answer(
        number=ask.number,
        request_id=f"req_sandbox{ask.number:017d}",
        message_id=ask.ident(prefix),
        model=behaviour.response_model or card.snapshot,
        request_model=card.name,
        choices=choices,
        usage=replace(
            start,
            input_tokens=start.input_tokens + behaviour.late_input_tokens,
            output_tokens=sum(choice.tokens for choice in choices) + _rejected(ask),
        ),
        at_start=start,
        at_s=ask.at_s,
        behaviour=behaviour,
        body=body,
        price=_price(ask, card, tier),
        inference_geo=behaviour.inference_geo,
        service_tier=tier,
    )


def _rejected(ask: Ask) -> int:
    """What a prediction costs beside the limit."""
    return ask.behaviour.rejected_tokens if "prediction" in ask.body else 0


def _price(ask: Ask, asked: ModelCard, tier: str) -> Price:
    """What usage costs in this request. A model or tier that is not sold (only a behaviour can
    answer with one) costs as the model asked for, and as the default tier."""
    region = ask.behaviour.inference_geo
    tools = dicts(ask.body.get("tools"))
    preview = any(tool.get("type") == "web_search_preview" for tool in tools)

    def cost(model: str, usage: Usage) -> Fraction:
        card = find(model) or asked
        return price(
            card.name,
            usage,
            tier=tier if tier in card.tiers else "default",
            inference_geo=region if card.regional else "",
            preview_search=preview,
        )

    return cost


def _choices(ask: Ask, rule: TokenRule, limit: int, count: int) -> tuple[Choice, ...]:
    if ask.behaviour.refusal:
        said = Block("refusal", REFUSAL, rule.count(REFUSAL))
        return (Choice((said,), said.tokens, "refusal"),) * count
    plain = frozenset(name for name, (custom, _) in declared(ask.body).items() if custom)
    chance = ask.chance
    contents = [
        compose(ask.body, ask.behaviour, rule, limit, chance, hidden=True, custom=plain)
        for _ in range(count)
    ]
    return tuple(choice_of(content, ask.behaviour) for content in contents)


def _split(ask: Ask, rule: TokenRule, card: ModelCard) -> CacheSplit | ApiError:
    body, behaviour = ask.body, ask.behaviour
    pieces = list(segments(body, rule))
    total = sum(piece.tokens for piece in pieces)
    if total > card.context_window:
        words = "Your input exceeds the context window of this model. Please adjust your input."
        return invalid(words, "input", "context_length_exceeded")
    if behaviour.cache == "off" or not pieces:
        return CacheSplit(total)
    miss = behaviour.cache == "miss"
    if not card.bills_writes:
        asked = body.get("prompt_cache_retention")
        life_s = _RETENTION_S.get(asked, 600) if isinstance(asked, str) else 600
        return ask.prompts.automatic(
            card.name, pieces, ask.at_s, life_s=life_s, step=_READ_STEP, miss=miss
        )
    if dig(body, "prompt_cache_options", "mode") != "explicit":
        pieces[-1] = Segment(pieces[-1].tokens, pieces[-1].payload, lifetime_s(body))
    return ask.prompts.split(card.name, pieces, ask.at_s, miss=miss, look_back=_BREAKPOINTS)
