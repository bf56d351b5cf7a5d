"""Caps, requests, the policy, freezes and tokens."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from agentspend.core.money import dollars
from sync_server.cli import completing, output, shown
from sync_server.cli.helping import UsageError, why_not
from sync_server.cli.people import Json, told
from sync_server.cli.seat import ask
from sync_server.cli.shown import nusd, when
from sync_server.names import name_of
from sync_server.roles import Role

Window = Annotated[
    Literal["day", "week", "month", "total"],
    typer.Option(help="How often it starts anew. Several windows may stand at once."),
]
Limit = Annotated[
    str, typer.Argument(metavar="LIMIT", help="In dollars, such as 500; off takes it away.")
]
InTeam = Annotated[
    str,
    typer.Option(metavar="TEAM", help="Only this team's.", autocompletion=completing.teams),
]
Request = Annotated[
    str,
    typer.Argument(
        metavar="REQUEST", help="As request list names it.", autocompletion=completing.requests
    ),
]
_NAMES = {
    "team": completing.teams, "member": completing.members, "device": completing.devices
}  # fmt: skip


def _name(what: str) -> Any:
    return typer.Argument(
        metavar=what.upper(), help=f"The {what}.", autocompletion=_NAMES.get(what)
    )


def org_set_cap(limit: Limit, window: Window, as_json: Json = False) -> None:
    """Cap what everybody spends together."""
    _set("org", "", limit, window, as_json=as_json)


def team_set_cap(
    team: Annotated[str, _name("team")], limit: Limit, window: Window, as_json: Json = False
) -> None:
    """Cap what a team spends together."""
    _set("team", name_of(team), limit, window, as_json=as_json)


def member_set_cap(
    member: Annotated[str, _name("member")], limit: Limit, window: Window, as_json: Json = False
) -> None:
    """Cap what a member spends on all of their devices."""
    _set("member", member, limit, window, as_json=as_json)


def device_set_cap(
    device: Annotated[str, _name("device")], limit: Limit, window: Window, as_json: Json = False
) -> None:
    """Cap what one device spends."""
    _set("device", device, limit, window, as_json=as_json)


def project_set_cap(
    project: Annotated[str, _name("project")],
    limit: Limit,
    window: Window,
    team: InTeam = "",
    as_json: Json = False,
) -> None:
    """Cap what is spent on a project (a repository), by everybody or one team."""
    _set("project", project, limit, window, team, as_json=as_json)


def tag_set_cap(
    tag: Annotated[str, _name("tag")],
    limit: Limit,
    window: Window,
    team: InTeam = "",
    as_json: Json = False,
) -> None:
    """Cap what is spent under a tag, by everybody or one team."""
    _set("tag", tag, limit, window, team, as_json=as_json)


def _set(level: str, name: str, limit: str, window: str, team: str = "", *, as_json: bool) -> None:
    cap_nusd = None if limit == "off" else nusd(limit)
    found = ask("cap.set", level=level, name=name, window=window, cap_nusd=cap_nusd, team=team)
    if as_json:
        output.answer(found)
        return
    if cap_nusd is None:
        output.say(f"{found['pool']} is no cap any more")
        return
    each = "in all" if window == "total" else f"a {window}"
    output.say(
        f"{found['pool']} is {dollars(cap_nusd)} {each}; online devices know within a second"
    )
    if found["note"]:
        output.say(found["note"])


def org_show(as_json: Json = False) -> None:
    """Show every cap, and how many people and devices there are."""
    found = ask("org.show")
    if as_json:
        output.answer(found)
        return
    frozen = " · FROZEN" if found["frozen"] else ""
    output.say(
        f"{found['org']} · members {found['members']} · devices {found['devices']} · "
        f"days begin in {found['zone']}{frozen}"
    )
    if found["clock"]["in_doubt"]:
        output.say(shown.doubt(found["clock"]))
        output.say("→ set it right; or, if it is: agentspend-server org confirm-clock TODAY'S-DATE")
    if not found["caps"]:
        output.say("there is no cap yet")
        output.say("→ agentspend-server org set-cap 500 --window month")
        return
    shown.caps(found["caps"])


def org_confirm_clock(
    today: Annotated[str, typer.Argument(metavar="DATE", help="Today's, such as 2026-11-26.")],
    as_json: Json = False,
) -> None:
    """Say that the server's clock is right, after it was off for more than a week: by today's date,
    so that a wrong clock is never confirmed. Windows that have ended begin anew."""
    found = ask("clock.confirm", today=today)
    told(found, "the server's clock is believed again", as_json=as_json)


def request_list(
    every: Annotated[bool, typer.Option("--all", help="Also those that were answered.")] = False,
    as_json: Json = False,
) -> None:
    """Show who asks for more, and why."""
    found = ask("request.list", all=every)
    if as_json:
        output.answer(found)
        return
    if not found["requests"]:
        output.say("nobody asks for more")
        return
    output.table(
        ["request", "member", "cap", ">amount", "asked", "state", "reason"],
        [[line["request"], line["member"], line["pool"], dollars(line["amount_nusd"]),
          when(line["asked_us"]), line["status"], line["reason"]] for line in found["requests"]],
    )  # fmt: skip


def request_approve(
    request: Request,
    amount: Annotated[
        str, typer.Option(metavar="DOLLARS", help="Another amount than was asked for.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Raise the cap once, in this window; the device has it within a second."""
    amount_nusd = nusd(amount) if amount else None
    found = ask("request.approve", request=request, amount_nusd=amount_nusd)
    told(found, f"{found['pool']} is {dollars(found['cap_nusd'])} in this window", as_json=as_json)
    if found["also_short"] and not as_json:
        output.say(f"less than that is left in {', '.join(found['also_short'])}, too")


def request_deny(request: Request, as_json: Json = False) -> None:
    """Answer no."""
    told(ask("request.refuse", request=request), f"{request} is refused", as_json=as_json)


def request_reopen(request: Request, as_json: Json = False) -> None:
    """Take an answer back: the question is open again, and an approval's raise is gone."""
    told(ask("request.reopen", request=request), f"{request} is open again", as_json=as_json)


def policy_show(team: InTeam = "", as_json: Json = False) -> None:
    """Show the rules in force besides caps, as policy set takes them."""
    found = ask("policy.show", team=name_of(team) if team else "")
    if as_json:
        output.answer(found)
        return
    output.line(json.dumps(found["rules"], indent=2, ensure_ascii=False))
    output.say(f"policy {found['version']}")


def policy_set(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML or JSON.")],
    team: InTeam = "",
    as_json: Json = False,
) -> None:
    """Put the rules of a file in force: models, rates, loop_guard, tiers."""
    import tomllib

    try:
        text = file.read_text("utf-8")
        rules = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {why_not(error)}", "give TOML or JSON") from error
    found = ask("policy.set", rules=rules, team=name_of(team) if team else "")
    told(found, "the policy is in force; whoever is online has it by now", as_json=as_json)


def policy_price(
    model: Annotated[str, typer.Argument(metavar="PROVIDER/MODEL", help="Which model.")],
    input_: Annotated[str, typer.Option("--input", metavar="USD", help="Per million tokens.")] = "",
    output_: Annotated[
        str, typer.Option("--output", metavar="USD", help="Per million tokens.")
    ] = "",
    cache_read: Annotated[str, typer.Option(metavar="USD", help="Without it, as input.")] = "",
    cache_write: Annotated[str, typer.Option(metavar="USD", help="Of five minutes.")] = "",
    context: Annotated[int, typer.Option(metavar="TOKENS", min=0, help="Its window.")] = 0,
    max_output: Annotated[int, typer.Option(metavar="TOKENS", min=0, help="At most.")] = 0,
    remove: Annotated[bool, typer.Option("--remove", help="Unsay what was said of it.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Price a model on every device that is online, now; the others hear of it when they are."""
    said = {
        "input": input_, "output": output_, "cache_read": cache_read,
        "cache_write_5m": cache_write, "context_window": context, "max_output": max_output,
        "remove": remove,
    }  # fmt: skip
    given = {name: value for name, value in said.items() if value}
    found = ask("policy.price", model=model, **given)
    words = f"nothing is said of {model} any more" if remove else f"{model} is priced for everybody"
    told(found, words, as_json=as_json)


def reserve_set(
    pool: Annotated[
        str,
        typer.Argument(
            metavar="POOL", help="As `org show` names it.", autocompletion=completing.pools
        ),
    ],
    limit: Limit,
    as_json: Json = False,
) -> None:
    """Keep a part of a cap for an emergency: granted once a developer draws it, saying why."""
    kept_nusd = None if limit == "off" else nusd(limit)
    found = ask("reserve.set", pool=pool, reserve_nusd=kept_nusd)
    told(found, f"{dollars(found['reserve_nusd'])} of {pool} are kept back", as_json=as_json)


def reserve_list(as_json: Json = False) -> None:
    """Show every reserve, and who drew it in this window and why."""
    found = ask("reserve.list")
    if as_json:
        output.answer(found)
        return
    output.table(
        ["pool", ">reserve", "drawn by", "why"],
        [[line["pool"], dollars(line["reserve_nusd"]), line["by"] or "—", line["why"]]
         for line in found["reserves"]],
    )  # fmt: skip


Frozen = Annotated[
    str,
    typer.Argument(metavar="TEAM", help="Without it, everybody.", autocompletion=completing.teams),
]


def freeze(team: Frozen = "", as_json: Json = False) -> None:
    """Stop all spending of a team, or of everybody, at once."""
    found = ask("freeze", team=name_of(team) if team else "")
    told(found, f"{team or 'everybody'} spends nothing from now on", as_json=as_json)


def unfreeze(team: Frozen = "", as_json: Json = False) -> None:
    """Let a team spend again."""
    found = ask("unfreeze", team=name_of(team) if team else "")
    told(found, f"{team or 'everybody'} may spend again", as_json=as_json)


def token_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    member: Annotated[
        str, typer.Option(metavar="MEMBER", help="Stand for a member, with the member's role.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Make a token for another machine; it is shown once."""
    found = ask("token.create", name=name, role=role.value, member=member)
    if as_json:
        output.answer(found)
        return
    output.line(found["token"])
    output.say("this token is shown once: only its hash is kept")


def token_list(as_json: Json = False) -> None:
    """Show every token: what for, whose, which role."""
    found = ask("token.list")
    if as_json:
        output.answer(found)
        return
    output.table(
        ["token", "role", "member", "made", "state"],
        [[line["name"], "" if line["member"] else line["role"], line["member"] or "",
          when(line["made_us"]), "" if line["active"] else "ended"] for line in found["tokens"]],
    )  # fmt: skip


def token_revoke(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Which one.", autocompletion=completing.tokens),
    ],
    as_json: Json = False,
) -> None:
    """End a token."""
    told(ask("token.revoke", name=name), f"token {name} opens nothing any more", as_json=as_json)
