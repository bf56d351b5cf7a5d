"""The first three lines: is it on, how much is left, until when. Pure."""

from dataclasses import dataclass

from agentspend.core.budgets import TEAM_PREFIX
from agentspend.core.forecast import buckets
from tui.budgets import Line, left_of, lines, tightest
from tui.day import Day
from tui.format import ago, bar, cents, fit, middle, precise
from tui.now import Now
from tui.rows import Mark
from tui.team import overview_of, team_of

CURVE_US = 7_200_000_000
"""The curve of the pace shows the last two hours."""
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Headline:
    """The lines, each with what it means: "" normal, "dim", "near", "spent"."""

    state: str
    state_meaning: str
    money: str
    money_meaning: str
    pace: str
    pace_meaning: str


def headline(day: Day, now: Now, cells: int) -> Headline:
    """What a person sees first, in lines of so many cells."""
    tight = tightest(lines(day, now.us))
    meaning = {Mark.REFUSED: "spent", Mark.NEAR: "near"}.get(tight.mark, "") if tight else ""
    late = tight is not None and _is_late(tight)
    state, state_meaning = _state(day, now, cells)
    return Headline(
        state=state,
        state_meaning=state_meaning,
        money=_money(day, tight, cells),
        money_meaning=meaning,
        pace=_pace(day, tight, now, cells),
        pace_meaning=meaning or ("near" if late else ""),
    )


def _state(day: Day, now: Now, cells: int) -> tuple[str, str]:
    if not day.begun and not day.why_not:
        left, meaning = "◐ asking the daemon", "dim"
    elif not day.enforcing:
        left, meaning = f"○ not enforcing: {day.why_not}", "spent"
    elif day.status.get("gate_closed"):
        left, meaning = f"✗ no request may leave: {day.status['gate_closed']}", "spent"
    elif "" in day.status.get("paused", {}):
        left, meaning = "✗ everything is paused: K lets it go on", "spent"
    elif team_of(day).get("frozen"):
        left, meaning = "✗ frozen by a lead of your team: nothing may be spent", "spent"
    else:
        left, meaning = f"● enforcing{_sync(day, now)}{_asked(day)}{_frozen(day)}", ""
    return _ends(f" agentspend top  {left}", f"{now.name}  {now.clock(now.us)} ", cells), meaning


def _sync(day: Day, now: Now) -> str:
    """How long ago the team's server was heard. Being offline is the design, not a warning."""
    team = day.status.get("team")
    if not team:
        return ""
    queued = f", {team['queued']} queued" if team.get("queued") else ""
    since = ago((now.us - team["heard_us"]) // 1_000_000) if team.get("heard_us") else ""
    if team.get("failed"):
        return f"   ⇅ offline {since}{queued}".rstrip()
    since = since if since == "now" else f"{since} ago"
    return f"   ⇅ sync {since}{queued}" if team.get("heard_us") else ""


def _asked(day: Day) -> str:
    """How many wait for a lead's answer, for a lead."""
    count = len(overview_of(day).get("questions", ()))
    if not count or team_of(day).get("role") != "lead":
        return ""
    return f"   ? {count} ask{'s' if count == 1 else ''} (6)"


def _frozen(day: Day) -> str:
    """Which of a member's teams a lead has stopped; where it is all of them nothing is enforced."""
    names = [str(each["team"]) for each in team_of(day).get("teams", ()) if each["frozen"]]
    return f"   ✗ {', '.join(names)} frozen" if names else ""


def _money(day: Day, tight: Line | None, cells: int) -> str:
    if tight is None:
        spent = f" TODAY  {cents(day.status['today_nusd'])} spent"
        return _ends(spent, "no hard budget: agentspend budget set daily 25.00 ", cells)
    label = tight.name.removeprefix(TEAM_PREFIX)
    more = f"{cents(tight.held_nusd)} held" if tight.held_nusd else ""
    if tight.is_spent and day.enforcing:
        more = "b raises it" if label == tight.name else "b asks for more"
    begin = f" {middle(label, 18)}  {left_of(tight)}  "
    end = f" {tight.percent:3}%{fit(more, 15, right=True)} "
    if cells < 60:
        return _ends(begin, f"{tight.percent}% ", cells)
    room = cells - len(begin) - len(end) - 2
    return begin + bar(tight.spent_nusd, tight.held_nusd, tight.limit_nusd, room) + end


def _pace(day: Day, tight: Line | None, now: Now, cells: int) -> str:
    burn = day.spending.pace("billed", lambda each: each.counted == "billed", now.us)
    shown = cents(burn) if burn >= 10**9 or not burn else precise(burn)
    begin = f" BURN   {shown}/h  "
    end = f"  {_until(tight, now)} "
    if cells < 60:
        return _ends(begin, end, cells)
    room = max(8, cells - len(begin) - len(end))
    billed = ((each.at_us, each.nusd) for each in day.spending.lately if each.counted == "billed")
    return begin + now.glyphs.curve(buckets(billed, now.us, room, CURVE_US // room)) + end


def _until(tight: Line | None, now: Now) -> str:
    """`empty 17:07, resets 00:00`: the one question the screen is for."""
    if tight is None:
        return "nothing stops it"
    resets = f"resets {_when(tight.resets_us, now)}" if tight.resets_us else "no reset"
    if tight.is_spent:
        return f"SPENT, {resets}"
    if tight.empty_us is None:
        return resets
    if tight.resets_us is not None and tight.empty_us >= tight.resets_us:
        return f"lasts, {resets}"
    if tight.empty_us - now.us > 7 * DAY_US:
        return f"lasts over a week, {resets}"
    return f"empty {_when(tight.empty_us, now)}, {resets}"


def _is_late(tight: Line) -> bool:
    """Whether it is empty before it resets."""
    return tight.empty_us is not None and (
        tight.resets_us is None or tight.empty_us < tight.resets_us
    )


def _when(at_us: int, now: Now) -> str:
    """A coming moment: the time, and the day where it is not within one."""
    time = now.clock(at_us)[:5]
    return time if at_us - now.us <= DAY_US else f"{now.date(at_us)} {time}"


def _ends(left: str, right: str, cells: int) -> str:
    """One line with words at both ends; the left one is cut where they meet."""
    if len(left) + len(right) > cells:
        left = left[: max(0, cells - len(right) - 1)]
    return left + " " * max(0, cells - len(left) - len(right)) + right
