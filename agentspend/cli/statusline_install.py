"""`agentspend statusline`, as typer sees it: the help, and what `--install` sets up.

The line itself is `cli.statusline`, which starts without typer.
"""

from typing import Annotated

import typer

from agentspend.cli import completing


def statusline(
    shape: Annotated[
        str,
        typer.Option(
            "--format",
            help="claude (ANSI colours), tmux or plain.",
            autocompletion=completing.of("claude", "tmux", "plain"),
        ),
    ] = "claude",
    install: Annotated[
        bool,
        typer.Option(
            "--install",
            help="Show it in `agentspend run claude`; your own settings stay as they are.",
        ),
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="With --install: take it out.")] = False,
) -> None:
    """One line: this session's cost, the tightest budget, the pace, a subscription's windows.

    Reads Claude Code's JSON on stdin. A status line of your own in Claude Code's settings is kept.
    """
    from agentspend.cli import access, output
    from agentspend.cli import statusline as bare
    from agentspend.cli.diagnostics import UsageError
    from agentspend.config.edit import with_statusline

    if undo and not install:
        raise UsageError("--undo goes with --install", "agentspend statusline --install --undo")
    if not install:
        raise typer.Exit(bare.main(["--format", shape]))
    access.change_plain(lambda text: with_statusline(text, shown=not undo))
    if undo:
        output.sentence("the status line is no longer shown in agentspend run claude")
        return
    output.sentence("the next `agentspend run claude` shows the status line under its prompt")
    output.sentence("→ tmux: set -g status-right '#(agentspend statusline --format tmux)'")
