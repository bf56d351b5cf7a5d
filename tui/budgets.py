"""The budgets as lines, the next one to refuse first. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len

from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.forecast import empty_at_us
from agentspend.core.scopes import Scope
from tui.day import Day
from tui.facts import Charge
from tui.format import bar, cents, fit, free_cents, left, percent
from tui.rows import Mark

NEAR_PERCENT = 90
EVERYTHING = Scope().text()
FOREVER_US = 2**62
WIDE_CELLS, ROOMY_CELLS = 120, 76
"""A wide line says whom a budget is for; a roomy one of how much something is left."""
AMOUNTS = ("spent_nusd", "held_nusd", "free_nusd", "limit_nusd")


@dataclass(frozen=True, slots=True)
class Line:
    """One budget now. `burn_nusd_per_h` is the pace of what counts in it; `empty_us` when that
    empties it, None while nothing does. In one that `is_all` everything counts. `cap_nusd` is a
    team's cap of which only this device's allowance is known, else 0."""

    name: str
    session: str
    scope: str
    window: str
    mode: str
    spent_nusd: int
    held_nusd: int
    free_nusd: int
    limit_nusd: int
    resets_us: int | None
    burn_nusd_per_h: int
    empty_us: int | None
    is_all: bool = True
    cap_nusd: int = 0

    @property
    def percent(self) -> int:
        """How much of it is spent and held."""
        return percent(self.spent_nusd + self.held_nusd, self.limit_nusd)

    @property
    def is_spent(self) -> bool:
        """Nothing is left of it that a hold in flight could not give back."""
        return self.limit_nusd <= self.spent_nusd

    @property
    def mark(self) -> Mark:
        """✗ spent, ! above nine tenths."""
        if self.is_spent:
            return Mark.REFUSED
        return Mark.NEAR if self.percent >= NEAR_PERCENT else Mark.NONE


def lines(day: Day, now_us: int) -> list[Line]:
    """Every budget, nearest to a refusal first; warn budgets and spent ones keep their place."""
    found = [_line(each, day, now_us) for each in day.status["budgets"]]
    return sorted(found, key=_nearness)


def tightest(found: list[Line]) -> Line | None:
    """The budget that stops all work first: the first hard one that everything counts in.

    One of some agents, models or a session stops only those, one of a team of several only its own:
    it goes first only where no other is.
    """
    hard = [line for line in found if line.mode == "hard"]
    return min(hard, key=_narrowness, default=None)


def _narrowness(line: Line) -> tuple[bool, bool, bool]:
    """What a device was granted of a team's cap says little of how much is left, either."""
    return bool(line.session), not line.is_all, bool(line.cap_nusd)


def _nearness(line: Line) -> tuple[int, int, int, int, str]:
    soon = line.empty_us if line.empty_us is not None else FOREVER_US
    if line.resets_us is not None and soon > line.resets_us:
        soon = FOREVER_US
    return (line.mode != "hard", soon, -line.percent, line.free_nusd, line.name + line.session)


def _line(told: Mapping[str, Any], day: Day, now_us: int) -> Line:
    session = told.get("session") or ""
    burn = _pace(told, session, day, now_us)
    resets, amounts = told.get("resets_at"), {name: int(told[name]) for name in AMOUNTS}
    return Line(
        name=told["name"],
        session=session,
        scope=told["scope"],
        window=told["window"],
        mode=told["mode"],
        **amounts,
        resets_us=int(datetime.fromisoformat(resets).timestamp()) * 1_000_000 if resets else None,
        burn_nusd_per_h=burn,
        empty_us=empty_at_us(amounts["free_nusd"], burn, now_us),
        is_all=told["scope"] == EVERYTHING and not _is_one_of_several(told, day),
        cap_nusd=0 if told.get("is_whole", True) else int(told["cap_nusd"]),
    )


def _is_one_of_several(told: Mapping[str, Any], day: Day) -> bool:
    """Whether a budget is one team's, and there are others to spend for."""
    teams = (day.status.get("team") or {}).get("teams", ())
    return bool(told.get("team")) and len(teams) > 1


def _pace(told: Mapping[str, Any], session: str, day: Day, now_us: int) -> int:
    """How fast what counts in a budget is spent."""
    terms, all_count = told.get("terms") or {}, told.get("counts") == "all"
    scope, team = Scope.of(terms), told.get("team") or ""

    def counts(charge: Charge) -> bool:
        return (
            (not team or charge.payer.team in ("", team))
            and (all_count or charge.counted == "billed")
            and session in ("", charge.payer.session)
            and scope.matches(charge.payer)
        )

    return day.spending.pace((scope, session, all_count, team), counts, now_us)


def left_of(line: Line) -> str:
    """`$4.40 left of $25.00`; of a team's cap that its server has not told of, what lies here."""
    free = free_cents(line.free_nusd)
    if line.cap_nusd:
        return f"{free} here of {cents(line.cap_nusd)}"
    return f"{free} left of {cents(line.limit_nusd)}"


def heads(cells: int) -> str:
    """What stands above the lines' right end, where they have room for all of it."""
    if cells < ROOMY_CELLS:
        return ""
    return f"used  {fit('left of limit', _money_cells(cells), right=True)}  resets "


def _money_cells(cells: int) -> int:
    return 25 if cells >= ROOMY_CELLS else 14


def text(line: Line, cells: int, now_us: int) -> str:
    """One line of so many cells: mark, name, window, bar, percent, spent and limit, time left."""
    money = left_of(line)
    if cells < ROOMY_CELLS or cell_len(money) > _money_cells(cells):
        money = money.partition(" of ")[0]
    if cell_len(money) > _money_cells(cells):
        money = money.partition(" ")[0]
    until = left((line.resets_us - now_us) // 1_000_000) if line.resets_us is not None else "-"
    name = line.name.removeprefix(TEAM_PREFIX)
    name = name if line.mode == "hard" else f"{name} (warn)"
    wide = cells >= WIDE_CELLS
    name_cells, window_cells = (22, 11) if wide else (17, 9) if cells >= 70 else (9, 7)
    scope = " " + fit(line.scope, 24) if wide else ""
    window = fit(line.window if not line.session else f"session {line.session}", window_cells)
    left_part = f" {line.mark or ' '} {fit(name, name_cells)}{scope} "
    money = fit(money, _money_cells(cells), right=True)
    right_part = f" {line.percent:3}%  {money} {fit(until, 6, right=True)} "
    if cells < 60:
        money_cells = cells - len(left_part) - 7
        return f"{left_part}{line.percent:3}% {fit(money.strip(), money_cells, right=True)} "
    left_part += window
    free = cells - len(left_part) - len(right_part) - 2
    return f"{left_part}{bar(line.spent_nusd, line.held_nusd, line.limit_nusd, free)}{right_part}"
