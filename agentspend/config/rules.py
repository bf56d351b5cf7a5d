"""The rules of a configuration besides budgets: checked values, from their sections of the file."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from agentspend.config.lines import Key
from agentspend.config.shape import (
    DowngradeSection,
    File,
    LoopGuardSection,
    ModelsSection,
    RateLimitSection,
)
from agentspend.core.errors import AgentspendError
from agentspend.core.rules import (
    NO_GUARD,
    NO_RULES,
    Downgrade,
    LoopGuard,
    ModelRule,
    RateLimit,
    Rules,
)
from agentspend.core.scopes import KEYS, Scope
from agentspend.core.windows import Window, WindowKind

T = TypeVar("T")
PER = tuple(key for key in KEYS if key != "tag")
"""What can have a counter of its own: a request has one of each, but any number of tags."""
LONGEST_GUARD_S = 86_400


class At(Protocol):
    """Runs a check; its `AgentspendError` gets the place in the file."""

    def __call__(self, keys: tuple[Key, ...], work: Callable[[], T], /) -> T:
        """What the check returns."""
        ...


def read_rules(found: File, at: At) -> Rules:
    """Every rule of the file, in its order; `NO_RULES` itself where there is none."""
    rules = Rules(
        models=tuple(_models(item, n, at) for n, item in enumerate(found.models)),
        rates=tuple(_rate_limit(item, n, at) for n, item in enumerate(found.rate_limits)),
        downgrades=tuple(_downgrade(item, n, at) for n, item in enumerate(found.downgrades)),
        loop_guard=_loop_guard(found.loop_guard, at),
    )
    return NO_RULES if rules == NO_RULES else rules


def _models(item: ModelsSection, number: int, at: At) -> ModelRule:
    keys: tuple[Key, ...] = ("models", number)
    scope = at((*keys, "scope"), lambda: Scope.of(item.scope))
    if not item.allow and not item.deny:
        at(keys, lambda: _fail("names no model", 'write allow = ["claude-sonnet-*"]'))
    for name, patterns in (("allow", item.allow), ("deny", item.deny)):
        if not all(patterns):
            at((*keys, name), lambda: _fail("holds an empty pattern", 'write "*" for every model'))
    return ModelRule(scope, item.allow, item.deny)


def _rate_limit(item: RateLimitSection, number: int, at: At) -> RateLimit:
    keys: tuple[Key, ...] = ("rate_limits", number)
    scope = at((*keys, "scope"), lambda: Scope.of(item.scope))
    if item.per and item.per not in PER:
        what = f"{item.per!r} is not something that can have a counter of its own"
        at((*keys, "per"), lambda: _fail(what, f"use one of: {', '.join(PER)}"))
    limits = {"rpm": item.rpm, "tpm": item.tpm, "parallel": item.parallel,
              "subagents": item.subagents}  # fmt: skip
    for name, limit in limits.items():
        if limit < 0:
            at((*keys, name), lambda: _fail("is below zero", "0 means no limit"))
    if not any(limits.values()):
        at(keys, lambda: _fail("limits nothing", f"set one of: {', '.join(limits)}"))
    return RateLimit(scope, item.per, item.rpm, item.tpm, item.parallel, item.subagents)


def _downgrade(item: DowngradeSection, number: int, at: At) -> Downgrade:
    keys: tuple[Key, ...] = ("downgrades", number)
    if not 0 < item.percent <= 100:
        at((*keys, "percent"), lambda: _fail("lies between 1 and 100", "percent = 80"))
    for name, model in (("of", item.of), ("to", item.to)):
        if not model:
            at((*keys, name), lambda: _fail("is empty", "agentspend prices show"))
    if "*" in item.to or "?" in item.to:
        at((*keys, "to"), lambda: _fail("must be one model", "agentspend prices show"))
    return Downgrade(item.budget, item.of, item.to, item.percent)


def _loop_guard(item: LoopGuardSection, at: At) -> LoopGuard:
    if item.repeats == 0:
        return NO_GUARD
    if item.repeats < 2:
        at(("loop_guard", "repeats"), lambda: _fail("must be 2 or more", "0 turns it off"))
    within_s = at(("loop_guard", "within"), lambda: _length_s(item.within))
    return LoopGuard(item.repeats, within_s)


def _length_s(text: str) -> int:
    """A length such as "5m", up to a day."""
    window = Window.parse(text)
    if window.kind is not WindowKind.ROLLING or window.length_s > LONGEST_GUARD_S:
        _fail(f"{text!r} is not a length of up to a day", 'write it like within = "5m"')
    return window.length_s


def _fail(what: str, hint: str) -> Any:
    raise AgentspendError(what, hint)
