"""`agentspend status`: spent, held, free, limit and resets of every budget, and who is running."""

from typing import Annotated, Any

import typer

from agentspend.cli import access, output, pause, question_lines
from agentspend.cli.budget_lines import is_allowance, resets_in
from agentspend.cli.included_lines import show_included
from agentspend.cli.moments import ago_text, now_us
from agentspend.core.limits import WAIT_SHOWN_AFTER_S
from agentspend.core.money import dollars, free_dollars

FULL_PERCENT = 100
NEAR_PERCENT = 80


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Show every budget, the sessions that run, and what is wrong if anything is."""
    with access.reading(must_exist=False) as (ask, running):
        found = ask("status", look=True)
    if as_json:
        output.answer({**found, "running": running})
        return
    if not running:
        output.sentence("○ no daemon runs, so nothing is enforced: this is what the ledger says")
        output.sentence("  → agentspend run starts one; so does agentspend daemon start")
        output.line()
    for text in problems(found):
        output.sentence(text)
    show_budgets(found["budgets"], found.get("team"))
    _show_rules(found.get("rules", []))
    if found["sessions"]:
        output.line()
        teams = (found.get("team") or {}).get("teams", ())
        _show_sessions(found["sessions"], in_teams=len(teams) > 1)
    if found.get("windows"):
        output.line()
        show_included(found["windows"])
    output.line()
    listed_nusd = found.get("today_subscription_nusd", 0)
    listed = f", {dollars(listed_nusd)} at list price on subscriptions" if listed_nusd else ""
    output.sentence(f"today: {dollars(found['today_nusd'])} spent{listed}")


def show_budgets(lines: list[dict[str, Any]], team: dict[str, Any] | None = None) -> None:
    """One row a budget, the next one to refuse first; how to set one where there is none."""
    if not lines:
        output.sentence("no budget is set: metering only")
        output.sentence("→ agentspend budget set daily 25.00 --window day")
        return
    columns = ["", "BUDGET", "FOR", "WINDOW", "BAR", ">", ">SPENT", ">HELD", ">FREE", ">LIMIT",
               ">RESETS IN"]  # fmt: skip
    at_us = now_us()
    ordered = sorted(lines, key=lambda line: (-_used_percent(line), line["name"]))
    spare = [columns.index(name) for name in ("BAR", "FOR", "WINDOW", ">RESETS IN", ">HELD")]
    columns[spare[0]] = ""
    output.table(columns, [_budget_row(line, at_us) for line in ordered], spare=spare)
    for source in sorted({line["source"] for line in lines if line["source"]}):
        names = dict.fromkeys(line["name"] for line in lines if line["source"] == source)
        output.sentence(f"{', '.join(names)}: of {source}")
    if any(is_allowance(line) for line in lines):
        failed = (team or {}).get("failed")
        more = f"its server is away: {failed}" if failed else "more is had as it is spent"
        output.sentence(f"  there FREE is what this device was granted of the LIMIT; {more}")


def _show_rules(lines: list[dict[str, str]]) -> None:
    """One row a rule besides budgets, with whoever made it; nothing where there is none."""
    if not lines:
        return
    output.line()
    rows = [
        [line["kind"].replace("_", " "), line["for"], line["text"],
         line["source"] or line["session"] or "configuration"]
        for line in lines
    ]  # fmt: skip
    output.table(
        ["RULE", "FOR", "SAYS", "OF"], [[output.plain(cell) for cell in row] for row in rows],
        wrap=True,
    )  # fmt: skip


def problems(found: dict[str, Any]) -> list[str]:
    """What a person should read first: a closed gate, a bad configuration, requests that wait."""
    told = []
    if found.get("gate_closed"):
        told.append(f"✗ no request may leave: {found['gate_closed']}")
        told.append("  once that is mended the next request leaves  → agentspend doctor")
    if found.get("config_error"):
        told.append(f"! the configuration was not taken over: {found['config_error']}")
        told.append("  the last good one is in force  → agentspend config show")
    if found.get("day_starts_us", 0) > now_us():
        told.append("! this machine's clock is behind the ledger: windows stand still until it"
                    " catches up")  # fmt: skip
        told.append("  → agentspend doctor")
    told += frozen_lines(found.get("team") or {})
    if waits := found.get("waits", []):
        told += [f"! waits for you: {change['what']}" for change in waits]
        told.append("  → agentspend budget confirm")
    told += question_lines.told(found.get("questions", []))
    told += pause.told(found.get("paused", {}), now_us())
    for session in found["sessions"]:
        told += _waiting(session, found["budgets"])
    return [*told, ""] if told else []


def frozen_lines(team: dict[str, Any]) -> list[str]:
    """That a lead has stopped the team, or which of the member's teams."""
    if team.get("frozen"):
        return ["✗ your team is frozen: a lead has stopped all spending"]
    return [
        f"✗ your team {each['team']} is frozen: a lead has stopped all its spending"
        for each in team.get("teams", ())
        if each["frozen"]
    ]


def _waiting(session: dict[str, Any], budgets: list[dict[str, Any]]) -> list[str]:
    """Requests that have stood in line long enough to be wondered about, and why they do."""
    told = []
    for wait in session.get("waiting", []):
        if wait["since_ms"] <= WAIT_SHOWN_AFTER_S * 1000 or wait.get("asks"):
            continue
        who = session.get("agent") or session["id"]
        since = f"! a request of {who} has waited {wait['since_ms'] // 1000} s for"
        if wait.get("limit"):
            told.append(f"{since} the rate limit of {wait['limit']}")
            continue
        line = next((each for each in budgets if each["name"] == wait["budget"]), None)
        why = (
            f": {free_dollars(line['free_nusd'])} is free, {dollars(line['held_nusd'])} is held by"
            " requests in flight and may come free"
            if line
            else ""
        )
        told.append(f"{since} budget {wait['budget']}{why}")
    return told


def _used_percent(line: dict[str, Any]) -> int:
    if is_allowance(line):
        return 0
    used_nusd = line["spent_nusd"] + line["held_nusd"]
    return int(used_nusd * 100 // line["limit_nusd"]) if line["limit_nusd"] else FULL_PERCENT


def _budget_row(line: dict[str, Any], at_us: int) -> list[str]:
    percent = _used_percent(line)
    mark, style = " ", ""
    if percent >= FULL_PERCENT:
        mark, style = "✗", "red"
    elif percent >= NEAR_PERCENT:
        mark, style = "!", "yellow"
    only_ours = is_allowance(line)
    name = line["name"] if line["mode"] == "hard" else f"{line['name']} (warn)"
    whose = line.get("subagent") or line.get("session")
    window = f"{line['window']} {whose}" if whose else line["window"]
    spent = dollars(line["spent_nusd"])
    return [
        output.styled(mark, style),
        output.styled(name, style),
        output.plain(line["scope"]),
        output.plain(window),
        "" if only_ours else output.bar(line["spent_nusd"], line["held_nusd"], line["limit_nusd"]),
        "-" if only_ours else output.styled(f"{percent}%", style),
        spent,
        dollars(line["held_nusd"]),
        free_dollars(line["free_nusd"]),
        dollars(line["cap_nusd"] if only_ours else line["limit_nusd"]),
        resets_in(line, at_us),
    ]


def _show_sessions(sessions: list[dict[str, Any]], *, in_teams: bool) -> None:
    columns = ["SESSION", "AGENT", "PROJECT", "BRANCH", ">REQUESTS", ">SPENT", ">HELD", ">LISTED",
               ">SINCE"]  # fmt: skip
    rows = [
        [
            each["id"],
            output.plain(each["agent"] or "-"),
            output.plain(each["project"] or "-"),
            output.plain(each["branch"] or "-"),
            str(each["requests"]),
            dollars(each["spent_nusd"]),
            dollars(each["held_nusd"]),
            dollars(each["subscription_nusd"]) if each["subscription_nusd"] else "-",
            ago_text(each["opened_us"]),
        ]
        for each in sessions
    ]
    if in_teams:
        columns.insert(2, "TEAM")
        for row, each in zip(rows, sessions, strict=True):
            row.insert(2, output.plain(each.get("team") or "-"))
    spare = [columns.index(name) for name in (">LISTED", "BRANCH", ">HELD", "PROJECT", ">SINCE")]
    output.table(columns, rows, spare=spare)
