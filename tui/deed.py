"""The changes a person can make here, as values: the question, the deed, the way back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

from agentspend.core.money import dollars, parse_usd, usd_text
from tui.budgets import Line
from tui.rows import Row

Told = Mapping[str, Any]
UNDO_US = 10_000_000
"""How long the last change can be taken back by one key."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One change: what the source is asked for, in words, as a command, and what takes it back."""

    action: str
    fields: dict[str, Any]
    question: str
    command: str
    back: "Deed | None" = field(default=None)


def raised(line: Line, amount: str) -> Deed:
    """Raise a budget by so many dollars. Raises `AgentspendError` for what is no amount."""
    by_nusd = parse_usd(amount)
    limit_nusd = line.limit_nusd + by_nusd
    back = Deed(
        "limit", {"name": line.name, "limit": usd_text(line.limit_nusd)},
        f"take the raise of {line.name} back?",
        f"agentspend budget raise {line.name} --to {usd_text(line.limit_nusd)}",
    )  # fmt: skip
    return Deed(
        "limit", {"name": line.name, "limit": usd_text(limit_nusd)},
        f"raise {line.name} by {dollars(by_nusd)}? its limit becomes {dollars(limit_nusd)} per"
        f" {line.window}",
        f"agentspend budget raise {line.name} {usd_text(by_nusd)}", back,
    )  # fmt: skip


def paused(row: Row, *, is_paused: bool) -> Deed:
    """Pause a session, or let it go on."""
    words = ("resume", "pause") if is_paused else ("pause", "resume")
    first, second = (
        Deed(word, {"session": row.session}, _ASKED[word].format(row.session),
             f"agentspend {word} {row.session}")
        for word in words
    )  # fmt: skip
    return Deed(first.action, first.fields, first.question, first.command, second)


_ASKED = {
    "pause": "pause {}? its next requests are refused until it is resumed",
    "resume": "let {} go on?",
}


def everyone(*, is_paused: bool) -> Deed:
    """The kill-switch: every session, also those that begin later."""
    stop = Deed(
        "pause", {"session": ""}, "stop everything? every new request is refused until resumed",
        "agentspend pause --all",
    )  # fmt: skip
    go = Deed("resume", {"session": ""}, "let everyone go on?", "agentspend resume --all")
    first, second = (go, stop) if is_paused else (stop, go)
    return Deed(first.action, first.fields, first.question, first.command, second)


def cheaper(row: Row, pattern: str) -> Deed:
    """Allow a session only these models from now on."""
    back = Deed(
        "models", {"session": row.session, "allow": ""}, f"allow {row.session} every model again?",
        f"agentspend models {row.session} --any",
    )  # fmt: skip
    return Deed(
        "models", {"session": row.session, "allow": pattern},
        f"allow {row.session} only {pattern}? other models are refused",
        f"agentspend models {row.session} --only {quote(pattern)}", back,
    )  # fmt: skip


def approved(asked: Told, amount: str) -> Deed:
    """Give somebody more, as a lead. Raises `AgentspendError` for what is no amount."""
    nusd, name = parse_usd(amount), str(asked["request"])
    return Deed(
        "approve", {"request": name, "amount": usd_text(nusd)},
        f"give {asked['member']} {dollars(nusd)} more of {asked['pool']}, in this window?",
        f"agentspend team approve {name} --amount {usd_text(nusd)}", _reopened(asked),
    )  # fmt: skip


def denied(asked: Told) -> Deed:
    """Answer no, as a lead."""
    name = str(asked["request"])
    return Deed(
        "deny", {"request": name},
        f"tell {asked['member']} no? {dollars(asked['amount_nusd'])} more of {asked['pool']}",
        f"agentspend team deny {name}", _reopened(asked),
    )  # fmt: skip


def _reopened(asked: Told) -> Deed:
    name = str(asked["request"])
    return Deed(
        "reopen", {"request": name}, f"open {name} again?", f"agentspend team reopen {name}"
    )


def requested(words: str, pool: str = "", team: str = "") -> Deed:
    """Ask for a raise: `20 for the release`; of a pool, else of a team's tightest one, else of the
    home team's. Raises `AgentspendError` without a sum."""
    amount, _, reason = words.partition(" ")
    nusd = parse_usd(amount)
    reason = reason.strip()
    of = {"pool": pool} if pool else {"team": team} if team else {}
    whose = f" more of {pool}" if pool else f" for team {team}" if team else ""
    options = "".join(f"--{name} {word} " for name, word in of.items())
    return Deed(
        "request", {"amount": usd_text(nusd), "reason": reason, **of},
        f"ask the team's leads for {dollars(nusd)}{whose}?",
        f"agentspend team request {usd_text(nusd)} {options}--reason {quote(reason)}",
    )  # fmt: skip
