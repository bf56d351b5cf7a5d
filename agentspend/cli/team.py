"""`agentspend team`: this device's place in a team, and asking its leads for more."""

from typing import Annotated, Any

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import say
from agentspend.cli.moments import ago_text
from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars, free_dollars, parse_usd

NO_TEAM = AgentspendError("this device is in no team", "agentspend team join URL CODE")
Team = dict[str, Any]


def join(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the team server, from the invite.")],
    code: Annotated[str, typer.Argument(metavar="CODE", help="Works once, for a day.")],
) -> None:
    """Join a team with the line its lead sent: budgets of the team hold here from then on."""
    access.daemon()
    found = access.ask("team.join", url=url, code=code)
    output.line(f"this device is {found['member']}'s in team {found['team']} now")
    _show(access.ask("team.sync")["team"])


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show the team's pools and this device's allowance in each."""
    access.daemon()
    team = access.ask("team.status")["team"]
    if as_json:
        output.answer({"team": team})
        return
    if team is None:
        raise NO_TEAM
    _show(team)


def sync() -> None:
    """Talk to the team server now, and say how it went."""
    access.daemon()
    team = access.ask("team.sync")["team"]
    if team is None:
        raise NO_TEAM
    _show(team)


def request(
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In dollars, such as 20.")],
    reason: Annotated[str, typer.Option(help="Why: the lead reads it.")] = "",
    pool: Annotated[str, typer.Option(help="Which pool; else the one with the least left.")] = "",
) -> None:
    """Ask the team's leads for a raise; once approved the allowance is there within a second."""
    access.daemon()
    found = access.ask("team.request", amount_nusd=parse_usd(amount), reason=reason, pool=pool)
    output.line(f"request {found.get('id', '')} is {found.get('status', 'open')}: a lead decides")


def leave(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Report what is left and leave the team. Allowance not spent is given back."""
    access.daemon()
    if not yes:
        typer.confirm("leave the team on this device?", abort=True, err=True)
    access.ask("team.leave")
    output.line("this device is in no team now")


def _show(team: Team | None) -> None:
    """The team in words, then its pools as a table."""
    if team is None:
        return
    output.line(f"team {team['team']} at {team['url']} · {team['member']} ({team['role']})")
    output.line(_heard(team))
    columns = ["POOL", "FOR", "WINDOW", ">CAP", ">ALLOWANCE", ">SPENT", ">HELD", ">FREE"]
    rows = [
        [
            output.plain(each["name"]),
            output.plain(each["scope"]),
            each["window"],
            dollars(each["cap_nusd"]),
            dollars(each["ours_nusd"]),
            dollars(each["spent_nusd"]),
            dollars(each["held_nusd"]),
            free_dollars(each["free_nusd"]),
        ]
        for each in team["pools"]
    ]
    if rows:
        output.line()
        output.table(columns, rows, spare=[columns.index(name) for name in (">HELD", "FOR")])
    else:
        say("the team has no budget that concerns this device")


def _heard(team: Team) -> str:
    """When the server was heard, and what waits for it."""
    queued = f", {team['queued']} reports queued" if team["queued"] else ""
    if team["state"] == "doubt":
        return "! this ledger was restored or copied: it asks the team server for a new beginning"
    if team["state"] == "retiring":
        return "✗ the team server gives this device nothing any more"
    if team["failed"]:
        return f"! offline: {team['failed']}{queued}; what it has been granted is spent on"
    if not team["heard_us"]:
        return f"the server has not been heard since the daemon started{queued}"
    return f"heard {ago_text(team['heard_us'])} ago{queued}"
