"""What a change of budgets means: what tightens holds at once, what loosens waits for a person.

Pure. The result is the budgets in force and the changes that wait (DESIGN.md §6).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentspend.core.budgets import BoundKind, Budget, Counts, Mode
from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars
from agentspend.core.scopes import Scope
from agentspend.core.windows import Window

RULE_SECTIONS = ("models", "rate_limits", "downgrades", "loop_guard")
"""The settings that are rules: who may use which model, how fast, and what happens instead."""
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PendingChange:
    """One declared change that is not in force; `text` says what changes, as a whole sentence.

    `budget` is its name, "" for a change of the settings beside the budgets.
    """

    budget: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """`adopt`: the budgets in force from now on. `waits`: what a person must confirm."""

    adopt: tuple[Budget, ...]
    waits: tuple[PendingChange, ...]


def policy_diff(old: tuple[Budget, ...] | None, new: tuple[Budget, ...]) -> PolicyDiff:
    """Compare the budgets in force with the declared ones; `old` None adopts everything.

    Raises AgentspendError when two declared budgets have one name: their accounts would be one.
    """
    names = [budget.name for budget in new]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AgentspendError(f"two budgets are called {twice!r}", "give one of them another name")
    if old is None:
        return PolicyDiff(new, ())
    declared = {budget.name: budget for budget in new}
    known = {budget.name for budget in old}
    adopt: list[Budget] = []
    waits: list[PendingChange] = []
    for budget in old:
        wanted = declared.get(budget.name)
        if wanted is None:
            adopt.append(budget)
            waits.append(PendingChange(budget.name, f"budget {budget.name} is removed"))
            continue
        now, later = _tighten(budget, wanted)
        adopt.append(now)
        waits += [PendingChange(budget.name, f"budget {budget.name} {text}") for text in later]
    adopt += [budget for budget in new if budget.name not in known]
    return PolicyDiff(tuple(adopt), tuple(waits))


def _tighten(old: Budget, new: Budget) -> tuple[Budget, list[str]]:
    """One budget: the part of the change that only tightens, and words for the rest.

    A budget that moves stays whole as it was: what is tight there need not be tight here.
    """
    waits = []
    moves = new.scope != old.scope or new.window != old.window
    if moves:
        waits.append(
            f"moves from {old.scope.text()} per {old.window.text()}"
            f" to {new.scope.text()} per {new.window.text()}"
        )
    if new.limit_nusd > old.limit_nusd:
        waits.append(f"limit rises from {dollars(old.limit_nusd)} to {dollars(new.limit_nusd)}")
    if old.mode is Mode.HARD and new.mode is Mode.WARN:
        waits.append("turns from hard to warn")
    if old.bound is BoundKind.STRICT and new.bound is BoundKind.WARM:
        waits.append("bound turns from strict to warm")
    if old.counts is Counts.ALL and new.counts is Counts.BILLED:
        waits.append("counts turns from all to billed")
    if moves:
        return old, waits
    adopted = replace(
        old,
        limit_nusd=min(old.limit_nusd, new.limit_nusd),
        mode=Mode.HARD if Mode.HARD in (old.mode, new.mode) else Mode.WARN,
        bound=BoundKind.STRICT if BoundKind.STRICT in (old.bound, new.bound) else BoundKind.WARM,
        counts=Counts.ALL if Counts.ALL in (old.counts, new.counts) else Counts.BILLED,
        warn_percents=new.warn_percents,
    )
    return adopted, waits


def has_rules(settings: Mapping[str, Any]) -> bool:
    """Whether adopted settings hold any rule."""
    return any(settings.get(name) for name in RULE_SECTIONS)


def only_adds_rules(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether settings differ in nothing but rules that were added: that only tightens.

    A loop guard that changes is compared whole: it counts as added only where there was none.
    """
    others = {*old, *new}.difference(RULE_SECTIONS)
    if any(old.get(name) != new.get(name) for name in others):
        return False
    guard = old.get("loop_guard") or {}
    if guard.get("repeats") and new.get("loop_guard") != guard:
        return False
    lists = (name for name in RULE_SECTIONS if name != "loop_guard")
    return all(rule in new.get(name, ()) for name in lists for rule in old.get(name, ()))


def settings_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[PendingChange, ...]:
    """Each setting that would change, with what it is and what it would be; one at least.

    A value that may hold a password (`user:…@host`) is not shown.
    """
    before, after = dict(_settings(old)), dict(_settings(new))
    changed = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
    texts = [
        f"{_name_of(path)} {_turns(before.get(path), after.get(path))}"
        for path in changed
        if not any(len(other) > len(path) and other[: len(path)] == path for other in changed)
    ]
    return tuple(PendingChange("", text) for text in texts or ["the settings change"])


def _settings(section: Mapping[str, Any], place: _Path = ()) -> list[tuple[_Path, Any]]:
    """Every setting by its path; a section that says nothing counts as one."""
    found: list[tuple[_Path, Any]] = []
    for key, value in section.items():
        inner = _settings(value, (*place, key)) if isinstance(value, Mapping) else []
        found += inner or [((*place, key), value)]
    return found


def _name_of(path: _Path) -> str:
    """A setting as TOML names it: `prices."anthropic/*".multiplier`."""
    if path == ("zone",):
        return "daemon.zone"
    return ".".join(key if _BARE_KEY.fullmatch(key) else json.dumps(key) for key in path)


def _turns(old: Any, new: Any) -> str:
    """`changes from 1 to 2`, `is set to 2`, `is removed`."""
    was, will = json.dumps(old), json.dumps(new)
    if new is None:
        return "is removed"
    if "@" in was + will:
        return "changes" if old is not None else "is set"
    if old is not None:
        return f"changes from {was} to {will}"
    return f"is set to {will}" if new != {} else "is added"


def budget_to_dict(budget: Budget) -> dict[str, Any]:
    """A budget as the JSON of a ledger entry: strings and integers only."""
    source = {"source": budget.source} if budget.source else {}
    return {
        "name": budget.name,
        "limit_nusd": budget.limit_nusd,
        "window": budget.window.text(),
        "scope": dict(budget.scope.terms),
        "mode": budget.mode.value,
        "bound": budget.bound.value,
        "counts": budget.counts.value,
        "warn_percents": list(budget.warn_percents),
        **source,
    }


def budget_from_dict(kept: Mapping[str, Any]) -> Budget:
    """Read back what `budget_to_dict` wrote."""
    return Budget(
        name=kept["name"],
        limit_nusd=kept["limit_nusd"],
        window=Window.parse(kept["window"]),
        scope=Scope.of(kept["scope"]),
        mode=Mode(kept["mode"]),
        bound=BoundKind(kept["bound"]),
        counts=Counts(kept["counts"]),
        warn_percents=tuple(kept["warn_percents"]),
        source=kept.get("source", ""),
    )
