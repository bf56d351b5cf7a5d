"""An answer and what it costs, whatever the dialect; and the request it is made from.

Owns what is owed when: the input as soon as work starts, the output generated so far when it
stops in the middle, all of it at the end. The rates come as a callable from the vendor's room.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from random import Random
from typing import Any

from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.cache import CacheSplit, PromptCache
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.content import Block, Content
from agentspend.sandbox.rates import Usage

NANO = 10**9
Price = Callable[[str, Usage], Fraction]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to answer: with `seed`, its `number` decides everything drawn by chance."""

    body: Mapping[str, Any]
    behaviour: Behaviour
    seed: int = 0
    number: int = 0
    at_s: float = 0.0
    cache: PromptCache | None = None

    @property
    def chance(self) -> Random:
        """A fresh source of this request's chance."""
        return Random(self.seed * 1_000_003 + self.number)

    @property
    def prompts(self) -> PromptCache:
        """The cache to ask; without one nothing is remembered between calls."""
        return PromptCache() if self.cache is None else self.cache

    def ident(self, prefix: str) -> str:
        """The answer's own id, as the body carries it."""
        return f"{prefix}sandbox{self.seed:06d}{self.number:011d}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of an answer's alternatives. `stop_reason` is in Anthropic's words; each dialect
    translates them."""

    blocks: tuple[Block, ...]
    tokens: int
    stop_reason: str

    @property
    def thinking_tokens(self) -> int:
        """Tokens of its hidden or shown thinking."""
        return sum(block.tokens for block in self.blocks if block.kind == "thinking")

    def calls(self) -> list[Block]:
        """Its tool calls."""
        return [block for block in self.blocks if block.kind in ("tool_use", "custom_tool")]


@dataclass(frozen=True, slots=True)
class Answer:
    """One billed request: what it says and what it costs.

    `usage` is the final one; `at_start` what is known when work starts (late input not yet in
    it, one output token). `extras` are passes billed apart; a `free` answer costs nothing.
    """

    number: int
    request_id: str
    message_id: str
    model: str
    request_model: str
    choices: tuple[Choice, ...]
    usage: Usage
    at_start: Usage
    at_s: float
    behaviour: Behaviour
    body: Mapping[str, Any]
    price: Price = field(compare=False, repr=False)
    speed: str = ""
    inference_geo: str = ""
    service_tier: str = ""
    extras: tuple[tuple[str, Usage], ...] = ()
    free: bool = False

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What the first choice says."""
        return self.choices[0].blocks

    @property
    def stop_reason(self) -> str:
        """Why the first choice ended."""
        return self.choices[0].stop_reason

    @property
    def thinking_tokens(self) -> int:
        """Output tokens that were thinking."""
        return sum(choice.thinking_tokens for choice in self.choices)

    def usd_at_start(self) -> Fraction:
        """What is owed as soon as work starts: the input."""
        return self.usd_after(0)

    def usd(self) -> Fraction:
        """What the whole answer costs."""
        if self.free:
            return Fraction(0)
        total = self.price(self.model, self.usage)
        return total + sum((self.price(model, usage) for model, usage in self.extras), Fraction(0))

    def used_after(self, output_tokens: int) -> Usage:
        """The usage billed when generation stopped at `output_tokens`."""
        return replace(self.at_start, output_tokens=min(output_tokens, self.usage.output_tokens))

    def usd_after(self, output_tokens: int) -> Fraction:
        """What is owed when generation stopped at `output_tokens`: exact input, output so far."""
        if self.free:
            return Fraction(0)
        return self.price(self.model, self.used_after(output_tokens))


def usage_at_start(
    behaviour: Behaviour, split: Callable[[], CacheSplit | ApiError]
) -> Usage | ApiError:
    """What is known when work starts: the dictated input side, else what `split` says of it."""
    if behaviour.usage is not None:
        return Usage(**asdict(behaviour.usage), output_tokens=1)
    found = split()
    if isinstance(found, ApiError):
        return found
    return Usage(
        found.fresh,
        found.read,
        found.write_5m,
        found.write_1h,
        output_tokens=1,
        cache_write_30m_tokens=found.write_30m,
        cache_write_12h_tokens=found.write_12h,
    )


def nusd_up(usd: Fraction) -> int:
    """An exact amount in nano-USD, rounded up once."""
    return -(-usd.numerator * NANO // usd.denominator)


def choice_of(content: Content, behaviour: Behaviour, *, cut_reason: str = "max_tokens") -> Choice:
    """A written answer with the reason it ended."""
    if content.cut:
        return Choice(content.blocks, content.tokens, cut_reason)
    called = any(block.kind in ("tool_use", "custom_tool") for block in content.blocks)
    reason = behaviour.stop_reason or ("tool_use" if called else "end_turn")
    return Choice(content.blocks, content.tokens, reason)
