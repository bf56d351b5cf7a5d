"""From a line of the table to rates: gaps filled dear, days at midnight UTC."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.price_table import (
    BEGINNING_US,
    dearest_times,
    full_rates,
    model_price,
    start_us,
)
from agentspend.core.rates import CEILING_WEB_SEARCH_PUSD
from agentspend.prices import load_table

RATE = st.integers(0, 10**9)
GAP = st.none() | RATE


@given(RATE, GAP, GAP, GAP, RATE, GAP)
def test_a_gap_is_filled_with_a_price_no_cheaper_than_usual_and_named(
    input_: int,
    read: int | None,
    five: int | None,
    hour: int | None,
    output: int,
    search: int | None,
) -> None:
    """What is known stays; what is missing is dear and marked as a stand-in."""
    rates = full_rates([input_, read, five, hour, output, search])
    said = {"cache_read": read, "cache_write_5m": five, "cache_write_1h": hour}
    for name, known in {**said, "web_search": search}.items():
        assert known is None or getattr(rates, name) == known
        assert (known is None) == (name in rates.stand_ins)
    if read is None:
        assert rates.cache_read == input_
    if five is None:
        assert 4 * rates.cache_write_5m >= 5 * input_
    if hour is None:
        assert rates.cache_write_1h >= max(2 * input_, rates.cache_write_5m)
    if search is None:
        assert rates.web_search == CEILING_WEB_SEARCH_PUSD


@pytest.mark.parametrize("gap", [0, 4])
def test_a_price_without_input_or_output_is_no_price(gap: int) -> None:
    """There is nothing to stand in for those."""
    row: list[int | None] = [1, 1, 1, 1, 1, 1]
    row[gap] = None
    with pytest.raises(ValueError, match="needs input and output"):
        full_rates(row)


@pytest.mark.parametrize("day", ["2026-03-13", "2000-02-29", "1969-12-31"])
def test_a_day_starts_at_midnight_utc(day: str) -> None:
    """Whatever zone the budgets are in: providers change prices by UTC days."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert start_us(day) == int(at.timestamp()) * 1_000_000
    assert start_us("") == BEGINNING_US < start_us(day)


def test_every_line_of_the_vendored_table_can_be_read() -> None:
    """No model fails at its first request."""
    for provider, block in load_table()["providers"].items():
        dearest = dearest_times(block)
        for model, entry in block["models"].items():
            found = model_price(provider, model, entry, block, dearest)
            assert found.rows[0].from_us == BEGINNING_US or found.rows[0].from_us > 0
            assert found.rows[0].from_tokens == 0
            assert all(rate >= 0 for rate in found.rates(10**15, 10**7).effective())


def test_words_a_model_lacks_cost_the_dearest_of_its_provider() -> None:
    """Fast mode cost 6x on Opus 4.6, so no unknown speed of Anthropic's costs less."""
    block = load_table()["providers"]["anthropic"]
    entry = block["models"]["claude-haiku-4-5"]
    haiku = model_price("anthropic", "h", entry, block, dearest_times(block))
    assert haiku.rates(10**15, 1, speed="fast").effective()[0] == 6_000_000
