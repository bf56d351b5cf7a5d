"""Rules besides budgets: which models, how fast, how wide, and what happens instead.

Values only. Rules never merge into looser ones: every matching rule must pass, and model lists
intersect. `core.access`, `core.pacing` and `core.loop_guard` apply them.
"""

from dataclasses import dataclass

from agentspend.core.scopes import Scope

EVERYTHING = Scope()
BY_HAND = "agentspend models"
"""The source of a rule that was made for a running session: the command that changes it."""


@dataclass(frozen=True, slots=True)
class ModelRule:
    """Which models a scope may use: patterns with `*` and `?`, as in `scopes`.

    An empty `allow` allows all; `deny` beats `allow`. A pattern is compared with a model's id and
    with its provider and id (`openai/gpt-*`); one without `*` and `?` means that model in every
    spelling. `source` says in words who made the rule, "" for the configuration.
    """

    scope: Scope = EVERYTHING
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How fast and how wide a scope may ask; 0 means no limit.

    `per` is the payer's attribute that has a counter of its own ("session", "key", "subagent", …),
    "" for one counter of the whole scope. `rpm` and `tpm` are requests and tokens a minute,
    `parallel` requests in flight, `subagents` different subagents in flight. `source` says in words
    who made the rule, "" for the configuration.
    """

    scope: Scope = EVERYTHING
    per: str = ""
    rpm: int = 0
    tpm: int = 0
    parallel: int = 0
    subagents: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Downgrade:
    """Past a share of a budget, a dearer model is replaced by a cheaper one.

    `of` is a pattern of model ids, `to` a model of the same provider. `percent` is the share of
    the limit of `budget` (of mode warn or hard) that must be spent.
    """

    budget: str
    of: str
    to: str
    percent: int = 100


@dataclass(frozen=True, slots=True)
class LoopGuard:
    """The same request body `repeats` times within `within_s` pauses its session. 0: off."""

    repeats: int = 0
    within_s: int = 0


NO_GUARD = LoopGuard()


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything of one source: the configuration, a virtual key, a repository."""

    models: tuple[ModelRule, ...] = ()
    rates: tuple[RateLimit, ...] = ()
    downgrades: tuple[Downgrade, ...] = ()
    loop_guard: LoopGuard = NO_GUARD

    def __add__(self, other: "Rules") -> "Rules":
        """Both sources at once: every rule of either once, and a loop guard that is as tight.

        `NO_RULES` itself where neither has any.
        """
        both = Rules(
            tuple(dict.fromkeys(self.models + other.models)),
            tuple(dict.fromkeys(self.rates + other.rates)),
            tuple(dict.fromkeys(self.downgrades + other.downgrades)),
            tighter(self.loop_guard, other.loop_guard),
        )
        return both if both != NO_RULES else NO_RULES


NO_RULES = Rules()


def tighter(one: LoopGuard, other: LoopGuard) -> LoopGuard:
    """A guard that stops whatever either would stop: the fewer repeats in the longer time."""
    guards = [guard for guard in (one, other) if guard.repeats]
    if not guards:
        return NO_GUARD
    return LoopGuard(
        min(guard.repeats for guard in guards), max(guard.within_s for guard in guards)
    )
