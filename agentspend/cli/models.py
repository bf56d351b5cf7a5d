"""`agentspend models`: which models one running session may use."""

from typing import Annotated

import typer

from agentspend.cli import access, completing
from agentspend.cli.diagnostics import UsageError, say


def models(
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION", help="As `status` names it.", autocompletion=completing.sessions
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="MODEL", help="Its id, or a pattern; may be repeated."),
    ] = None,
    any_model: Annotated[
        bool, typer.Option("--any", help="Lift what --only said; other rules stay.")
    ] = False,
) -> None:
    """Allow a running session only cheaper models, from its next request on."""
    if bool(only) == any_model:
        raise UsageError(
            "give --only PATTERN or --any", f"agentspend models {session} --only '*haiku*'"
        )
    access.ask("session.models", session=session, allow=only or [])
    if only:
        say(f"session {session} may use only {', '.join(only)}")
    else:
        say(f"session {session} may use every model that other rules allow")
