"""The team as rows: who asks for more, each cap, and below it who spends there. Pure.

The server tells all of it, the daemon hands it on; what it has not told is shown as `?`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tui.budgets import NEAR_PERCENT
from tui.day import Day
from tui.format import ago, cents, free_cents, left, percent
from tui.rows import Column, Mark, Row

Told = Mapping[str, Any]
COLUMNS = (
    Column("CAP OF", 14, grows=True), Column("WINDOW", 6), Column("CAP", 9, right=True),
    Column("SPENT", 10, right=True, least=2), Column("OUT", 9, right=True, least=2),
    Column("COMMITTED", 10, right=True), Column("FREE", 10, right=True, least=2),
    Column("ALLOWANCE", 9, right=True, least=1), Column("FREE HERE", 9, right=True, least=1),
    Column("LATELY", 8, right=True, least=1), Column("RESETS", 6, right=True, least=2),
)  # fmt: skip
"""COMMITTED is SPENT and what lies OUT on devices; ALLOWANCE is this device's own,
FREE HERE what is left of it; LATELY is all a member spent since the last full hour began."""
COMMITTED = 5
UNKNOWN = "?"


def rows(day: Day, now_us: int) -> list[Row]:
    """Open questions, caps, and who spends below each cap."""
    own = {str(pool["name"]): pool for pool in team_of(day).get("pools", ())}
    seen = overview_of(day)
    pools = list(seen.get("pools", ()))
    known = {str(pool["pool"]) for pool in pools}
    unseen = [_unseen(pool) for name, pool in own.items() if name not in known]
    found = [_question(each, now_us) for each in seen.get("questions", ())]
    for pool in pools:
        found.append(_pool(pool, own.get(str(pool["pool"])), now_us))
        found += [_member(pool, each) for each in pool["members"]]
        if pool["others"]:
            found.append(_others(pool))
    return [*found, *unseen]


def team_of(day: Day) -> Told:
    """What the daemon knows of the team; empty without one."""
    return day.status.get("team") or {}


def paying(day: Day) -> set[str]:
    """The teams that today's sessions are for; none where nobody is in one."""
    live = {str(each.get("team") or "") for each in day.status["sessions"]}
    spent = {each.last.payer.team for each in day.spending.by_session.values() if each.last}
    return (live | spent) - {""}


def team_paying(day: Day, session: str) -> str:
    """The team of a session, where there are sessions of several; else ""."""
    if len(paying(day)) < 2:
        return ""
    live = (each.get("team") for each in day.status["sessions"] if each["id"] == session)
    found = day.spending.by_session.get(session)
    return str(next(live, "") or (found.last.payer.team if found and found.last else ""))


def overview_of(day: Day) -> Told:
    """What the server told of the whole team last; empty before it did."""
    return team_of(day).get("overview") or {}


def question_of(day: Day, name: str) -> Told | None:
    """An open question by its name."""
    return next((each for each in overview_of(day).get("questions", ())
                 if each["request"] == name), None)  # fmt: skip


def pool_of(day: Day, name: str) -> Told | None:
    """A cap as the server told it."""
    return next((each for each in overview_of(day).get("pools", ()) if each["pool"] == name), None)


def facts(row: Row, day: Day, now_us: int) -> Sequence[tuple[str, str]]:
    """What is known of a selected question or cap, from top to bottom."""
    asked = question_of(day, row.question)
    if asked is not None:
        return (
            ("Asks", f"{asked['member']} of {asked['team']}, on {asked['label']}"),
            ("For", f"{cents(asked['amount_nusd'])} more of {asked['pool']}"),
            ("Why", asked["reason"] or "(no reason given)"),
            ("Since", _since(asked["asked_us"], now_us)),
            ("Request", asked["request"]),
            *_cap(pool_of(day, asked["pool"]), now_us),
            ("", "A approves, once, in this window; D denies"),
        )
    pool = pool_of(day, row.fields.get("budget", ""))
    return () if pool is None else (("Cap of", pool["pool"]), *_cap(pool, now_us), *_who(pool))


def _cap(pool: Told | None, now_us: int) -> Sequence[tuple[str, str]]:
    if pool is None:
        return ()
    until = f", resets in {_resets(pool, now_us)}" if pool["ends_us"] else ", never resets"
    kept = pool.get("reserve_nusd", 0)
    return (
        ("Cap", f"{cents(pool['cap_nusd'])} per {pool['window']}{until}"),
        ("Committed", f"{cents(pool['spent_nusd'])} spent, {cents(pool['out_nusd'])} on devices"),
        ("Free", f"{free_cents(pool['free_nusd'])} may still be granted"),
        *((("Reserve", f"{cents(kept)} for an emergency, not drawn"),) if kept else ()),
    )


def _who(pool: Told) -> Sequence[tuple[str, str]]:
    """Who spends there, most first."""
    return [
        (
            "" if number else "Spends",
            f"{each['member']} {cents(each['spent_nusd'])}, lately {cents(each['lately_nusd'])}",
        )
        for number, each in enumerate(pool["members"])
    ]


def _question(each: Told, now_us: int) -> Row:
    amount, why = cents(each["amount_nusd"]), f": {each['reason']}" if each["reason"] else ""
    words = f"{each['member']} asks for {amount} more of {each['pool']}{why}"
    return Row(
        key=each["request"], cells=("",) * len(COLUMNS), order=(each["asked_us"],) * len(COLUMNS),
        mark=Mark.ASKS, fields={"member": each["member"], "budget": each["pool"]},
        nusd=each["amount_nusd"], question=each["request"], first=True,
        text=f"{words}  ({_since(each['asked_us'], now_us)})",
    )  # fmt: skip


def _pool(pool: Told, own: Told | None, now_us: int) -> Row:
    committed = pool["spent_nusd"] + pool["out_nusd"]
    amounts = (pool["cap_nusd"], pool["spent_nusd"], pool["out_nusd"], committed)
    ours = (own["ours_nusd"], own["free_nusd"]) if own is not None else (0, 0)
    name, window = str(pool["pool"]), str(pool["window"])
    cells = (
        name, window, *map(cents, amounts), free_cents(pool["free_nusd"]),
        cents(ours[0]) if own is not None else "-", free_cents(ours[1]) if own is not None else "-",
        "", _resets(pool, now_us) if pool["ends_us"] else "-",
    )  # fmt: skip
    order = (name, window, *amounts, pool["free_nusd"], *ours, 0, pool["ends_us"] or 0)
    spent = percent(pool["spent_nusd"], pool["cap_nusd"])
    near = percent(committed, pool["cap_nusd"]) >= NEAR_PERCENT
    mark = Mark.REFUSED if spent >= 100 else Mark.NEAR if near else Mark.NONE
    return Row(name, cells, order, mark, fields={"budget": name}, nusd=pool["spent_nusd"])


def _member(pool: Told, each: Told) -> Row:
    """One member below a cap, with what they spent and may still spend of it."""
    spent, out, lately = each["spent_nusd"], each["out_nusd"], each["lately_nusd"]
    name, above = str(each["member"]), str(pool["pool"])
    cells = ("  " + name, "", "", cents(spent), cents(out), cents(spent + out), "", "", "",
             cents(lately) if lately else "-", "")  # fmt: skip
    order = (name, "", 0, spent, out, spent + out, 0, 0, 0, lately, 0)
    return Row(
        f"{above} {name}", cells, order, fields={"member": name, "budget": above}, nusd=spent,
        under=above,
    )  # fmt: skip


def _others(pool: Told) -> Row:
    """The members there is no room for, or that only a lead may see."""
    spent, above = pool["others_nusd"], str(pool["pool"])
    name = f"{pool['others']} other{'s' if pool['others'] > 1 else ''}"
    cells = ("  " + name, "", "", cents(spent), "", "", "", "", "", "", "")
    order = ("~", "", 0, spent, 0, 0, 0, 0, 0, 0, 0)
    return Row(f"{above} ~", cells, order, fields={"budget": above}, nusd=spent, under=above)


def _unseen(pool: Told) -> Row:
    """A cap of the policy, of which the server has not told how the team stands."""
    name, window = str(pool["name"]), str(pool["window"])
    cap, ours, free = pool["cap_nusd"], pool["ours_nusd"], pool["free_nusd"]
    cells = (name, window, cents(cap), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, cents(ours),
             free_cents(free), "", "")  # fmt: skip
    order = (name, window, cap, 0, 0, 0, 0, ours, free, 0, 0)
    return Row(name, cells, order, fields={"budget": name}, nusd=pool["spent_nusd"])


def _resets(pool: Told, now_us: int) -> str:
    return left((pool["ends_us"] - now_us) // 1_000_000)


def _since(at_us: int, now_us: int) -> str:
    since = ago(max(0, now_us - at_us) // 1_000_000)
    return since if since == "now" else f"{since} ago"
