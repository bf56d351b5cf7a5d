"""The policy besides caps: which models, how fast, when a loop is stopped, what a tier may use."""

import json
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from agentspend.core.scopes import Scope
from agentspend.wire.canonical import canonical
from sync_server.acts.act import EVERYONE, Act, Done, Moment, Role
from sync_server.acts.names import found
from sync_server.journal import Filed
from sync_server.store.tables import teams

Text = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Patterns = Annotated[list[Text], msgspec.Meta(max_length=200)]
Terms = Annotated[dict[str, Text], msgspec.Meta(max_length=12)]


class Models(msgspec.Struct, forbid_unknown_fields=True):
    """Which models a scope may use: patterns; `deny` beats `allow`, an empty `allow` is all."""

    scope: Terms = {}
    allow: Patterns = []
    deny: Patterns = []


class Rate(msgspec.Struct, forbid_unknown_fields=True):
    """How fast a scope may ask; 0 is no limit. `per` gives each value a counter of its own."""

    scope: Terms = {}
    per: Text = ""
    rpm: Count = 0
    tpm: Count = 0
    parallel: Count = 0
    subagents: Count = 0


class Guard(msgspec.Struct, forbid_unknown_fields=True):
    """The same request `repeats` times within `within_s` pauses its session."""

    repeats: Count = 0
    within_s: Count = 0


class Tier(msgspec.Struct, forbid_unknown_fields=True):
    """Which models members of a tier may use."""

    allow: Patterns = []
    deny: Patterns = []


class Rules(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """All rules of the organisation or of a team.

    `show_members`: everybody there sees who spends how much, not the leads alone. `stage` "warn":
    caps are watched, not enforced: everybody's by the organisation's rules, a team's own by its.
    """

    models: Annotated[list[Models], msgspec.Meta(max_length=100)] = []
    rates: Annotated[list[Rate], msgspec.Meta(max_length=100)] = []
    loop_guard: Guard | None = None
    tiers: Annotated[dict[str, Tier], msgspec.Meta(max_length=100)] = {}
    show_members: bool = False
    stage: Literal["hard", "warn"] = "hard"


class Set(msgspec.Struct, forbid_unknown_fields=True):
    """The rules that hold from now on, instead of those before; `team` "" is everybody."""

    rules: Rules
    team: Text = ""


class Show(msgspec.Struct, forbid_unknown_fields=True):
    """Whose rules; `team` "" is everybody's."""

    team: Text = ""


def _set(conn: Connection, _org: Row[Any], told: Set, moment: Moment) -> Done:
    scopes = [rule.scope for rule in told.rules.models] + [rule.scope for rule in told.rules.rates]
    for scope in scopes:
        Scope.of(scope)
    text = canonical({"tiers": _tiers(told.rules), **_lists(told.rules)}).decode()
    words = moment.words("policy.set", team=told.team or "*")
    answer = {"team": told.team, "rules": json.loads(text)}
    if not told.team:
        return Done(answer, (), words, org={"rules": text}, concerns=EVERYONE)
    row = {**found(conn, teams, told.team, "team"), "rules": text}
    concerns = frozenset({told.team})
    return Done(answer, [Filed("team", row)], words, policy=True, concerns=concerns)


def _lists(rules: Rules) -> dict[str, object]:
    said: dict[str, object] = {
        "models": [msgspec.structs.asdict(each) for each in rules.models],
        "rates": [msgspec.structs.asdict(each) for each in rules.rates],
    }
    if rules.loop_guard is not None:
        said["loop_guard"] = msgspec.structs.asdict(rules.loop_guard)
    if rules.show_members:
        said["show_members"] = True
    if rules.stage == "warn":
        said["stage"] = rules.stage
    return said


def _tiers(rules: Rules) -> dict[str, object]:
    """Tiers are keyed by name; canonical keys are narrower than names, so they are checked."""
    return {name: msgspec.structs.asdict(each) for name, each in rules.tiers.items()}


def _show(conn: Connection, org: Row[Any], told: Show, _moment: Moment) -> Done:
    rules = found(conn, teams, told.team, "team")["rules"] if told.team else org.rules
    answer = {"team": told.team, "version": org.policy, "rules": json.loads(rules)}
    return Done(answer)


ACTS = (
    Act("policy.show", Role.MEMBER, Show, _show, "The rules in force, and their number"),
    Act("policy.set", Role.LEAD, Set, _set, "Put other rules in force"),
)
