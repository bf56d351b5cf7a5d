"""`agentspend run` as the help shows it; `cli.run` does the work, by a shorter way."""

from typing import Annotated

import typer

from agentspend.cli import completing
from agentspend.cli.diagnostics import UsageError
from agentspend.cli.run_args import USAGE


def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="AGENT [ARGS]… | -- CMD…",
            help="claude, codex, gemini, opencode or aider with its own arguments, or any command"
            " after --.",
            autocompletion=completing.program,
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="K=V",
            help="File this session under a tag; may be repeated, as in AGENTSPEND_TAGS.",
        ),
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="P", help="The project; by default the git remote.")
    ] = "",
    team: Annotated[
        str,
        typer.Option(
            metavar="T",
            help="Which of your teams pays; else the one that .agentspend.toml names, else your"
            " home team. `agentspend team status` names them.",
            autocompletion=completing.teams,
        ),
    ] = "",
    provider: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Ask this provider in place of the usual one of its APIs, and nobody else; may be"
            " repeated. `agentspend providers list` names them.",
            autocompletion=completing.providers,
        ),
    ] = None,
) -> None:
    """Run an agent whose every call is metered and kept within its budgets.

    It ends with one line: what the session cost, how many requests, what is left. The exit code
    is the agent's own.
    """
    raise UsageError("run what?", USAGE)
