"""The provider without sockets: a request body in, usage, cost and events out.

Owns what a request is billed. Pure: the time, the request's number and the cache are arguments,
so a simulation on a made-up clock bills exactly as the server does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

from agentspend.sandbox.behaviour import NORMAL, Behaviour, Iteration, counted
from agentspend.sandbox.cache import CacheSplit, PromptCache
from agentspend.sandbox.checks import ApiError, check, check_shape, invalid, no_model
from agentspend.sandbox.content import Block, compose
from agentspend.sandbox.prices import ModelCard, Usage, find, price
from agentspend.sandbox.tokens import (
    RULES,
    Segment,
    TokenRule,
    count_prompt,
    is_marked,
    segments,
    ttl_s,
)

NANO = 10**9


@dataclass(frozen=True, slots=True)
class Answer:
    """One billed request: what it says and what it costs.

    `usage` is the final one; `at_start` what `message_start` shows (late input not yet in it,
    one output token).
    """

    number: int
    request_id: str
    message_id: str
    model: str
    request_model: str
    blocks: tuple[Block, ...]
    stop_reason: str
    usage: Usage
    at_start: Usage
    at_s: float
    speed: str
    inference_geo: str
    service_tier: str
    behaviour: Behaviour

    @property
    def free(self) -> bool:
        """A refusal without content is not billed (vendor's release note)."""
        return self.stop_reason == "refusal" and not self.blocks

    def usd_at_start(self) -> Fraction:
        """What is owed as soon as work starts: the input."""
        if self.free:
            return Fraction(0)
        return self._price(self.model, replace(self.at_start, output_tokens=0))

    def usd(self) -> Fraction:
        """What the whole answer costs."""
        if self.free:
            return Fraction(0)
        total = self._price(self.model, self.usage)
        for extra in self.behaviour.iterations:
            total += self._extra(extra)
        return total

    def used_after(self, output_tokens: int) -> Usage:
        """The usage billed when generation stopped at `output_tokens`."""
        return replace(self.at_start, output_tokens=min(output_tokens, self.usage.output_tokens))

    def usd_after(self, output_tokens: int) -> Fraction:
        """What is owed when generation stopped at `output_tokens`: exact input, output so far."""
        return Fraction(0) if self.free else self._price(self.model, self.used_after(output_tokens))

    def _extra(self, extra: Iteration) -> Fraction:
        if extra.type not in ("compaction", "advisor_message"):
            return Fraction(0)
        usage = Usage(
            input_tokens=extra.input_tokens,
            cache_read_input_tokens=extra.cache_read_input_tokens,
            ephemeral_5m_input_tokens=extra.cache_creation_input_tokens,
            output_tokens=extra.output_tokens,
        )
        return self._price(extra.model or self.request_model, usage)

    def _price(self, model: str, usage: Usage) -> Fraction:
        """A model name we do not sell (only a behaviour can answer with one) costs as asked for."""
        sold = model if find(model) else self.request_model
        return price(
            sold, usage, at_s=self.at_s, speed=self.speed, inference_geo=self.inference_geo
        )


def nusd_up(usd: Fraction) -> int:
    """An exact amount in nano-USD, rounded up once."""
    return -(-usd.numerator * NANO // usd.denominator)


def answer(
    body: Mapping[str, Any],
    behaviour: Behaviour = NORMAL,
    *,
    seed: int = 0,
    number: int = 0,
    at_s: float = 0.0,
    cache: PromptCache | None = None,
) -> Answer | ApiError:
    """Answer the request `body` (a decoded Messages API request).

    `number` is the request's place in the run: with `seed` it decides everything drawn by
    chance. Without a `cache` nothing is remembered between calls.
    """
    problem = check(body)
    if problem is not None:
        return problem
    card = find(str(body["model"]))
    assert card is not None, "check() refuses unknown models"
    options = _options(body, behaviour, card)
    if isinstance(options, ApiError):
        return options
    rule = rule_for(behaviour, card)
    dictated = behaviour.usage
    if dictated is None:
        split = _split(body, behaviour, rule, card, at_s, cache)
        if isinstance(split, ApiError):
            return split
        start = Usage(split.fresh, split.read, split.write_5m, split.write_1h, 1)
    else:
        start = Usage(
            dictated.input_tokens,
            dictated.cache_read_input_tokens,
            dictated.ephemeral_5m_input_tokens,
            dictated.ephemeral_1h_input_tokens,
            1,
        )
    return _compose(body, behaviour, rule, card, start, options, seed, number, at_s)


def count(body: Mapping[str, Any], behaviour: Behaviour = NORMAL) -> int | ApiError:
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


def _split(
    body: Mapping[str, Any],
    behaviour: Behaviour,
    rule: TokenRule,
    card: ModelCard,
    at_s: float,
    cache: PromptCache | None,
) -> CacheSplit | ApiError:
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
    where = PromptCache() if cache is None else cache
    return where.split(card.name, pieces, at_s, miss=behaviour.cache == "miss")


def _compose(
    body: Mapping[str, Any],
    behaviour: Behaviour,
    rule: TokenRule,
    card: ModelCard,
    start: Usage,
    options: tuple[str, str, str],
    seed: int,
    number: int,
    at_s: float,
) -> Answer:
    chance = Random(seed * 1_000_003 + number)
    room = max(1, card.context_window - start.prompt_tokens)
    limit = min(int(body["max_tokens"]), room)
    content = compose(body, behaviour, rule, limit, chance)
    blocks, out = content.blocks, content.tokens
    if content.cut:
        reason = "max_tokens" if limit < room else "model_context_window_exceeded"
    else:
        called = any(block.kind == "tool_use" for block in blocks)
        reason = behaviour.stop_reason or ("tool_use" if called else "end_turn")
    if behaviour.refusal:
        blocks, out, reason = (), 1, "refusal"
    usage = replace(
        start,
        input_tokens=start.input_tokens + behaviour.late_input_tokens,
        output_tokens=out,
        web_search_requests=behaviour.web_search_requests,
    )
    speed, geo, tier = options
    return Answer(
        number=number,
        request_id=f"req_sandbox{number:017d}",
        message_id=f"msg_sandbox{seed:06d}{number:011d}",
        model=behaviour.response_model or str(body["model"]),
        request_model=str(body["model"]),
        blocks=blocks,
        stop_reason=reason,
        usage=usage,
        at_start=start,
        at_s=at_s,
        speed=speed,
        inference_geo=geo,
        service_tier=tier,
        behaviour=behaviour,
    )
