"""`agentspend adjust ID`: lower a charge that was an estimate, by an entry that says so."""

from typing import Annotated

import typer

from agentspend.cli import access, completing
from agentspend.cli.diagnostics import ExitCode, as_written, confirmed, say
from agentspend.cli.ledger_reading import own_id
from agentspend.core.money import dollars, parse_usd, usd_text

BECAUSE = {
    "crash_upper_bound": "the daemon died while it ran, so the whole hold was charged",
    "estimate": "its final usage never came, so an upper bound was charged",
    "stream_metered": "its final usage never came, so what had streamed was charged",
}


def adjust(
    rid: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The request (its beginning will do), or the number of its entry.",
            autocompletion=completing.requests,
        ),
    ],
    to: Annotated[str, typer.Option(metavar="USD", help="What it really cost.")] = "0",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Kept in the entry.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Lower the charge of a request whose true cost was never told."""
    with as_written():
        amount_nusd = parse_usd(to)
    charge = access.ask("charge", rid=own_id(access.ask, rid))
    because = BECAUSE.get(charge["evidence"], "the provider's own usage")
    say(f"request {charge['rid']} is charged {dollars(charge['charged_nusd'])}: {because}")
    question = f"charge {dollars(amount_nusd)} instead?"
    instead = f"agentspend adjust {rid} --to {usd_text(amount_nusd)} --yes"
    if charge["evidence"] in BECAUSE and not confirmed(question, yes=yes, instead=instead):
        say("nothing changed")
        raise typer.Exit(ExitCode.FAILED)
    told = reason or "a person lowered this estimate"
    done = access.ask("adjust", rid=charge["rid"], amount_nusd=amount_nusd, reason=told)
    say(f"request {charge['rid']} is now charged {dollars(amount_nusd)}")
    over = usd_text(charge["charged_nusd"] - amount_nusd)
    for pool in done.get("team_pools", ()):
        say(f"your team's {pool} keeps the ${over} as spent until a lead gives it back")
        say(f"→ agentspend team request {over} --pool {pool}"
            f" --reason '{charge['rid']} was charged an estimate'")  # fmt: skip
