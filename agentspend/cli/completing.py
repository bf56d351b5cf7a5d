"""What the shell completes besides commands and options: the names there are at this moment.

Asked by the shell at a tab: it never starts a daemon, and without an answer there is none to offer.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import typer

from agentspend.cli import access
from agentspend.core.errors import AgentspendError

NEWEST = 40
LATELY = "30d"
WINDOWS = ("session", "subagent", "hour", "day", "week", "month", "total", "5h", "7d")


def budgets(incomplete: str) -> list[str]:
    """The budgets of the configuration."""
    return _known(incomplete, lambda: (each.name for each in access.config().budgets))


def budgets_asked_for(incomplete: str) -> list[str]:
    """The budgets of which a request asks for more."""
    return _known(incomplete, lambda: (each["budget"] for each in _status()["questions"]))


def scopes(incomplete: str) -> list[str]:
    """The terms of a scope: its keys, then what is known to stand behind one. A key that nothing is
    known of is still offered."""
    from agentspend.core.scopes import KEYS

    key, equals, _ = incomplete.partition("=")
    begin = [each for each in KEYS if each.startswith(key)]
    if not equals and (key in KEYS or len(begin) != 1):
        return [f"{each}=" for each in begin]
    key = key if equals else begin[0]
    values = _VALUES.get(key, partial(_of_sessions, key))
    found = _known(incomplete, lambda: dict.fromkeys(f"{key}={each}" for each in values("")))
    return found or ([] if equals else [f"{key}="])


def windows(incomplete: str) -> list[str]:
    """The windows a budget may have; of the rolling ones, two."""
    return _known(incomplete, lambda: WINDOWS)


def sessions(incomplete: str) -> list[str]:
    """The sessions that run."""
    return _known(incomplete, lambda: (each["id"] for each in _status()["sessions"]))


def paused(incomplete: str) -> list[str]:
    """The sessions that are paused."""
    return _known(incomplete, lambda: filter(None, _status()["paused"]))


def keys(incomplete: str) -> list[str]:
    """The virtual keys."""
    return _known(incomplete, lambda: (each["alias"] for each in access.ask("key.list")["keys"]))


def requests(incomplete: str) -> list[str]:
    """The newest requests that were charged."""

    def newest() -> Iterable[str]:
        import json

        found = access.ask("entries", newest=True, count=NEWEST)["entries"]
        rids = (json.loads(body).get("rid") for _, _, body in found)
        return dict.fromkeys(filter(None, rids))

    return _known(incomplete, newest)


def teams(incomplete: str) -> list[str]:
    """The teams of this device's member."""
    return _known(incomplete, lambda: (each["team"] for each in _team("teams")))


def pools(incomplete: str) -> list[str]:
    """The team's caps that concern this device."""
    return _known(incomplete, lambda: (each["name"] for each in _team("pools")))


def raises(incomplete: str) -> list[str]:
    """The questions for more that wait for a lead."""

    def waiting() -> Iterable[str]:
        team = access.ask("team.status")["team"] or {}
        questions = (team.get("overview") or {}).get("questions", ())
        return (each["request"] for each in questions)

    return _known(incomplete, waiting)


def agents(incomplete: str) -> list[str]:
    """The agents that are known by name."""
    from agentspend.agents import AGENTS

    return _known(incomplete, lambda: AGENTS)


def program(ctx: typer.Context, incomplete: str) -> list[str]:
    """The agent after `run`; what comes after it is the agent's own."""
    return [] if ctx.params.get("command") else agents(incomplete)


def providers(incomplete: str) -> list[str]:
    """The providers that are set up."""
    return _known(incomplete, lambda: access.config().providers)


def ready_providers(incomplete: str) -> list[str]:
    """The providers that are known by name, set up or not."""

    def ready() -> Iterable[str]:
        from agentspend.config.ready_providers import READY

        return dict.fromkeys((*READY, *access.config().providers))

    return _known(incomplete, ready)


def periods(incomplete: str) -> list[str]:
    """What a report may be about."""
    from agentspend.reports.periods import EXAMPLES

    return _known(incomplete, lambda: EXAMPLES)


def report_by(incomplete: str) -> list[str]:
    """The words a report adds up by, also after a first one and its comma; tags by their keys."""
    from agentspend.reports.terms import NAMES, TAG, TIMES

    before, comma, begun = incomplete.rpartition(",")

    def words() -> Iterable[str]:
        if begun.startswith(TAG):
            yield from (f"{before}{comma}{TAG}{key}" for key in _spent(TAG))
        else:
            yield from (f"{before}{comma}{each}" for each in (*TIMES, *NAMES, TAG)
                        if each != before)  # fmt: skip

    return _known(incomplete, words)


def report_where(incomplete: str) -> list[str]:
    """What a report can be limited to: its words, then what was spent by lately."""
    from agentspend.reports.terms import NAMES, TAG

    key, equals, _ = incomplete.partition("=")
    if equals:
        return _known(incomplete, lambda: (f"{key}={value}" for value in _spent(key) if value))
    if key.startswith(TAG):
        return _known(incomplete, lambda: (f"{TAG}{each}=" for each in _spent(TAG)))
    return _known(incomplete, lambda: (*(f"{each}=" for each in NAMES), TAG))


def _spent(key: str) -> Iterable[str]:
    """What was spent by lately under a word of a report; the keys of tags for "tag:" alone."""
    from agentspend.cli import report_reading
    from agentspend.reports.periods import Calendar, read_period
    from agentspend.reports.rollup import roll_up
    from agentspend.reports.terms import TAG, columns, tags_of

    with access.reading(must_exist=False, whole=False) as (ask, _):
        begun = report_reading.opening(ask)
        period = read_period(LATELY, "", "", begun.now_us, begun.zone)
        if key == TAG:
            rows = report_reading.rows(ask, {"tags"}, period)
            return sorted({tag.partition("=")[0] for said, _ in rows for tag in tags_of(said)})
        rows = report_reading.rows(ask, columns((key,), ()), period)
        return [line.values[0] for line in roll_up(rows, (key,), (), Calendar(begun.zone))]


def of(*words: str) -> Callable[[str], list[str]]:
    """These words and no others."""

    def fixed(incomplete: str) -> list[str]:
        return _known(incomplete, lambda: words)

    return fixed


def models(incomplete: str) -> list[str]:
    """The models of the providers that are set up, by the ids of their prices."""

    def priced() -> Iterable[str]:
        book, yours = access.price_book(), access.config().providers
        return dict.fromkeys(model for name in yours for model in book.models(name))

    return _known(incomplete, priced)


def _of_sessions(key: str, incomplete: str) -> list[str]:
    """What the sessions that run say under a key of a scope."""

    def said() -> Iterable[str]:
        for each in _status()["sessions"]:
            yield from each["tags"] if key == "tag" else filter(None, [each.get(key)])

    return _known(incomplete, said)


_VALUES: dict[str, Callable[[str], list[str]]] = {
    "agent": agents,
    "key": keys,
    "model": models,
    "provider": providers,
    "session": sessions,
}
"""Who knows what may stand behind a key of a scope; of the others the running sessions do."""


def _known(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    """Those that begin so; none where nobody can be asked."""
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except (AgentspendError, KeyError):
        return []


def _status() -> dict[str, Any]:
    return access.ask("status")


def _team(part: str) -> Iterable[dict[str, Any]]:
    found: Iterable[dict[str, Any]] = (_status().get("team") or {}).get(part, ())
    return found
