"""`agentspend doctor`: what is wrong, and the command that mends it."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentspend.cli import output
from agentspend.cli.diagnostics import ExitCode, columns, paint
from agentspend.core.errors import AgentspendError
from agentspend.core.folding import folded

if TYPE_CHECKING:
    from agentspend.cli.checkup import Finding

MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "dim")}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Look at everything that has to be right, and name the command that mends what is not."""
    from agentspend.cli import (
        checkup,
        checkup_agents,
        checkup_apart,
        checkup_plain,
        checkup_rules,
    )

    checks: list[Callable[[], Iterator[Finding]]] = [
        checkup.configuration,
        checkup_rules.rules,
        checkup.repository,
        checkup.running_daemon,
        checkup.files,
        checkup.parts,
        checkup_agents.provider_keys,
        checkup_agents.agents,
        checkup_plain.plain_agents,
        checkup_apart.vendors_own,
        checkup_agents.surroundings,
        checkup_apart.shell_profiles,
    ]
    silent = checkup.silence()
    if silent:

        def running_daemon() -> "Iterator[Finding]":
            yield silent

        asking = (checkup.configuration, checkup.running_daemon, checkup_plain.plain_agents)
        checks = [running_daemon, *(each for each in checks if each not in asking)]
    if as_json:
        told = [_as_json(check.__name__, each) for check, each in _each(checks)]
        bad = sum(each["good"] is False for each in told)
        output.answer({"ok": not bad, "findings": told})
    else:
        bad = sum(_show(found) for _, found in _each(checks))
        output.line()
        output.line(f"{bad} to mend" if bad else "nothing to mend")
    if bad:
        raise typer.Exit(ExitCode.FAILED)


def _each(
    checks: "Sequence[Callable[[], Iterator[Finding]]]",
) -> "Iterator[tuple[Callable[[], Iterator[Finding]], Finding]]":
    """Every finding with its check; one that several checks stumble over is told once."""
    told: set[Finding] = set()
    for check in checks:
        for found in _findings(check):
            if found not in told:
                told.add(found)
                yield check, found


def _findings(check: "Callable[[], Iterator[Finding]]") -> "Iterator[Finding]":
    """What a check says; one that fails has found something too."""
    from agentspend.cli.checkup import Finding

    try:
        yield from check()
    except AgentspendError as error:
        yield Finding(False, error.message, error.hint)


def _as_json(check: str, found: "Finding") -> dict[str, Any]:
    """One finding: `good` true, false (to mend), or null (worth knowing)."""
    return {"check": check, "good": found.good, "text": found.text, "mend": found.mend}


def _show(found: "Finding") -> bool:
    """Show one finding; True when it has to be mended."""
    mark, colour = MARKS[found.good]
    text = folded(f"{mark} {found.text}", columns(sys.stdout))
    output.line(text.replace(mark, paint(mark, colour, sys.stdout), 1))
    if found.mend:
        output.sentence(f"    → {found.mend}")
    return found.good is False
