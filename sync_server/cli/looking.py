"""Reports, the audit chain, verification, export."""

from typing import Annotated, Literal

import typer

from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars
from sync_server.cli import output
from sync_server.cli.people import Json
from sync_server.cli.seat import ask
from sync_server.cli.shown import since_us, when

PAGE = 500


def report(
    by: Annotated[
        Literal["team", "member", "device", "project", "branch", "agent", "provider", "model",
                "day"],
        typer.Option(help="What each line stands for."),
    ] = "team",
    since: Annotated[
        str, typer.Option(metavar="LENGTH", help="Only the last 24h, 7d, 4w.")
    ] = "",
    team: Annotated[str, typer.Option(metavar="TEAM", help="Only this team's.")] = "",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show who or what spent how much: real dollars, and subscription use at list price."""
    found = ask("report", by=by, since_us=since_us(since) if since else 0, team=team)
    if as_json:
        output.answer(found)
        return
    output.table(
        [by, ">requests", ">spent", ">subscription"],
        [[line[by] or "—", line["requests"], dollars(line["billed_nusd"]),
          dollars(line["subscription_nusd"])] for line in found["lines"]],
    )  # fmt: skip
    if found["left_out"]:
        output.say(f"{found['left_out']} smaller lines are left out")


def audit(
    number: Annotated[int, typer.Option("-n", min=1, help="How many, the newest last.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what people decided: a hash chain whose head every device keeps."""
    end = ask("audit", limit=1)["end"]
    found = ask("audit", after_seq=max(0, end["seq"] - number), limit=min(number, 1_000))
    if as_json:
        output.answer(found)
        return
    known = {"v", "seq", "prev", "ts", "hash", "who", "what"}
    output.table(
        [">act", "when", "who", "what", ""],
        [[act["seq"], when(act["ts"]), act["who"], act["what"],
          " ".join(f"{name}={act[name]}" for name in act if name not in known)]
         for act in found["acts"]],
    )  # fmt: skip


def verify(as_json: Json = False) -> None:
    """Check every ledger, the audit chain and the sums of all caps."""
    found = ask("verify")
    if as_json:
        output.answer(found)
    else:
        for fault in found["faults"]:
            output.line(fault)
        output.say(
            f"{found['ledgers']} ledgers, {found['entries']} entries, {found['acts']} acts: "
            + ("all whole" if found["ok"] else "NOT whole")
        )
    if not found["ok"]:
        raise typer.Exit(1)


def export(
    member: Annotated[str, typer.Option(metavar="MEMBER", help="Only this member's ledgers.")] = "",
) -> None:
    """Write every entry of every ledger as it was signed, one JSON object a line."""
    ledgers = ask("ledgers")["ledgers"]
    chosen = [each for each in ledgers if not member or each["member"] == member]
    if member and not chosen:
        raise AgentspendError(f"there is no ledger of {member!r}", "agentspend-server device list")
    for each in chosen:
        after_seq = 0
        while True:
            page = ask("entries", inc=each["inc"], after_seq=after_seq, limit=PAGE)["entries"]
            for body in page:
                output.line(body)
            after_seq += len(page)
            if len(page) < PAGE:
                break
