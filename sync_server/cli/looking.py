"""Reports, the audit chain, verification, export."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars
from sync_server.cli import completing, output
from sync_server.cli.people import Json
from sync_server.cli.seat import ask, long_talk
from sync_server.cli.shown import since_us, when

PAGE = 500
MOST_ENDS = 2_000
"""How many checked ledgers are named at once: a server takes no message above 1 MiB."""


def report(
    by: Annotated[
        Literal["team", "member", "device", "project", "branch", "agent", "provider", "model",
                "day"],
        typer.Option(help="What each line stands for."),
    ] = "team",
    since: Annotated[
        str, typer.Option(metavar="LENGTH", help="Only the last 24h, 7d, 4w.")
    ] = "",
    team: Annotated[
        str,
        typer.Option(metavar="TEAM", help="Only this team's.", autocompletion=completing.teams),
    ] = "",
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
    if not found["lines"]:
        output.say(f"nothing was spent for team {team}" if team else "nothing was spent")
    if found["left_out"]:
        output.say(f"{found['left_out']} smaller lines are left out")
    _say_who_is_silent(found.get("silent") or {})


def _say_who_is_silent(silent: Mapping[str, int]) -> None:
    """That sums lack what devices have not reported; a server of before may not say it."""
    count = silent.get("devices", 0)
    if count:
        since = when(silent["since_us"])
        who = "1 device has" if count == 1 else f"{count:,} devices have"
        one = "" if count == 1 else "of late, one of them "
        output.say(f"! {who} not reported {one}since {since}: what was spent there is not in here")
        output.say("→ agentspend-server device list    says when each was seen")


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
          " ".join(_fact(name, act[name]) for name in act if name not in known)]
         for act in found["acts"]],
    )  # fmt: skip


def _fact(name: str, value: Any) -> str:
    """A word of an act, amounts as people read them: `cap=$40.00`."""
    if name.endswith("_nusd") and isinstance(value, int):
        return f"{name.removesuffix('_nusd')}={dollars(value)}"
    return f"{name}={value}"


def verify(as_json: Json = False) -> None:
    """Check every ledger, the audit chain and the sums of all caps.

    Ledgers are checked part by part: a running server goes on serving between them.
    """
    with long_talk() as ask_on:
        ledgers = ask_on("ledgers")["ledgers"]
        checked, faults = [], []
        with output.progress("entries", sum(each["seq"] for each in ledgers)) as gone:
            for each in ledgers:
                found: Mapping[str, Any] = {"part": {"inc": each["inc"]}, "ends": False}
                while not found["ends"]:
                    before = found["part"].get("after_seq", 0)
                    found = ask_on("verify.ledger", **found["part"])
                    gone(found["part"]["after_seq"] - before)
                if found["fault"]:
                    faults.append(found["fault"])
                else:
                    checked.append(found["part"])
        for first in range(0, max(1, len(checked)), MOST_ENDS):
            rest = ask_on("verify", checked=checked[first : first + MOST_ENDS])
            faults += [fault for fault in rest["faults"] if fault not in faults]
    if as_json:
        output.answer({**rest, "ok": not faults, "faults": faults})
    else:
        for fault in faults:
            output.line(fault)
        output.say(
            f"{rest['ledgers']:,} ledgers, {rest['entries']:,} entries, {rest['acts']:,} acts: "
            + ("NOT whole" if faults else "all whole")
        )
    if faults:
        raise typer.Exit(1)


def export(
    member: Annotated[
        str,
        typer.Option(
            metavar="MEMBER",
            help="Only this member's ledgers.",
            autocompletion=completing.members,
        ),
    ] = "",
) -> None:
    """Write every entry of every ledger as it was signed, one JSON object a line."""
    with long_talk() as ask_on:
        ledgers = ask_on("ledgers")["ledgers"]
        chosen = [each for each in ledgers if not member or each["member"] == member]
        if member and not chosen:
            raise AgentspendError(
                f"there is no ledger of {member!r}", "agentspend-server device list"
            )
        for each in chosen:
            after_seq, page = 0, [""] * PAGE
            while len(page) == PAGE:
                asked = {"inc": each["inc"], "after_seq": after_seq, "limit": PAGE}
                page = ask_on("entries", **asked)["entries"]
                for body in page:
                    output.line(body)
                after_seq += len(page)
