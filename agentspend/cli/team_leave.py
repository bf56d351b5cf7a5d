"""`agentspend team leave`: part with the team once it has heard what it paid for."""

import time
from typing import Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, confirmed, say, warn
from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars

WATCHED_S = 60.0
"""So long the command waits for what is in flight; the daemon goes on without it."""
LOOK_EVERY_S = 0.5
BY_ITSELF = (
    "nothing to do: it leaves once that is told; at once, untold: agentspend team leave --now"
)
NOTHING = "nothing"
Left = dict[str, Any]


def leave(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Leave also where the team cannot be told everything.")
    ] = False,
) -> None:
    """Leave the team: allowance not spent is given back, what is in flight ends and is told."""
    access.daemon()
    team = access.ask("team.status")["team"]
    if team is None:
        say("this device is in no team")
        return
    if not confirmed("leave the team on this device?", yes=yes,
                     instead="agentspend team leave --yes"):  # fmt: skip
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    found = access.ask("team.leave", now=now)
    if not found.get("left", True):
        _watch(found)
    elif (untold := _untold(found)) != NOTHING:
        instead = f"a lead ends that: agentspend-server device lost {team['device']}"
        warn(f"the team never hears of {untold}, and what it granted there stays out", instead)
    output.line("this device is in no team now")


def _watch(found: Left) -> None:
    """Wait until the daemon has left, saying what it waits for each time that changes."""
    said, until_s = "", time.monotonic() + WATCHED_S
    while True:
        text = leaving_text(found, found["failed"])
        if found["failed"] or time.monotonic() > until_s:
            raise AgentspendError(text, BY_ITSELF)
        if text != said:
            say(said := text)
        time.sleep(LOOK_EVERY_S)
        team = access.ask("team.status")["team"]
        if team is None:
            return
        found = {**team["leaving"], "failed": team["failed"]}


def leaving_text(left: Left, failed: str) -> str:
    """How far the leaving is, and what stops it."""
    of = "" if (untold := _untold(left)) == NOTHING else f" of {untold}"
    told = f"this device spends for its team no more, and leaves it once it is told{of}"
    return f"{told}: {failed}" if failed else told


def _untold(left: Left) -> str:
    flying, queued = left.get("in_flight", 0), left.get("queued", 0)
    parts = []
    if flying:
        held = f" ({dollars(left['held_nusd'])} held)"
        parts.append(f"{flying} request{'' if flying == 1 else 's'} in flight{held}")
    if queued:
        parts.append(f"{queued} report{'' if queued == 1 else 's'}")
    return " and ".join(parts) or NOTHING
