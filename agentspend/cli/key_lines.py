"""Virtual keys as people read them: one row a key, or one key line by line."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentspend.cli import access, output
from agentspend.cli.budget_lines import left_text, tightest
from agentspend.cli.diagnostics import warn
from agentspend.cli.moments import clock_text
from agentspend.core.money import dollars
from agentspend.core.printable import clean

Line = Mapping[str, Any]
_STYLES = {"active": "", "blocked": "red", "expired": "yellow"}
_WILD = set("*?")


def with_budgets(key: Line, budgets: Sequence[Line]) -> dict[str, Any]:
    """A key and the budgets that name it."""
    return {**key, "budgets": _of(key, budgets)}


def show(keys: Sequence[Line], budgets: Sequence[Line]) -> None:
    """One row a key."""
    columns = ["KEY", "STATE", "FOR", "MODELS", "LIMITS", "BUDGET", "EXPIRES", "LAST USED"]
    spare = [columns.index(name) for name in ("LAST USED", "FOR", "EXPIRES", "LIMITS")]
    output.table(columns, [_row(each, _of(each, budgets)) for each in keys], spare=spare)


def show_one(key: Line) -> None:
    """One key, a line for each thing there is to say."""
    said = {
        "key": key["alias"],
        "state": key["state"],
        "for": _who(key),
        "models": ", ".join(key["models"]) or "all",
        "limits": _limits(key) or "none",
        "provider": key["provider"],
        "tags": ", ".join(key["tags"]),
        "made": clock_text(key["created_us"]),
        "expires": _moment(key["expires_us"], "never"),
        "last used": _moment(key["last_used_us"], "never"),
        "spent": f"{dollars(key['spent_nusd'])} in {key['requests']} requests",
        "listed": dollars(key["subscription_nusd"]) if key["subscription_nusd"] else "",
        **{f"budget {number}": left_text(each) for number, each in enumerate(key["budgets"], 1)},
    }
    for name, value in said.items():
        if value:
            output.line(f"{name:<10} {clean(str(value))}")


def warn_unpriced(models: Sequence[str]) -> None:
    """Say which models of a list have no price, so that a request for them is refused."""
    book = access.price_book()
    for name in models:
        plain = name.rpartition("/")[2]
        if not _WILD & set(name) and not any(book.find(p, plain) for p in book.providers()):
            warn(f"no price is known for {name}: requests for it are refused",
                 f"agentspend prices show {plain}")  # fmt: skip


def _of(key: Line, budgets: Sequence[Line]) -> list[Line]:
    term = f"key={key['alias']}"
    return [line for line in budgets if term in line["scope"].split() and not line["session"]]


def _row(key: Line, budgets: Sequence[Line]) -> list[str]:
    tight = tightest(budgets)
    budget = left_text(tight).removeprefix(f"{tight['name']} ") if tight else "-"
    return [
        output.plain(key["alias"]),
        output.styled(key["state"], _STYLES.get(key["state"], "")),
        output.plain(_who(key) or "-"),
        output.plain(",".join(key["models"]) or "all"),
        output.plain(_limits(key) or "-"),
        output.plain(budget),
        _moment(key["expires_us"], "never"),
        _moment(key["last_used_us"], "never"),
    ]


def _who(key: Line) -> str:
    team = f"team {team}" if (team := key.get("team", "")) else ""
    return " ".join(each for each in (key["agent"], key["project"], team) if each)


def _limits(key: Line) -> str:
    named = (("rpm", "rpm"), ("tpm", "tpm"), ("parallel", "parallel"))
    return " ".join(f"{key[name]:,} {word}" for name, word in named if key[name])


def _moment(moment_us: int | None, otherwise: str) -> str:
    return clock_text(moment_us) if moment_us else otherwise
