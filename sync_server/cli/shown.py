"""How caps, moments and amounts look in tables."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.money import dollars, free_dollars, parse_usd
from agentspend.core.windows import moment
from sync_server.cli import output
from sync_server.cli.helping import UsageError

UNITS_S = {"h": 3_600, "d": 86_400, "w": 604_800}


def nusd(text: str) -> int:
    """Dollars as they are typed. Raises `UsageError`."""
    try:
        return parse_usd(text)
    except AgentspendError as error:
        raise UsageError(error.message, error.hint) from error


def now_us() -> int:
    """The moment a command is given."""
    return time.time_ns() // 1_000


def since_us(text: str) -> int:
    """`7d`, `24h`, `2w` ago. Raises `UsageError`."""
    if text[-1:] in UNITS_S and text[:-1].isdigit():
        return max(0, now_us() - int(text[:-1]) * UNITS_S[text[-1]] * 1_000_000)
    raise UsageError(f"{text!r} is no length of time", "write it like 24h, 7d or 4w")


def doubt(clock: Mapping[str, Any]) -> str:
    """That the server's clock is not believed, and since when nothing is known."""
    return (
        f"! the server's clock says {when(clock['now_us'])}, and it was last known to be right at"
        f" {when(clock['known_us'])}: no cap begins anew until that is cleared up"
    )


def when(at_us: int | None) -> str:
    """A moment for people, in this machine's zone."""
    return moment(at_us).astimezone().strftime("%Y-%m-%d %H:%M") if at_us else "never"


def caps(lines: Sequence[Mapping[str, Any]]) -> None:
    """Caps with what is spent, out on devices, free, and kept for an emergency where any is."""
    reserves = any(line.get("reserve_nusd") for line in lines)
    output.table(
        [
            "cap",
            "window",
            ">spent",
            ">out",
            ">free",
            *([">reserve"] if reserves else []),
            ">limit",
            "resets",
        ],
        [
            [
                line["pool"],
                line["window"],
                dollars(line["spent_nusd"]),
                dollars(line["out_nusd"]),
                free_dollars(line["free_nusd"]),
                *([dollars(line["reserve_nusd"])] if reserves else []),
                dollars(line["cap_nusd"]) + ("+" if line["cap_nusd"] > line["base_nusd"] else ""),
                when(line["ends_us"]),
            ]
            for line in lines
        ],
    )
