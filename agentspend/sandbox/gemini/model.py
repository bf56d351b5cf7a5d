"""The Gemini API without sockets: a request in; usage, cost and what is said out.

Owns what a request to Google is billed. Pure: the time, the request's number and the cache come
with the `Ask`. The body has the `model` in it, which on the wire stands in the path.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from agentspend.sandbox.answer import Answer, Ask, Choice, choice_of, usage_at_start
from agentspend.sandbox.behaviour import Behaviour, counted
from agentspend.sandbox.cache import CacheSplit
from agentspend.sandbox.checks import ApiError, dig
from agentspend.sandbox.content import compose
from agentspend.sandbox.gemini.checks import check, check_shape, invalid, tier_of
from agentspend.sandbox.gemini.prices import TIERS, ModelCard, find, price
from agentspend.sandbox.gemini.tokens import count_prompt, segments
from agentspend.sandbox.rates import Usage
from agentspend.sandbox.rules import RULES, TokenRule

_CACHE_LIFE_S = 3_600


def answer(ask: Ask) -> Answer | ApiError:
    """Answer a decoded generateContent request."""
    body, behaviour = ask.body, ask.behaviour
    problem = check(body, dictated=behaviour.usage is not None)
    if problem is not None:
        return problem
    card = find(str(body["model"]))
    assert card is not None, "check() refuses unknown models"
    rule = rule_for(behaviour)
    start = usage_at_start(behaviour, lambda: _split(ask, rule, card))
    if isinstance(start, ApiError):
        return start
    choices = _choices(ask, rule, card)
    tier = behaviour.service_tier or tier_of(body)

    def cost(model: str, usage: Usage) -> Fraction:
        """A name or tier we do not sell (only a behaviour can answer with one) costs as asked
        for, and as the standard tier."""
        sold = find(model) or card
        known = tier if tier in TIERS and sold.tiers else "standard"
        return price(sold.name, usage, at_s=ask.at_s, tier=known)

    return Answer(
        number=ask.number,
        request_id=ask.ident(""),
        message_id=ask.ident(""),
        model=behaviour.response_model or card.name,
        request_model=card.name,
        choices=choices,
        usage=replace(
            start,
            input_tokens=start.input_tokens + behaviour.late_input_tokens,
            output_tokens=sum(choice.tokens for choice in choices),
            web_search_requests=behaviour.web_search_requests,
        ),
        at_start=start,
        at_s=ask.at_s,
        behaviour=behaviour,
        body=body,
        price=cost,
        service_tier=tier,
    )


def count(body: Mapping[str, Any], behaviour: Behaviour) -> int | ApiError:
    """What `:countTokens` answers; free. A whole request may stand in `generateContentRequest`."""
    inner = body.get("generateContentRequest")
    if isinstance(inner, dict):
        body = {**inner, "model": body.get("model")}
    problem = check_shape(body)
    if problem is not None:
        return problem
    return counted(count_prompt(body, rule_for(behaviour)), behaviour.count_off_tokens)


def rule_for(behaviour: Behaviour) -> TokenRule:
    """The token rule of a request."""
    return RULES["code-o200k" if behaviour.tokens == "code" else behaviour.tokens]


def _choices(ask: Ask, rule: TokenRule, card: ModelCard) -> tuple[Choice, ...]:
    config = ask.body.get("generationConfig") or {}
    count = config.get("candidateCount") or 1
    if ask.behaviour.refusal:
        return (Choice((), 0, "refusal"),) * count
    limit = config.get("maxOutputTokens") or card.max_output
    hidden = dig(config, "thinkingConfig", "includeThoughts") is not True
    chance = ask.chance
    contents = [
        compose(ask.body, ask.behaviour, rule, limit, chance, hidden=hidden) for _ in range(count)
    ]
    return tuple(choice_of(content, ask.behaviour) for content in contents)


def _split(ask: Ask, rule: TokenRule, card: ModelCard) -> CacheSplit | ApiError:
    pieces = list(segments(ask.body, rule))
    total = sum(piece.tokens for piece in pieces)
    if total > card.context_window:
        return invalid(
            f"The input token count ({total}) exceeds the maximum number of tokens allowed "
            f"({card.context_window})."
        )
    if ask.behaviour.cache == "off":
        return CacheSplit(total)
    miss = ask.behaviour.cache == "miss"
    return ask.prompts.automatic(card.name, pieces, ask.at_s, life_s=_CACHE_LIFE_S, miss=miss)
