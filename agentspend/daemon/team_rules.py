"""What a team's policy says besides its pools, for each of the member's teams: rules and prices.

"" stands for the home team, whose rules hold for a session that names no team.
"""

from collections.abc import Mapping
from typing import Any

from agentspend.bookkeeper.membership import Membership
from agentspend.bookkeeper.team_policy import parts_of
from agentspend.core.rules import NO_GUARD, NO_RULES, LoopGuard, ModelRule, RateLimit, Rules
from agentspend.core.scopes import Scope

TEAM = "your team"

Told = Mapping[str, Any]


def prices_of(policy: Told) -> dict[str, dict[str, Any]]:
    """What a policy says of prices, by team, as the configuration writes it: by model."""
    return {name: _prices(part) for name, part in _by_team(policy).items()}


def rules_of(policy: Told, membership: Membership) -> dict[str, Rules]:
    """A policy's lists of models, its rates and its loop guard, by team, as they concern this
    device.

    Raises `AgentspendError` for a scope that nobody knows.
    """
    return {name: _rules(part, membership) for name, part in _by_team(policy).items()}


def _by_team(policy: Told) -> dict[str, Told]:
    """Each team's part of a policy, the home team's by its name and by none."""
    return {"": policy, **parts_of(policy)} if policy else {}


def _prices(part: Told) -> dict[str, Any]:
    return {
        str(each["model"]): {name: value for name, value in each.items() if name != "model"}
        for each in part.get("prices", ())
    }


def _rules(part: Told, membership: Membership) -> Rules:
    models = tuple(
        ModelRule(
            scope,
            tuple(each.get("allow") or ()),
            tuple(each.get("deny") or ()),
            source=_source(each),
        )
        for each in part.get("models", ())
        if (scope := _own(each, membership)) is not None
    )
    rates = tuple(
        RateLimit(
            scope,
            per=str(each.get("per", "")),
            rpm=int(each.get("rpm", 0)),
            tpm=int(each.get("tpm", 0)),
            parallel=int(each.get("parallel", 0)),
            subagents=int(each.get("subagents", 0)),
            source=_source(each),
        )
        for each in part.get("rates", ())
        if (scope := _own(each, membership)) is not None
    )
    told = part.get("loop_guard") or {}
    guard = LoopGuard(int(told.get("repeats", 0)), int(told.get("within_s", 0)))
    if not guard.repeats:
        guard = NO_GUARD
    found = Rules(models=models, rates=rates, loop_guard=guard)
    return NO_RULES if found == NO_RULES else found


def _source(told: Told) -> str:
    """Who made a rule: everybody's is the same one in all teams, and counts once."""
    return f"{TEAM} {told['team']}" if told.get("team") else TEAM


def _own(told: Told, membership: Membership) -> Scope | None:
    """A rule's scope here: without the terms that mean us, None where they mean somebody else."""
    terms = dict(told.get("scope") or {})
    for name, ours in (("member", membership.member), ("device", membership.device)):
        if terms.pop(name, ours) != ours:
            return None
    return Scope.of(terms)
