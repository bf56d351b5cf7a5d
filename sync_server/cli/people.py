"""Teams, members, invites and devices."""

from pathlib import Path
from typing import Annotated, Any

import typer

from agentspend.core.money import dollars
from sync_server.cli import completing, output
from sync_server.cli.helping import UsageError, why_not
from sync_server.cli.seat import ask
from sync_server.cli.shown import when
from sync_server.names import name_of
from sync_server.roles import Role

MOST_H = 720
"""As long as `acts.invites` lets an invite hold; to load that takes a database's library."""
Json = Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")]
Member = Annotated[
    str,
    typer.Argument(metavar="MEMBER", help="The member.", autocompletion=completing.members),
]
Device = Annotated[
    str,
    typer.Argument(
        metavar="DEVICE", help="As device list names it.", autocompletion=completing.devices
    ),
]
MoreTeam = Annotated[
    str,
    typer.Argument(metavar="TEAM", help="As team list names it.", autocompletion=completing.teams),
]
COLUMNS = ("member", "name", "email", "team", "role", "tier")


def told(found: Any, text: str, *, as_json: bool) -> None:
    """What an act did: data for scripts, or a sentence."""
    if as_json:
        output.answer(found)
    else:
        output.say(text)


def team_create(
    team: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    as_json: Json = False,
) -> None:
    """Make a team."""
    found = ask("team.create", team=team)
    told(found, f"team {found['team']} is there", as_json=as_json)


def team_list(as_json: Json = False) -> None:
    """Show every team with its people and devices."""
    found = ask("team.list")
    if as_json:
        output.answer(found)
        return
    output.table(
        ["team", ">members", ">devices", "state"],
        [[line["team"], line["members"], line["devices"], "frozen" if line["frozen"] else ""]
         for line in found["teams"]],
    )  # fmt: skip


def member_add(
    member: Member,
    team: Annotated[
        str,
        typer.Option(metavar="TEAM", help="The team; of several (backend;data) the first is home."),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="A person's name.")] = "",
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="An e-mail address.")] = "",
    role: Annotated[Role, typer.Option(help="What they may do here.")] = Role.MEMBER,
    tier: Annotated[str, typer.Option(metavar="TIER", help="Which models, by the policy.")] = "",
    as_json: Json = False,
) -> None:
    """Add a member; the line that joins their device is printed."""
    found = ask("member.add", member=member, team=team, name=name, email=email,
                role=role.value, tier=tier)  # fmt: skip
    _hand_over(found, found["invite"], as_json=as_json)


def member_import(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=f"With {', '.join(COLUMNS)}.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Revoke every member who is not in the file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the members those of a file; each new one's join line is printed. May be run again."""
    found = ask("member.import", members=_people(file), prune=prune)
    if as_json:
        output.answer(found)
        return
    for invite in found["added"]:
        output.line(f"{invite['member']}: {invite['join']}")
    output.say(
        f"{len(found['added'])} added, {len(found['changed'])} changed, "
        f"{len(found['revoked'])} revoked"
    )
    if found["not_listed"]:
        output.say(f"not in the file: {', '.join(found['not_listed'])}")
        output.say(f"→ agentspend-server member import {file} --prune    # revokes them")


def _people(file: Path) -> list[dict[str, str]]:
    import csv

    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, skipinitialspace=True)
            unknown = set(reader.fieldnames or ()) - set(COLUMNS)
            if unknown or "team" not in (reader.fieldnames or ()):
                raise UsageError(
                    f"{file}: its first line must name columns, team among them"
                    + (f"; unknown: {', '.join(sorted(map(str, unknown)))}" if unknown else ""),
                    f"known: {', '.join(COLUMNS)}",
                )
            return [
                {name: value.strip() for name, value in row.items() if value and value.strip()}
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise UsageError(
            f"{file} cannot be read: {why_not(error)}", "give a CSV file in UTF-8"
        ) from error


def member_list(as_json: Json = False) -> None:
    """Show every member, and who has not joined yet."""
    found = ask("member.list")
    if as_json:
        output.answer(found)
        return
    output.table(
        ["member", "name", "team", "role", "tier", ">devices", "seen"],
        [[line["member"], line["name"], ", ".join(line["teams"]), line["role"], line["tier"],
          line["devices"] or "none yet", when(line["seen_us"]) if line["active"] else "revoked"]
         for line in found["members"]],
    )  # fmt: skip


def member_set_role(
    member: Member,
    role: Annotated[Role, typer.Argument(help="viewer, member or lead.")],
    as_json: Json = False,
) -> None:
    """Change what a member may do here."""
    found = ask("member.set_role", member=member, role=role.value)
    told(found, f"{member} is a {role.value} now", as_json=as_json)


def member_set_tier(
    member: Member,
    tier: Annotated[str, typer.Argument(metavar="TIER", help="As the policy names it.")],
    as_json: Json = False,
) -> None:
    """Change which models a member may use."""
    found = ask("member.set_tier", member=member, tier=tier)
    told(found, f"{member} is in tier {tier or '(none)'} now", as_json=as_json)


def member_move(
    member: Member,
    team: Annotated[
        str,
        typer.Argument(metavar="TEAM", help="The new team.", autocompletion=completing.teams),
    ],
    as_json: Json = False,
) -> None:
    """Give a member another home team; the old one's allowance is asked back."""
    found = ask("member.move", member=member, team=name_of(team))
    told(found, f"{member} is in {_in_words(found)} now", as_json=as_json)


def member_add_team(member: Member, team: MoreTeam, as_json: Json = False) -> None:
    """Let a member's devices spend for a team more; each session is for one of them."""
    found = ask("member.add_team", member=member, team=name_of(team))
    told(found, f"{member} is in {_in_words(found)} now", as_json=as_json)
    if not as_json:
        output.say(f"→ agentspend run --team {name_of(team)} …    on their devices")


def member_remove_team(member: Member, team: MoreTeam, as_json: Json = False) -> None:
    """Take a member out of a team that is not their home; its allowance is asked back."""
    found = ask("member.remove_team", member=member, team=name_of(team))
    told(found, f"{member} is in {_in_words(found)} now", as_json=as_json)


def _in_words(found: Any) -> str:
    """`team backend`, `teams backend (home) and data`."""
    home, *further = found["teams"]
    return f"teams {home} (home) and {', '.join(further)}" if further else f"team {home}"


def member_revoke(member: Member, as_json: Json = False) -> None:
    """End a membership: no device of theirs gets anything any more."""
    found = ask("member.revoke", member=member)
    told(found, f"{member} is no member any more; their devices may still report", as_json=as_json)


def invite(
    member: Member,
    hours: Annotated[
        int, typer.Option(metavar="H", min=1, max=MOST_H, help="How long it is valid.")
    ] = 24,
    as_json: Json = False,
) -> None:
    """Print the line that joins one more device of a member, once."""
    found = ask("invite", member=member, valid_h=hours)
    _hand_over(found, found, as_json=as_json)


def _hand_over(found: Any, made: Any, *, as_json: bool) -> None:
    if as_json:
        output.answer(found)
        return
    output.line(made["join"])
    output.say(f"for {made['member']}, once, until {when(made['expires_us'])}")


def device_list(as_json: Json = False) -> None:
    """Show every device: whose it is, when it last spoke, what lies on it."""
    found = ask("device.list")
    if as_json:
        output.answer(found)
        return
    lines = found["devices"]
    old = any(line.get("old_ledgers") for line in lines)
    output.table(
        ["device", "member", "team", "label", "state", "seen", ">out",
         *([">on old ledgers"] if old else [])],
        [[line["device"], line["member"], line["team"], line["label"], line["status"],
          when(line["seen_us"]), _amount(line["out_nusd"]),
          *([_amount(line["old_out_nusd"]) if line["old_ledgers"] else ""] if old else [])]
         for line in lines],
    )  # fmt: skip
    if old:
        output.say("→ agentspend-server device write-off DEVICE    old ledgers count as spent")


def _amount(nusd: int | None) -> str:
    """What a person may see; the policy's visibility keeps it from them otherwise."""
    return "—" if nusd is None else dollars(nusd)


def device_report(as_json: Json = False) -> None:
    """Show who has not joined, and which devices show signs of work that goes past the meter.

    A sign is no proof: each is said with what else it may be. Proof is the provider's own bill.
    """
    found = ask("device.report")
    if as_json:
        output.answer(found)
        return
    missing, suspects = found["not_joined"], found["devices"]
    if missing:
        output.line("not joined:")
        output.table(
            ["member", "team", "e-mail", "invite"],
            [[line["member"], line["team"], line["email"] or "—",
              _until(line["invited_until_us"])] for line in missing],
        )  # fmt: skip
    if suspects:
        output.line("signs of work past the meter (none is proof):")
        output.table(
            ["device", "member", "label", "seen", "spent last", "sign"],
            [[line["device"], line["member"], line["label"], when(line["seen_us"]),
              when(line["last_spent_us"]) if line["last_spent_us"] else "never",
              ", ".join(sign.replace("_", " ") for sign in line["signs"])] for line in suspects],
        )  # fmt: skip
        for sign in sorted({sign for line in suspects for sign in line["signs"]}):
            output.say(f"{sign.replace('_', ' ')}: {found['means'][sign]}")
    if not missing and not suspects:
        output.say("everybody has joined, and no device shows a sign of bypass")
    elif missing:
        output.say("→ agentspend-server invite MEMBER    makes a fresh line")


def _until(expires_us: int | None) -> str:
    return f"until {when(expires_us)}" if expires_us else "none open"


def device_revoke(device: Device, as_json: Json = False) -> None:
    """Give a device nothing any more; what lies on it comes back when it reports."""
    told(ask("device.revoke", device=device), f"{device} gets nothing any more", as_json=as_json)


def device_lost(device: Device, as_json: Json = False) -> None:
    """Say that a device is gone: what lies on it counts as spent."""
    found = ask("device.lost", device=device)
    told(found, f"{device} is lost: what lay on it counts as spent", as_json=as_json)
    if not as_json:
        output.say("→ change the provider keys that were on it")


def device_write_off(device: Device, as_json: Json = False) -> None:
    """Count what a device's old ledgers hold as spent; its present one goes on."""
    found = ask("device.write_off", device=device)
    told(found, f"{len(found['ledgers'])} old ledgers of {device} count as spent", as_json=as_json)
