"""`agentspend top`: the live screen, over the running daemon, the ledger's file, or a recording."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentspend.cli import completing

if TYPE_CHECKING:
    from agentspend.cli.top_source import Live
    from tui.replay import Replay


def top(
    filter_text: Annotated[
        str, typer.Option("--filter", help="Show only: agent:codex >0.10 !refused")
    ] = "",
    view: Annotated[
        str,
        typer.Option(
            help="agents, requests, models, projects, refused or team.",
            autocompletion=completing.of(
                "agents", "requests", "models", "projects", "refused", "team"
            ),
        ),
    ] = "agents",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look, and change nothing.")
    ] = False,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII only.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Play a recorded day.")] = False,
    speed: Annotated[int, typer.Option(min=1, max=100, help="How fast the demo plays.")] = 1,
) -> None:
    """Show what is left, until when, and who spends it, live.

    Without a daemon it shows what the ledger says, and that nothing is enforced.
    """
    import tzlocal

    from agentspend.cli import output
    from agentspend.cli.diagnostics import UsageError, as_written
    from agentspend.core.filters import parse_filter
    from agentspend.core.printable import writes_signs
    from tui.app import TopApp
    from tui.format import Glyphs
    from tui.rows import View

    names = {each.value.lower(): each for each in View}
    if view.lower() not in names:
        raise UsageError(f"{view!r} is not a list", f"use one of: {', '.join(names)}")
    with as_written():
        parse_filter(filter_text)
    output.need_terminal("a screen", "agentspend status")
    app = TopApp(
        _replay(speed) if demo else _live(),
        zone=tzlocal.get_localzone(),
        read_only=read_only,
        glyphs=Glyphs(ascii_only or not writes_signs(sys.stderr.encoding)),
        view=names[view.lower()],
        filter_text=filter_text,
    )
    if (error := app.run()) is not None:
        raise error


def _live() -> "Live":
    from agentspend.cli import access
    from agentspend.cli.top_source import Live

    access.renew()
    return Live()


def _replay(speed: int) -> "Replay":
    from tui.replay import DEMO, Replay, in_team, read

    messages = in_team(read(DEMO))
    return Replay(messages, until_us=messages[0]["at_us"], speed=speed)
