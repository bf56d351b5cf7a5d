"""`.agentspend.toml`: what a repository says of the work in it. It may tighten, never loosen.

It names the project and, of its member's teams, the one that pays; it adds tags, and it sets
limits that hold besides everybody else's: budgets for its own project, and rules for the sessions
that begin in it. What decides prices, providers or anything outside it is refused, for a
repository's file is written by whoever can push to it.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from agentspend.config.budgets import check_budget_name, read_budgets
from agentspend.config.lines import Key
from agentspend.config.misshapen import in_words
from agentspend.config.placing import Placing
from agentspend.config.rules import read_rules
from agentspend.config.shape import (
    BudgetSection,
    File,
    LoopGuardSection,
    ModelsSection,
    RateLimitSection,
    Section,
)
from agentspend.core.budgets import Budget
from agentspend.core.errors import ConfigError
from agentspend.core.rules import NO_RULES, Rules
from agentspend.core.scopes import Payer, is_team
from agentspend.core.tags import read_tag

MAX_BUDGETS_IN_A_FILE = 32
_PROJECT = re.compile(r"[^\s,]{1,200}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_SLUG_CHARS = 32


class RepositoryFile(Section, frozen=True):
    """The whole of a `.agentspend.toml`."""

    project: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    budgets: tuple[BudgetSection, ...] = ()
    models: tuple[ModelsSection, ...] = ()
    rate_limits: tuple[RateLimitSection, ...] = ()
    loop_guard: LoopGuardSection = LoopGuardSection()


@dataclass(frozen=True, slots=True)
class Place:
    """A file as `run` found it. `source` names it in the ledger, without this machine's folders:
    `github.com/acme/api/.agentspend.toml`; `path` is for errors; an empty text is no file."""

    source: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a session works, settled: who pays, the rules for it, and the budgets by source.

    `team_from` is the place in a file that named the payer's team, "" where no file did.
    """

    payer: Payer
    rules: Rules
    declared: Mapping[str, tuple[Budget, ...]]
    team_from: str = ""


def workplace(payer: Payer, repository: str, places: Sequence[Place]) -> Workplace:
    """What the files from the root of a work tree down to a folder say together.

    `repository` is git's name for it, `payer.project` the one a person gave by command ("": none),
    `payer.team` likewise. Every file holds; the nearest one that names a project, or a team, names
    it. Work stays filed under the other projects too, by tags, so that naming a part leads out of
    no budget for the whole.
    Raises `ConfigError` with file and line for what cannot be read, or would loosen.
    """
    project, rules, tags = repository, NO_RULES, set(payer.tags)
    team, team_from = payer.team, ""
    declared: dict[str, tuple[Budget, ...]] = {}
    names = {repository}
    for place in places:
        placing = Placing(place.text, place.path)
        found = _read(placing)
        project = found.project or project
        names.add(project)
        if found.team and not payer.team:
            team, team_from = found.team, placing.place(("team",))
        tags |= {placing.at(("tags",), partial(read_tag, tag)) for tag in found.tags}
        rules += _rules(found, placing, place.source)
        declared[place.source] = _budgets(found, project, placing, place.source)
    project = payer.project or project
    tags |= {f"project={name}" for name in names - {project, ""}}
    payer = replace(payer, project=project, team=team, tags=tuple(sorted(tags)))
    return Workplace(payer, rules, declared, team_from)


def _read(placing: Placing) -> RepositoryFile:
    """One file's sections, or an error about what does not belong there."""
    try:
        raw = tomllib.loads(placing.text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{placing.name} is not valid TOML: {error}", "mend that line") from error
    for name in raw:
        if name in File.__struct_fields__ and name not in RepositoryFile.__struct_fields__:
            known = ", ".join(RepositoryFile.__struct_fields__)
            what = "is not for a repository to set: it may only tighten"
            hint = f"take it out; a repository may set {known}"
            raise placing.error(_first(name, raw[name]), what, hint)
    try:
        found = msgspec.convert(raw, RepositoryFile)
    except msgspec.ValidationError as error:
        raise placing.error(*in_words(str(error), RepositoryFile)) from error
    if found.project and not (found.project.isprintable() and _PROJECT.fullmatch(found.project)):
        raise placing.error(("project",), "is not a name for a project",
                            "use up to 200 characters without blanks and commas")  # fmt: skip
    if found.team and not is_team(found.team):
        raise placing.error(("team",), "is not the name of a team",
                            "write it as `agentspend team status` does")  # fmt: skip
    if len(found.budgets) > MAX_BUDGETS_IN_A_FILE:
        raise placing.error(("budgets",), f"are more than {MAX_BUDGETS_IN_A_FILE}", "leave some")
    return found


def _first(name: str, value: object) -> tuple[Key, ...]:
    """Where a section begins: its header may name only what is inside it."""
    if isinstance(value, list):
        return name, 0
    return (name, next(iter(value))) if isinstance(value, dict) and value else (name,)


def _rules(found: RepositoryFile, placing: Placing, source: str) -> Rules:
    """The file's rules, each with the words for where it comes from."""
    sections = File(models=found.models, rate_limits=found.rate_limits, loop_guard=found.loop_guard)
    rules = read_rules(sections, placing.at)
    return replace(
        rules,
        models=tuple(replace(rule, source=source) for rule in rules.models),
        rates=tuple(replace(rule, source=source) for rule in rules.rates),
    )


def _budgets(
    found: RepositoryFile, project: str, placing: Placing, source: str
) -> tuple[Budget, ...]:
    """The file's budgets: for its own project only, under names that begin with it."""
    if found.budgets and not project:
        raise placing.error(("budgets",), "are for a project, and git has no name for this one",
                            'write project = "…" at the top of the file')  # fmt: skip
    budgets = []
    for number, budget in enumerate(read_budgets(found.budgets, placing)):
        name = f"{_slug(project)}.{budget.name}"
        placing.at(("budgets", number, "name"), partial(check_budget_name, name))
        scope = placing.at(("budgets", number, "scope"), partial(budget.scope.and_project, project))
        budgets.append(replace(budget, name=name, scope=scope, source=source))
    return tuple(budgets)


def _slug(project: str) -> str:
    """`github.com/acme/api` as the beginning of a budget's name: `acme-api`."""
    parts = [part for part in project.split("/") if part][-2:]
    words = parts[1:] if parts[:1] == ["local"] else parts
    slug = _NOT_IN_NAMES.sub("-", "-".join(words)).strip("-_")
    return slug[:_SLUG_CHARS].rstrip("-_") or "repository"
