"""`agentspend budget`: what may be spent. The file declares, the daemon adopts, and says so.

What loosens a budget is a person's to do: an agent is refused, and the file is put back.
"""

from dataclasses import replace
from typing import Annotated, Any

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.diagnostics import ExitCode, UsageError, as_written, confirmed, say
from agentspend.cli.status import show_budgets
from agentspend.core.budgets import TEAM_PREFIX, BoundKind, Budget, Counts, Mode
from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars, parse_usd
from agentspend.core.scopes import KEYS, Scope
from agentspend.core.windows import Window

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The budget.", autocompletion=completing.budgets)
]


def list_budgets(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show the budgets in force, and changes that wait for you."""
    with access.reading(must_exist=False) as (ask, _):
        found = ask("status", look=True)
    if as_json:
        output.answer({"budgets": found["budgets"], "waits": found["waits"]})
        return
    show_budgets(found["budgets"], found.get("team"))
    _show_waits(found["waits"])


def set_budget(
    name: Name,
    limit: Annotated[str, typer.Argument(metavar="LIMIT", help="In dollars, such as 25.00.")],
    window: Annotated[
        str,
        typer.Option(
            metavar="WINDOW",
            help="session, subagent, hour, day, week, month, total, or rolling such as 5h.",
            autocompletion=completing.windows,
        ),
    ],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=V",
            help="Whose requests; may be repeated. Without it, everything.",
            autocompletion=completing.scopes,
        ),
    ] = None,
    mode: Annotated[Mode, typer.Option(help="hard refuses, warn only tells.")] = Mode.HARD,
    bound: Annotated[
        BoundKind, typer.Option(help="warm trusts a cache that the previous turn proved.")
    ] = BoundKind.STRICT,
    counts: Annotated[
        Counts, typer.Option(help="all counts subscription use at list price, too.")
    ] = Counts.BILLED,
) -> None:
    """Set a budget, new or not: a scope, a window and a limit."""
    from agentspend.cli import reach, smallest
    from agentspend.config.budgets import check_budget_name

    if not _is_amount(limit) and _is_amount(name):
        raise UsageError(
            f"{limit!r} is not an amount of dollars: the name comes first, then the limit",
            f"agentspend budget set {limit} {name} --window {window}",
        )
    with as_written():
        check_budget_name(name)
        wanted = Budget(
            name=name,
            limit_nusd=parse_usd(limit),
            window=Window.parse(window),
            scope=Scope.of(_terms(scope or [])),
            mode=mode,
            bound=bound,
            counts=counts,
        )
    old = next((each for each in access.config().budgets if each.name == name), None)
    if old is not None:
        wanted = replace(wanted, warn_percents=old.warn_percents)
    access.change_budget(name, wanted)
    _show_one(name)
    reach.warn_of(wanted.scope)
    smallest.show(wanted)


def raise_budget(
    name: Name,
    amount: Annotated[str, typer.Argument(metavar="[AMOUNT]", help="Dollars to add.")] = "",
    to: Annotated[str, typer.Option(metavar="LIMIT", help="The new limit instead.")] = "",
) -> None:
    """Raise a budget's limit by AMOUNT dollars, or --to a limit."""
    if bool(amount) == bool(to):
        raise UsageError(
            "give either an amount to add, or --to a limit", f"agentspend budget raise {name} 5"
        )
    _not_the_team_s(name, amount or "AMOUNT")
    old = _declared(name)
    with as_written():
        limit_nusd = parse_usd(to) if to else old.limit_nusd + parse_usd(amount)
    if limit_nusd < old.limit_nusd:
        raise UsageError(
            f"{dollars(limit_nusd)} is below the limit of {dollars(old.limit_nusd)}",
            f"agentspend budget set {name} … lowers it",
        )
    if limit_nusd == old.limit_nusd and _in_force_nusd(name) in (None, limit_nusd):
        raise UsageError(
            f"that changes nothing: the limit of {name} is {dollars(limit_nusd)} already",
            f"agentspend budget raise {name} 5",
        )
    access.change_budget(name, replace(old, limit_nusd=limit_nusd))
    _show_one(name)


def remove_budget(name: Name) -> None:
    """Remove a budget; what was spent in it stays in the ledger."""
    _not_the_team_s(name)
    source = _repository_of(name)
    if source:
        access.ask("budget.set", name=name, budget=None)
        say(f"budget {name} is gone, until a session begins where {source} still declares it")
        return
    _declared(name)
    access.change_budget(name, None)
    others = [line["name"] for line in access.ask("status")["budgets"] if line["source"]]
    say(f"budget {name} is gone; {_left(len(access.config().budgets), others)}")


def _left(count: int, others: list[str]) -> str:
    """What still holds: budgets of the configuration, and those of a team or a repository."""
    if count or not others:
        return f"{count} left" if count else "no budget is left: metering only"
    return f"none of yours is left, and {', '.join(others)} still in force"


def refuse(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The budget.", autocompletion=completing.budgets_asked_for
        ),
    ],
) -> None:
    """Say no to the requests that ask for more of a budget: they are refused now."""
    count = access.ask("question.refuse", budget=name)["refused"]
    say(
        f"{count} request{' was' if count == 1 else 's were'} refused; budget {name} stays as it is"
    )


def confirm_changes(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Adopt changes of the configuration file that loosen a budget, after showing them."""
    from agentspend.agents.base import Caller
    from agentspend.agents.repository import repository_here

    access.daemon()
    access.ask("policy.may_loosen")
    waits = access.ask("policy", repository=repository_here(Caller.here()))["waits"]
    if not waits:
        say("nothing waits: the budgets in force are those of the configuration")
        return
    _show_waits(waits)
    if not confirmed("adopt?", yes=yes, instead="agentspend budget confirm --yes"):
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    access.ask("policy.confirm", agreed=[change["what"] for change in waits])
    show_budgets(access.ask("status")["budgets"])


def _not_the_team_s(name: str, amount: str = "AMOUNT") -> None:
    """A team's cap is its leads' to change, on their server; from here one asks."""
    if name.startswith(TEAM_PREFIX):
        pool = name.removeprefix(TEAM_PREFIX)
        raise UsageError(
            f"{pool} is a cap of your team: only its leads change it, on the team server",
            f"agentspend team request {amount} --pool {pool} --reason WHY",
        )


def _declared(name: str) -> Budget:
    """A budget of the configuration, or an error with the names there are."""
    budgets = {each.name: each for each in access.config().budgets}
    source = _repository_of(name) if name not in budgets else ""
    if source:
        raise UsageError(
            f"budget {name} comes from {source}, not from the configuration",
            "change it in that file, then there: agentspend budget confirm",
        )
    if name not in budgets:
        import difflib

        near = difflib.get_close_matches(name, budgets, n=1)
        known = ", ".join(budgets) or "none is set"
        hint = f"did you mean {near[0]}?" if near else "agentspend budget list"
        raise UsageError(f"no budget is named {name!r}: {known}", hint)
    return budgets[name]


def _repository_of(name: str) -> str:
    """The repository's file that declares a budget in force, "" for any other."""
    with access.reading(must_exist=False) as (ask, _):
        lines = ask("status")["budgets"]
    return next((str(line["source"]) for line in lines if line["name"] == name), "")


def _in_force_nusd(name: str) -> int | None:
    """A budget's limit in force, which is not the file's while a raise there waits for a person;
    None for one that nobody counts in now."""
    with access.reading(must_exist=False) as (ask, _):
        lines = ask("status")["budgets"]
    return next((int(line["limit_nusd"]) for line in lines if line["name"] == name), None)


def _is_amount(text: str) -> bool:
    try:
        parse_usd(text)
    except AgentspendError:
        return False
    return True


def _terms(scope: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in scope]
    for key, equals, _ in pairs:
        if not equals:
            like = f"{key}=VALUE" if key in KEYS else f"agent={key}, project={key} or tag={key}"
            raise UsageError(f"scope {key!r} names no value", f"write it like {like}")
    keys = [key for key, _, _ in pairs]
    unknown = next((key for key, _, _ in pairs if key not in KEYS), "")
    if unknown:
        raise UsageError(
            f"{unknown!r} is not something a budget can be for",
            f"use one of: {', '.join(KEYS)}; for a tag of yours: --scope tag={unknown}=VALUE",
        )
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise UsageError(f"scope {twice!r} is given twice", "a budget is for one of each")
    return {key: value for key, _, value in pairs}


def _show_one(name: str) -> None:
    """The state a budget is in now."""
    show_budgets([line for line in access.ask("status")["budgets"] if line["name"] == name])


def _show_waits(waits: list[dict[str, Any]]) -> None:
    for change in waits:
        output.sentence(f"! waits for you: {change['what']}")
    if waits:
        output.line("  → agentspend budget confirm")
