"""What `run` tells people: one line before the agent starts, one when it has ended."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from agentspend.agents.base import LaunchPlan, unpaid
from agentspend.cli import access, question_lines
from agentspend.cli.budget_lines import applying, left_text, resets_when, tightest
from agentspend.cli.diagnostics import say, warn
from agentspend.cli.moments import now_us
from agentspend.cli.session_link import SessionLink
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable, Kind
from agentspend.core.money import dollars
from agentspend.core.scopes import Payer

MOST_WAITS = 3
FIRST_CAP = "agentspend budget set daily 25.00 --window day"


def before(
    plan: LaunchPlan,
    payer: Payer,
    status: dict[str, Any],
    opened: Mapping[str, Any],
    chosen: Sequence[str] = (),
) -> None:
    """Where this session is filed, whom it asks, and which budgets it can use up.

    `opened` is the daemon's answer: what of the repository's files waits for a person, and whether
    requests do; `chosen` are the only providers that it asks.
    """
    for text in plan.warnings:
        warn(text)
    for text in (*plan.notes, *_untold(plan.once)):
        say(f"agentspend: {text}")
    if status["gate_closed"]:
        warn(f"no request may leave: {status['gate_closed']}", "agentspend doctor")
    if status["config_error"]:
        warn(f"the last good configuration is in force: {status['config_error']}")
    _say_waits([*opened.get("waits", ()), *(each["what"] for each in status.get("waits", ()))])
    if opened.get("asks_for_s"):
        say(f"agentspend: what no budget lets pass waits for your answer, {opened['asks_for_s']} s"
            " at most  → agentspend status, in another terminal")  # fmt: skip
    for text in question_lines.told(status.get("questions", [])):
        say(text)
    lines = applying(status["budgets"], payer)
    asks = f"asks {' and '.join(chosen)} only" if chosen else ""
    team = f"for team {payer.team}" if len(opened.get("teams", ())) > 1 else ""
    where = " · ".join(name for name in (payer.project, payer.branch, team, asks) if name)
    told = ", ".join(left_text(line) for line in lines)
    if not lines:
        told = f"metering only, no budget applies  → {FIRST_CAP}"
    elif plan.subscribed and all(line["counts"] == "billed" for line in lines):
        told += "; your subscription's use is listed apart, and not counted"
    say(f"agentspend: {where + ' · ' if where else ''}{told}", "dim")


def _say_waits(texts: Sequence[str]) -> None:
    """What files say and is not in force yet, each once; of many, how many."""
    waits = list(dict.fromkeys(texts))
    if len(waits) > MOST_WAITS:
        say(f"agentspend: {len(waits)} changes wait for you  → agentspend budget confirm")
        return
    for text in waits:
        say(f"agentspend: {text}: waits for you  → agentspend budget confirm")


def _untold(sentences: Sequence[str]) -> list[str]:
    """Those that this user has not read yet; from now on they have."""
    path = access.folders().told
    try:
        told = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        told = []
    found = [text for text in sentences if text not in told]
    if found:
        with suppress(OSError):
            path.write_text("\n".join([*told, *found, ""]), "utf-8")
    return found


def after(link: SessionLink, payer: Payer, plan: LaunchPlan) -> None:
    """What the session cost, and what is left. Never raises: the agent's exit code stands."""
    try:
        total = link.total()
        lines = applying(access.ask("status")["budgets"], payer)
    except DaemonSilent as error:
        warn(error.message, error.hint)
        return
    except AgentspendError as error:
        if isinstance(error, DaemonUnreachable) or error.kind == Kind.STOPPING:
            warn("the daemon is not running, so what this session cost is not known here",
                 "agentspend daemon start, then agentspend log")  # fmt: skip
        else:
            warn(error.message, error.hint)
        return
    if total["requests"] or total["refused"]:
        say(f"agentspend: {_cost(total)}{_left(lines)}")
    elif count := total.get("released", 0):
        what = "1 request was" if count == 1 else f"{count} requests were"
        why, provider = _unbilled(total.get("last_release", {}))
        warn(f"{what} sent and nothing was billed: {why}",
             f"agentspend providers test {provider}    says whether it answers")  # fmt: skip
    elif came := total.get("came", 0):
        what = "1 request" if came == 1 else f"{came} requests"
        warn(f"{what} came and nothing was sent: turned back, or given up while it waited",
             "agentspend status    says what holds it up")  # fmt: skip
    else:
        warn(*_nothing(plan))


def _cost(total: dict[str, Any]) -> str:
    """`this session cost $0.42 in 12 requests, 1 refused`."""
    count = total["requests"]
    spent = dollars(total["spent_nusd"])
    if total["subscription_nusd"]:
        spent += f" and {dollars(total['subscription_nusd'])} at list price on your subscription"
    text = f"this session cost {spent} in {count} request{'' if count == 1 else 's'}"
    return f"{text}, {total['refused']} refused" if total["refused"] else text


_MEANS = {401: "it does not take the key", 403: "the key may not ask this",
          429: "too much was asked at once"}  # fmt: skip


def _unbilled(last: Mapping[str, Any]) -> tuple[str, str]:
    """Why the last request that nobody billed was not, and whose it was."""
    provider, status = str(last.get("provider") or "NAME"), int(last.get("status", 0))
    if not status:
        return str(last.get("why") or "the provider did not answer, or said no"), provider
    means = _MEANS.get(status, "the fault is on its side" if status >= 500 else "")
    return f"{provider} answered {status}{f', {means}' if means else ''}", provider


def _left(lines: list[Any]) -> str:
    line = tightest(lines)
    if line is None:
        return "" if lines else f" · metering only  → {FIRST_CAP}"
    resets = resets_when(line, now_us())
    return f" · {left_text(line)}{', ' + resets if resets else ''}"


def _nothing(plan: LaunchPlan) -> tuple[str, str]:
    """Why nothing was metered, as far as can be known, and the way out."""
    program = PurePath(plan.argv[0]).name
    if note := unpaid(plan):
        return f"nothing was asked and nothing metered: {note}", ""
    why = f"{program} asked no model, or went another way"
    ways = "its own base URL, another provider, a proxy"
    told = f"no request came through agentspend, so nothing was metered: {why} ({ways})"
    return told, "agentspend doctor"
