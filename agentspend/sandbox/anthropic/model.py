"""The Messages API without sockets: a request in; usage, cost and what is said out.

Owns what a request to Anthropic is billed. Pure: the time, the request's number and the cache
come with the `Ask`, so a simulation on a made-up clock bills exactly as the server does.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from agentspend.sandbox.answer import Answer, Ask, Choice, choice_of, usage_at_start
from agentspend.sandbox.anthropic.checks import check, check_shape, invalid, no_model
from agentspend.sandbox.anthropic.prices import ModelCard, find, price
from agentspend.sandbox.anthropic.tokens import count_prompt, is_marked, segments, ttl_s
from agentspend.sandbox.behaviour import Behaviour, Iteration, counted
from agentspend.sandbox.cache import CacheSplit
from agentspend.sandbox.checks import ApiError, dig
from agentspend.sandbox.content import compose
from agentspend.sandbox.rates import Usage
from agentspend.sandbox.rules import RULES, Segment, TokenRule


def answer(ask: Ask) -> Answer | ApiError:
    """Answer a decoded Messages request."""
    body, behaviour = ask.body, ask.behaviour
    problem = check(body)
    if problem is not None:
        return problem
    card = find(str(body["model"]))
    assert card is not None, "check() refuses unknown models"
    options = _options(body, behaviour, card)
    if isinstance(options, ApiError):
        return options
    rule = rule_for(behaviour, card)
    start = usage_at_start(behaviour, lambda: _split(ask, rule, card))
    if isinstance(start, ApiError):
        return start
    return _compose(ask, rule, card, start, options)


def count(body: Mapping[str, Any], behaviour: Behaviour) -> int | ApiError:
    """What `count_tokens` answers for `body`; free."""
    problem = check_shape(body)
    if problem is not None:
        return problem
    card = find(str(body["model"]))
    if card is None:
        return no_model(body["model"])
    return counted(count_prompt(body, rule_for(behaviour, card)), behaviour.count_off_tokens)


def rule_for(behaviour: Behaviour, card: ModelCard) -> TokenRule:
    """The token rule of a request: the older models count code with the older tokenizer."""
    if behaviour.tokens == "code" and card.old_tokenizer:
        return RULES["code-4.6"]
    return RULES[behaviour.tokens]


def _options(
    body: Mapping[str, Any], behaviour: Behaviour, card: ModelCard
) -> tuple[str, str, str] | ApiError:
    """Speed, region and tier as the answer states them."""
    speed = behaviour.speed or str(body.get("speed") or "standard")
    geo = behaviour.inference_geo or str(body.get("inference_geo") or "")
    if speed == "fast" and not card.fast:
        return invalid(f"speed: fast mode is not available for {card.name}")
    if geo == "us" and not card.us_only:
        return invalid(f"inference_geo: us is not available for {card.name}")
    if not geo:
        geo = "global" if card.us_only else "not_available"
    return speed, geo, behaviour.service_tier or "standard"


def _split(ask: Ask, rule: TokenRule, card: ModelCard) -> CacheSplit | ApiError:
    body, behaviour = ask.body, ask.behaviour
    cached = behaviour.cache != "off" and is_marked(body)
    pieces = list(segments(body, rule)) if cached else []
    total = sum(piece.tokens for piece in pieces) if cached else count_prompt(body, rule)
    if total > card.context_window:
        return invalid(f"prompt is too long: {total} tokens > {card.context_window} maximum")
    if not cached:
        return CacheSplit(total)
    if body.get("cache_control"):
        last = pieces[-1]
        pieces[-1] = Segment(last.tokens, last.payload, ttl_s(body))
    apart = f"{card.name} {body.get('speed') or 'standard'}"
    return ask.prompts.split(apart, pieces, ask.at_s, miss=behaviour.cache == "miss")


def _compose(
    ask: Ask, rule: TokenRule, card: ModelCard, start: Usage, options: tuple[str, str, str]
) -> Answer:
    body, behaviour = ask.body, ask.behaviour
    room = max(1, card.context_window - start.prompt_tokens)
    limit = min(int(body["max_tokens"]), room)
    hidden = dig(body, "thinking", "display") == "omitted"
    content = compose(body, behaviour, rule, limit, ask.chance, hidden=hidden)
    full = "max_tokens" if limit < room else "model_context_window_exceeded"
    choice = choice_of(content, behaviour, cut_reason=full)
    if behaviour.refusal:
        choice = Choice((), 1, "refusal")
    speed, geo, tier = options
    asked = str(body["model"])

    def cost(model: str, usage: Usage) -> Fraction:
        """A model name we do not sell (only a behaviour can answer with one) costs as asked."""
        sold = model if find(model) else asked
        return price(sold, usage, at_s=ask.at_s, speed=speed, inference_geo=geo)

    return Answer(
        number=ask.number,
        request_id=f"req_sandbox{ask.number:017d}",
        message_id=ask.ident("msg_"),
        model=behaviour.response_model or asked,
        request_model=asked,
        choices=(choice,),
        usage=replace(
            start,
            input_tokens=start.input_tokens + behaviour.late_input_tokens,
            output_tokens=choice.tokens,
            web_search_requests=behaviour.web_search_requests,
        ),
        at_start=start,
        at_s=ask.at_s,
        behaviour=behaviour,
        body=body,
        price=cost,
        speed=speed,
        inference_geo=geo,
        service_tier=tier,
        extras=tuple(_extra(extra, asked) for extra in behaviour.iterations if _is_billed(extra)),
        free=choice.stop_reason == "refusal" and not choice.blocks,
    )


def _is_billed(extra: Iteration) -> bool:
    return extra.type in ("compaction", "advisor_message")


def _extra(extra: Iteration, asked: str) -> tuple[str, Usage]:
    """A pass billed apart: the model that made it, and what it used."""
    usage = Usage(
        input_tokens=extra.input_tokens,
        cache_read_input_tokens=extra.cache_read_input_tokens,
        ephemeral_5m_input_tokens=extra.cache_creation_input_tokens,
        output_tokens=extra.output_tokens,
    )
    return extra.model or asked, usage
