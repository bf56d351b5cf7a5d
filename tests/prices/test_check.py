"""Is a foreign table fit to be used, and what would it change?"""

from typing import Any

import pytest

from agentspend.core.errors import AgentspendError
from agentspend.prices import load_table
from agentspend.prices.check import PriceChange, check_table, check_update, diff

ROW = ["", 0, 3_000_000, 300_000, 3_750_000, 6_000_000, 15_000_000, 10**10]


def table(**entry: Any) -> dict[str, Any]:
    """One provider with one model."""
    model = {"rates": [ROW], "context_window": 200_000, **entry}
    models = {"m": {name: value for name, value in model.items() if value is not None}}
    return {"providers": {"p": {"standard": {"speed": ["standard"]}, "models": models}}}


def row(**changes: Any) -> list[Any]:
    """The row with some of its fields changed."""
    names = ("day", "size", "input", "read", "five", "hour", "output", "search")
    return [changes.get(name, value) for name, value in zip(names, ROW, strict=True)]


def test_the_vendored_table_has_nothing_wrong() -> None:
    """And differs from itself in nothing."""
    assert check_table(load_table()) == []
    assert check_update(load_table(), load_table()) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"rates": None}, "has no rates"),
        ({"rates": []}, "has no rates"),
        ({"rates": [[1, 2]]}, "has damaged rates"),
        ({"rates": [row(day="soon")]}, "without a day"),
        ({"rates": [row(day="2026-13-01")]}, "without a day"),
        ({"rates": [row(day="20260101")]}, "without a day"),
        ({"rates": [row(size=-1)]}, "without a day or a prompt size"),
        ({"rates": [row(size=1)]}, "out of order"),
        ({"rates": [ROW, ROW]}, "out of order"),
        ({"rates": [ROW, row(day="2026-01-01", size=5)]}, "out of order"),
        ({"rates": [row(day="2026-01-01"), ROW]}, "out of order"),
        ({"rates": [row(input=None)]}, "has no input rate"),
        ({"rates": [row(output=None)]}, "has no output rate"),
        ({"rates": [row(output=-1)]}, "has a output rate of -1"),
        ({"rates": [row(read=0.3)]}, "has a cache_read rate of 0.3"),
        ({"rates": [row(input=True)]}, "has a input rate of True"),
        ({"rates": [row(input=10**12 + 1)]}, "has a input rate of"),
        ({"context_window": 0}, "context_window is not"),
        ({"max_output": "128k"}, "max_output is not"),
        ({"aliases": "m2"}, "aliases are not words"),
        ({"extra": 1}, "unknown fields extra"),
        ({"speed": []}, "speed is not a table"),
        ({"speed": {"fast": {}}}, "neither a multiplier nor a price list"),
        ({"speed": {"fast": {"times": []}}}, "damaged multiplier"),
        ({"speed": {"fast": {"times": [["", 0, 1]]}}}, "damaged multiplier"),
        ({"speed": {"fast": {"times": [["", 2, 0]]}}}, "damaged multiplier"),
        ({"speed": {"fast": {"times": [["2026-01-01", 2, 1], ["", 3, 1]]}}}, "out of order"),
        ({"rates": [[*ROW, 1, 2, 3, 4, 5, 6]]}, "has damaged rates"),
        ({"rates": [[*ROW, -1]]}, "has a cache_write_12h rate of -1"),
        ({"peak": 1}, "peak is not a table"),
        ({"peak": {"hours": [[1, 4]], "rates": [ROW], "else": 1}}, "peak is not a table"),
        ({"peak": {"hours": [], "rates": [ROW]}}, "peak has damaged hours"),
        ({"peak": {"hours": [[4, 4]], "rates": [ROW]}}, "peak has damaged hours"),
        ({"peak": {"hours": [[4, 25]], "rates": [ROW]}}, "peak has damaged hours"),
        ({"peak": {"hours": [[1]], "rates": [ROW]}}, "peak has damaged hours"),
        ({"peak": {"hours": [[1, 4]], "weekdays": [7], "rates": [ROW]}}, "damaged weekdays"),
        ({"peak": {"hours": [[1, 4]], "since": "soon", "rates": [ROW]}}, "peak has no day"),
        ({"peak": {"hours": [[1, 4]]}}, "peak has no rates"),
        ({"service_tier": {"flex": {"rates": [[1]]}}}, "service_tier=flex has damaged rates"),
    ],
)
def test_what_cannot_be_charged_by_is_refused(entry: dict[str, Any], said: str) -> None:
    """Every kind of damage is named, with its model."""
    wrong = check_table(table(**entry))
    assert any(what.startswith("p/m: ") and said in what for what in wrong), wrong
    with pytest.raises(AgentspendError, match="cannot be used"):
        check_update(table(), table(**entry))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({}, "no providers"),
        ({"providers": []}, "no providers"),
        ({"providers": {"p": {}}}, "p has no models"),
        ({"providers": {"p": {"models": {"m": 1}}}}, "p/m: is not a table"),
        ({"providers": {"p": {"standard": {"speed": "x"}, "models": {}}}}, "standard words"),
        ({"providers": {"p": {"standard": {"mood": ["x"]}, "models": {}}}}, "standard words"),
    ],
)
def test_what_is_no_table_is_refused(broken: dict[str, Any], said: str) -> None:
    """Shapes that are not ours at all."""
    assert any(said in what for what in check_table(broken))


def test_many_mistakes_are_told_briefly() -> None:
    """Three of them, and how many more."""
    broken = table(rates=None, context_window=0, max_output=0, aliases=1, extra=1)
    with pytest.raises(AgentspendError, match=r"\(and 2 more\)"):
        check_update(table(), broken)


def test_a_price_that_falls_to_nothing_is_taken_for_a_mistake() -> None:
    """Everything of that model would pass every cap; a person has to say that it is right."""
    free = table(rates=[row(input=0)])
    with pytest.raises(AgentspendError, match="p/m input costs something now") as raised:
        check_update(table(), free)
    assert "--allow-zero" in raised.value.hint
    assert check_update(table(), free, allow_zero=True) == [PriceChange("p/m", "input", "3", "0")]


def test_every_changed_fact_is_told_in_dollars() -> None:
    """Rates per million tokens, searches per thousand, multipliers, limits and names."""
    new = table(
        rates=[row(output=18_000_000, search=14 * 10**9), row(day="2027-01-01", size=0)],
        context_window=1_000_000,
        aliases=["m-latest"],
        speed={"fast": {"times": [["", 6, 1]]}},
    )
    told = {(change.what, change.old, change.new) for change in diff(table(), new)}
    assert {
        ("output", "15", "18"),
        ("web_search", "10", "14"),
        ("input since 2027-01-01", "", "3"),
        ("context_window", "200000", "1000000"),
        ("aliases", "", "m-latest"),
        ("speed=fast", "", "×6"),
    } <= told


def test_peaks_and_rare_rates_are_told_too() -> None:
    """Hours by their days, and rates that only some models have."""
    peak = {"hours": [[1, 4], [6, 10]], "weekdays": [0, 4], "since": "2026-08-17", "rates": [ROW]}
    new = table(rates=[[*ROW, 7_500_000, None, None, 25 * 10**9]], peak=peak)
    told = {(change.what, change.old, change.new) for change in diff(table(), new)}
    assert {
        ("peak hours since 2026-08-17", "", "01-04, 06-10 UTC Mon, Fri"),
        ("peak input", "", "3"),
        ("cache_write_12h", "", "7.5"),
        ("web_search_preview", "", "25"),
    } <= told
    free = table(peak={**peak, "rates": [row(output=0)]})
    with pytest.raises(AgentspendError, match="p/m peak output costs something now"):
        check_update(new, free)


def test_models_that_come_and_go_are_told() -> None:
    """A model that disappears would be refused from then on."""
    gone: dict[str, Any] = {"providers": {"p": {"standard": {}, "models": {}}}}
    assert PriceChange("p/m", "model", "listed", "") in diff(table(), gone)
    assert PriceChange("p/m", "model", "", "listed") in diff(gone, table())
    assert PriceChange("p/*", "standard speed", "standard", "") in diff(table(), gone)
