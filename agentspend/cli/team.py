"""`agentspend team`: this device's place in a team, asking its leads for more, and answering."""

from typing import Annotated, Any

import typer

from agentspend.cli import access, completing, output
from agentspend.cli.diagnostics import UsageError, as_written, say
from agentspend.cli.moments import ago_text, now_us
from agentspend.cli.status import frozen_lines
from agentspend.cli.team_leave import leaving_text
from agentspend.control.versions import unknown_to
from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars, free_dollars, parse_usd
from agentspend.core.phrases import in_text

NO_TEAM = AgentspendError("this device is in no team", "agentspend team join URL CODE")
Team = dict[str, Any]


def join(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the team server, from the invite.")],
    code: Annotated[str, typer.Argument(metavar="CODE", help="Works once, for a day.")],
) -> None:
    """Join a team with the line its lead sent: budgets of the team hold here from then on."""
    access.daemon()
    found = access.ask("team.join", url=url, code=code)
    output.sentence(f"this device is {found['member']}'s in team {found['team']} now")
    _show(access.ask("team.sync")["team"])


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show the team's pools, what all of it committed there, and this device's own allowance."""
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
    pool: Annotated[
        str,
        typer.Option(
            metavar="POOL",
            help="Which cap; else the one with the least left.",
            autocompletion=completing.pools,
        ),
    ] = "",
    team: Annotated[
        str,
        typer.Option(
            metavar="T",
            help="Which of your teams; else as for `agentspend run`.",
            autocompletion=completing.teams,
        ),
    ] = "",
) -> None:
    """Ask the team's leads for a raise; once approved the allowance is there within a second.

    For whom is as for `run` here: --team, else .agentspend.toml, else your home team.
    """
    if pool and team:
        raise UsageError("--pool names a cap and --team a team, whose tightest cap is meant",
                         f"agentspend team request {amount} --pool {pool}")  # fmt: skip
    with as_written():
        amount_nusd = parse_usd(amount)
    if not amount_nusd:
        raise UsageError("nothing is asked for", "agentspend team request 20 --reason WHY")
    fields: dict[str, Any] = {"amount_nusd": amount_nusd, "reason": reason, "pool": pool}
    if not pool:
        from agentspend.agents.base import Caller
        from agentspend.agents.repository import repository_here

        fields |= {"payer": {"team": team}, "repository": repository_here(Caller.here())}
    access.daemon()
    found = access.ask("team.request", **fields)
    if team and "team" not in found:
        raise unknown_to(str(access.ask("ping")["version"]), "--team")
    status = str(found.get("status", "open"))
    what = "a lead decides" if status == "open" else "a lead has decided; ask again for more"
    whose = f" for team {name}" if (name := found.get("team", "")) else ""
    cap = f" of {output.plain(name)}" if (name := found.get("pool", "")) else ""
    output.sentence(f"request {found.get('id', '')}{whose} for more{cap} is {status}: {what}")


Request = Annotated[
    str,
    typer.Argument(
        metavar="REQUEST", help="As `team requests` names it.", autocompletion=completing.raises
    ),
]


def requests(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show who asks for more, and why: a lead sees everybody's questions, others their own."""
    team = _team()
    questions = (team["overview"] or {}).get("questions", [])
    if as_json:
        output.answer({"questions": questions})
    elif team["overview"] is None:
        raise AgentspendError("the team server has not told yet", "agentspend team sync")
    elif not questions:
        say("nobody asks for more")
    else:
        columns = ["REQUEST", "MEMBER", "DEVICE", "CAP", ">AMOUNT", "ASKED", "REASON"]
        output.table(columns, [_question(each) for each in questions], spare=[2, 6])


def _question(each: Team) -> list[str]:
    asked = f"{ago_text(each['asked_us'])} ago"
    words = (each["request"], each["member"], each["label"], each["pool"])
    amount = dollars(each["amount_nusd"])
    return [*map(output.plain, words), amount, asked, output.plain(each["reason"])]


def approve(
    name: Request,
    amount: Annotated[
        str, typer.Option(metavar="DOLLARS", help="Another amount than was asked for.")
    ] = "",
) -> None:
    """Raise the cap once, in this window; the device has it within a second. For leads."""
    with as_written():
        amount_nusd = parse_usd(amount) if amount else 0
    found = _decide(name, "approve", amount_nusd)
    output.sentence(f"{found['pool']} is {dollars(found['cap_nusd'])} in this window")
    if found.get("also_short"):
        say(f"less than that is left in {', '.join(found['also_short'])}, too")


def deny(name: Request) -> None:
    """Answer no. For leads."""
    _decide(name, "refuse")
    output.sentence(f"{name} is refused")


def reopen(name: Request) -> None:
    """Take an answer back within ten minutes: what an approval raised is gone. For leads."""
    _decide(name, "reopen")
    output.sentence(f"{name} is open again")


def _decide(name: str, verdict: str, amount_nusd: int = 0) -> Team:
    access.daemon()
    return access.ask("team.decide", request=name, verdict=verdict, amount_nusd=amount_nusd)


def _team() -> Team:
    access.daemon()
    team: Team | None = access.ask("team.status")["team"]
    if team is None:
        raise NO_TEAM
    return team


def reserve(
    pool: Annotated[
        str,
        typer.Argument(
            metavar="POOL", help="As `team status` names it.", autocompletion=completing.pools
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why: the leads read it.")],
) -> None:
    """Draw a cap's emergency reserve, once in its window; the leads are told who and why."""
    access.daemon()
    found = access.ask("team.reserve", pool=pool, reason=reason)
    output.sentence(f"the reserve of {found['pool']} is drawn, and the leads are told")


def add_device(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Let another machine of yours into the team: prints the line to type there."""
    access.daemon()
    found = access.ask("team.add_device")
    if as_json:
        output.answer(found)
        return
    output.line(found["join"])
    left_s = max(0, found["expires_us"] - now_us()) // 1_000_000
    say(f"type that on the other machine: it lets one in as {found['member']}, once, for"
        f" {in_text(left_s)}")  # fmt: skip


def _show(team: Team | None) -> None:
    """The team in words, then its pools as a table."""
    if team is None:
        return
    output.sentence(f"{_teams(team)} at {team['url']} · {team['member']} ({team['role']})")
    output.sentence(_heard(team))
    if team["frozen"]:
        output.sentence(
            "✗ frozen: a lead has stopped all spending; agentspend-server unfreeze ends it"
        )
    for text in [] if team["frozen"] else frozen_lines(team):
        output.sentence(f"{text}; agentspend-server unfreeze ends it")
    overview = team["overview"] or {}
    known = {each["pool"]: each for each in overview.get("pools", ())}
    columns = ["POOL", "FOR", "WINDOW", ">CAP", ">COMMITTED", ">ALLOWANCE", ">SPENT", ">HELD",
               ">FREE"]  # fmt: skip
    rows = [
        [
            output.plain(_named(each)),
            output.plain(each["scope"]),
            each["window"],
            dollars(each["cap_nusd"]),
            _committed(known.get(each["name"])),
            dollars(each["ours_nusd"]),
            dollars(each["spent_nusd"]),
            dollars(each["held_nusd"]),
            free_dollars(each["free_nusd"]),
        ]
        for each in team["pools"]
    ]
    if team.get("leaving") is not None:
        return
    if rows:
        output.line()
        output.table(columns, rows, spare=[columns.index(name) for name in (">HELD", "FOR")])
    else:
        say("the team has no budget that concerns this device")
    for pool, kept in ((each["pool"], each.get("reserve_nusd")) for each in known.values()):
        if kept:
            draw = f"agentspend team reserve {output.plain(pool)} --reason …"
            say(f"{dollars(kept)} of {output.plain(pool)} is kept for an emergency: {draw}")
    if questions := overview.get("questions"):
        say(f"{len(questions)} open: agentspend team requests")


def _teams(team: Team) -> str:
    """`team backend`, `teams backend (home) and data`."""
    further = [each["team"] for each in team.get("teams", ()) if each["team"] != team["team"]]
    if not further:
        return f"team {team['team']}"
    return f"teams {team['team']} (home) and {', '.join(further)}"


def _committed(seen: Team | None) -> str:
    """What all devices spent and may still spend of what they were granted."""
    return dollars(seen["spent_nusd"] + seen["out_nusd"]) if seen is not None else "?"


def _named(pool: Team) -> str:
    """A pool's name; one that the team only watches says so."""
    return f"{pool['name']} (warn)" if pool.get("mode") == "warn" else str(pool["name"])


def _heard(team: Team) -> str:
    """When the server was heard, and what waits for it."""
    count = team["queued"]
    queued = f", {count} report{'' if count == 1 else 's'} to send" if count else ""
    if team.get("leaving") is not None:
        return leaving_text(team["leaving"], team["failed"])
    if team["state"] == "doubt":
        return "! this ledger was restored or copied: it asks the team server for a new beginning"
    if team["state"] == "retiring":
        return "✗ the team server gives this device nothing any more"
    if team["failed"]:
        return f"! offline: {team['failed']}{queued}; what it has been granted is spent on"
    if not team["heard_us"]:
        return f"the server has not been heard since the daemon started{queued}"
    return f"heard {ago_text(team['heard_us'])} ago{queued}"
