"""The policy besides caps: which models, how fast, when a loop is stopped, what a tier may use."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from agentspend.core.price_overrides import read_overrides
from agentspend.core.scopes import Scope
from agentspend.wire.canonical import canonical
from sync_server.acts.act import EVERYONE, Act, Done, Moment, NotFound
from sync_server.acts.finding import found
from sync_server.allowance.journal import Filed
from sync_server.roles import Role
from sync_server.store.tables import teams

Text = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Usd = Annotated[str, msgspec.Meta(max_length=20)]
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


class Price(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a model costs, in USD per million tokens as text ("3.75"), and its limits in tokens.

    `model` is PROVIDER/MODEL, or a pattern such as `anthropic/*` with a `multiplier`.
    """

    model: Text
    input: Usd = ""
    output: Usd = ""
    cache_read: Usd = ""
    cache_write_5m: Usd = ""
    cache_write_1h: Usd = ""
    web_search: Usd = ""
    multiplier: Usd = ""
    context_window: Count = 0
    max_output: Count = 0


class Rules(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """All rules of the organisation or of a team.

    `visibility`: what who is no lead sees of other members (`sync_server.visibility`). `stage`
    "warn": caps are watched, not enforced: everybody's by the organisation's rules, a team's own
    by its.
    """

    models: Annotated[list[Models], msgspec.Meta(max_length=100)] = []
    rates: Annotated[list[Rate], msgspec.Meta(max_length=100)] = []
    loop_guard: Guard | None = None
    tiers: Annotated[dict[str, Tier], msgspec.Meta(max_length=100)] = {}
    stage: Literal["hard", "warn"] = "hard"
    visibility: Literal["", "aggregate", "pseudonymous", "named"] = ""
    prices: Annotated[list[Price], msgspec.Meta(max_length=200)] = []


class Set(msgspec.Struct, forbid_unknown_fields=True):
    """The rules that hold from now on, instead of those before; `team` "" is everybody. Where they
    say no price, the prices said before stay: they come from `policy.price`."""

    rules: Rules
    team: Text = ""


class Priced(Price):
    """One model's price for everybody, in place of what was said of it; `remove` unsays that."""

    remove: bool = False


class Show(msgspec.Struct, forbid_unknown_fields=True):
    """Whose rules; `team` "" is everybody's."""

    team: Text = ""


def _set(conn: Connection, org: Row[Any], told: Set, moment: Moment) -> Done:
    scopes = [rule.scope for rule in told.rules.models] + [rule.scope for rule in told.rules.rates]
    for scope in scopes:
        Scope.of(scope)
    read_overrides({price["model"]: _said(price) for price in _prices(told.rules.prices)})
    said = {"tiers": _tiers(told.rules), **_lists(told.rules)}
    before = found(conn, teams, told.team, "team")["rules"] if told.team else org.rules
    prices = json.loads(before).get("prices", [])
    if prices and not told.rules.prices:
        said["prices"] = prices
    kept = json.loads(before).get("reserves", [])
    if kept:
        said["reserves"] = kept
    text = canonical(said).decode()
    words = moment.words("policy.set", team=told.team or "*")
    answer = {"team": told.team, "rules": _shown(text)}
    if not told.team:
        return Done(answer, (), words, org={"rules": text}, concerns=EVERYONE)
    row = {**found(conn, teams, told.team, "team"), "rules": text}
    concerns = frozenset({told.team})
    return Done(answer, [Filed("team", row)], words, policy=True, concerns=concerns)


def _shown(rules: str) -> dict[str, Any]:
    """Rules as `policy.set` takes them. Reserves are kept with them, and are told by their own
    act: who drew one, and why, is not everybody's to read."""
    return {name: rule for name, rule in json.loads(rules).items() if name != "reserves"}


def _lists(rules: Rules) -> dict[str, object]:
    said: dict[str, object] = {
        "models": [msgspec.structs.asdict(each) for each in rules.models],
        "rates": [msgspec.structs.asdict(each) for each in rules.rates],
    }
    if rules.loop_guard is not None:
        said["loop_guard"] = msgspec.structs.asdict(rules.loop_guard)
    if rules.stage == "warn":
        said["stage"] = rules.stage
    if rules.visibility:
        said["visibility"] = rules.visibility
    if rules.prices:
        said["prices"] = _prices(rules.prices)
    return said


def _prices(prices: list[Price]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(price) for price in prices]


def _said(price: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in price.items() if name != "model"}


def _price(_conn: Connection, org: Row[Any], told: Priced, moment: Moment) -> Done:
    """One model, and no other rule: a new model is priced for every online device at once."""
    rules = json.loads(org.rules)
    kept = [each for each in rules.get("prices", []) if each["model"] != told.model]
    if told.remove and kept == rules.get("prices", []):
        raise NotFound(f"no price of {told.model} is said", "agentspend-server policy show")
    price = msgspec.to_builtins(told)
    if not told.remove:
        read_overrides({told.model: _said(price)})
        kept.append(price)
    text = canonical({**rules, "prices": kept}).decode()
    words = moment.words("policy.price", model=told.model, **({"remove": True} if told.remove
                         else {"price": canonical(_said(price)).decode()}))  # fmt: skip
    return Done({"prices": kept}, (), words, org={"rules": text}, concerns=EVERYONE)


def _tiers(rules: Rules) -> dict[str, object]:
    """Tiers are keyed by name; canonical keys are narrower than names, so they are checked."""
    return {name: msgspec.structs.asdict(each) for name, each in rules.tiers.items()}


def _show(conn: Connection, org: Row[Any], told: Show, _moment: Moment) -> Done:
    rules = found(conn, teams, told.team, "team")["rules"] if told.team else org.rules
    answer = {"team": told.team, "version": org.policy, "rules": _shown(rules)}
    return Done(answer)


ACTS = (
    Act("policy.show", Role.MEMBER, Show, _show, "The rules in force, and their number"),
    Act("policy.set", Role.LEAD, Set, _set, "Put other rules in force"),
    Act("policy.price", Role.LEAD, Priced, _price, "Price a model on every device"),
)
