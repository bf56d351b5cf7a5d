"""A subscription's windows as the daemon tells them (`status`), in lines for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentspend.cli import output
from agentspend.cli.budget_lines import resets_when
from agentspend.cli.moments import now_us

NEAR_PERCENT = 80
_PAID = "costs money now"

Line = Mapping[str, Any]


def show_included(lines: Sequence[Line]) -> None:
    """One row a window: whose, how much of it is used, when it starts anew."""
    at_us = now_us()
    columns = ["", "LOGIN", "INCLUDED", ">USED", "RESETS"]
    output.table(columns, [_row(line, lines, at_us) for line in lines])


def used_text(line: Line) -> str:
    """`62 % used`, "used up", or that it costs money; "" where nothing is known."""
    if line["status"] == "paid":
        return _PAID
    percent = line["used_percent"]
    if percent is None:
        return "used up" if line["status"] == "used_up" else ""
    return f"{percent} % used"


def _row(line: Line, lines: Sequence[Line], at_us: int) -> list[str]:
    mark, style = " ", ""
    if line["status"] in ("used_up", "paid"):
        mark, style = "✗", "red"
    elif line["status"] == "near" or (line["used_percent"] or 0) >= NEAR_PERCENT:
        mark, style = "!", "yellow"
    accounts = {each["account"] for each in lines if each["provider"] == line["provider"]}
    login = line["provider"] + (f" {line['account'][:4]}" if len(accounts) > 1 else "")
    return [
        output.styled(mark, style),
        output.plain(login),
        output.styled(line["called"], style),
        output.styled(used_text(line), style),
        output.plain(resets_when(line, at_us).removeprefix("resets ")),
    ]
