"""`agentspend pause` and `resume`: stop a session, or everybody, without killing an agent."""

from typing import Annotated, Any

import typer

from agentspend.cli import access, completing
from agentspend.cli.diagnostics import UsageError, say
from agentspend.core.phrases import in_text

EVERYBODY = ""

HELP = "As `status` shows it; its beginning will do."


def pause(
    session: Annotated[
        str,
        typer.Argument(metavar="[SESSION]", help=HELP, autocompletion=completing.sessions),
    ] = "",
    everybody: Annotated[
        bool, typer.Option("--all", help="Every session, also those that begin later.")
    ] = False,
) -> None:
    """Refuse a session's requests until it is resumed. What is on its way goes on."""
    if bool(session) == everybody:
        raise UsageError("name a session, or --all", "agentspend status")
    access.daemon()
    known = [each["id"] for each in access.ask("status")["sessions"]]
    name = EVERYBODY if everybody else _one_of(session, known, "runs")
    access.ask("session.pause", session=name)
    say("everybody is paused" if everybody else f"session {name} is paused")
    say(f"→ agentspend resume {'--all' if everybody else name}")


def resume(
    session: Annotated[
        str, typer.Argument(metavar="[SESSION]", help=HELP, autocompletion=completing.paused)
    ] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Everything that is paused.")] = False,
) -> None:
    """Let a paused session go on; without a name, the only one there is."""
    if session and everybody:
        raise UsageError("name a session, or --all", "agentspend status")
    access.daemon()
    paused = access.ask("status")["paused"]
    if not paused:
        say("nothing is paused")
        return
    if everybody:
        name = EVERYBODY
    elif session:
        name = _one_of(session, [each for each in paused if each], "is paused")
    elif len(paused) == 1:
        name = next(iter(paused))
    else:
        names = ", ".join(each or "everybody" for each in paused)
        raise UsageError(f"{len(paused)} are paused: {names}", "name one, or --all")
    for each in access.ask("session.resume", session=name)["resumed"]:
        say(f"session {each} goes on" if each else "everybody goes on")


def told(paused: dict[str, Any], now_us: int) -> list[str]:
    """What `status` says of pauses: who, why, and the way out."""
    lines = []
    for name, pause in paused.items():
        ago = in_text((now_us - int(pause["since_us"])) // 1_000_000)
        who = f"session {name} is" if name else "everybody is"
        lines.append(f"! {who} paused for {ago}: {pause['why']}")
        lines.append(f"  → agentspend resume {name or '--all'}")
    return lines


def _one_of(beginning: str, names: list[str], what: str) -> str:
    """The one name that begins so."""
    if beginning in names:
        return beginning
    found = [name for name in names if name.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{beginning!r} could be {', '.join(found)}", "give more of it")
    raise UsageError(f"no session {beginning!r} {what}", "agentspend status    lists them")
