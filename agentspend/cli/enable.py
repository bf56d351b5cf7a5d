"""`agentspend enable` as it is written and explained; what it does is in `enabling`."""

from typing import Annotated

import typer

from agentspend.agents import AGENTS
from agentspend.cli import completing


def enable(
    agent: Annotated[
        str,
        typer.Argument(metavar="AGENT", help=", ".join(AGENTS), autocompletion=completing.agents),
    ],
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
) -> None:
    """Lead a plain agent, an editor's included, through agentspend by a virtual key of its own."""
    from agentspend.cli import enabling

    enabling.enable(agent, undo=undo, yes=yes, dry_run=dry_run)
