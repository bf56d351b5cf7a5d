"""The arithmetic of charges and bounds: exact sums, one rounding, upward."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.pricing import MAX_OUTPUT_TOKENS, Bound, charge_parts
from agentspend.core.rates import Rates
from agentspend.core.usage import Usage, UsagePart

COUNTS = st.integers(0, 2_000_000)
RATES = st.integers(0, 100_000_000)
RATIOS = st.sampled_from([(1, 1), (2, 1), (1, 2), (11, 10), (11, 20), (4, 5), (5, 6), (1, 3)])

USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cache_read_tokens=COUNTS,
    cache_write_5m_tokens=COUNTS,
    cache_write_1h_tokens=COUNTS,
    output_tokens=COUNTS,
    web_search_requests=st.integers(0, 20),
)
RATE_SETS = st.builds(
    Rates, RATES, RATES, RATES, RATES, RATES, RATES, times=RATIOS, fee_times=RATIOS
)
PARTS = st.lists(st.tuples(USAGES, st.sampled_from("ab"), RATE_SETS), min_size=1, max_size=4)


def exact(usage: Usage, rates: Rates) -> Fraction:
    """The same bill in fractions."""
    tokens = (
        usage.input_tokens * rates.input
        + usage.cache_read_tokens * rates.cache_read
        + usage.cache_write_5m_tokens * rates.cache_write_5m
        + usage.cache_write_1h_tokens * rates.cache_write_1h
        + usage.output_tokens * rates.output
    )
    fees = usage.web_search_requests * rates.web_search
    return tokens * Fraction(*rates.times) + fees * Fraction(*rates.fee_times)


@given(PARTS)
def test_a_charge_is_the_exact_sum_rounded_up_once(
    parts: list[tuple[Usage, str, Rates]],
) -> None:
    """Whatever the multipliers, a charge is never below the truth and less than 1 pUSD above."""
    pusd, lines = charge_parts([(UsagePart(model, usage), model, r) for usage, model, r in parts])
    truth = sum((exact(usage, rates) for usage, _, rates in parts), Fraction(0))
    assert truth <= pusd < truth + 1
    assert sum(line.picousd for line in lines) == pusd


def test_lines_name_the_rate_and_the_model_that_differs() -> None:
    """A second model's lines carry its name; nothing is listed that was not used."""
    rates = Rates(1, 2, 3, 4, 5, 6)
    part = UsagePart("x", Usage(input_tokens=7, web_search_requests=1))
    other = UsagePart("y", Usage(output_tokens=2))
    _, lines = charge_parts([(part, "x", rates), (other, "y", rates)])
    assert [line.what for line in lines] == ["input", "web_search", "y output"]


def bound(**changes: int) -> Bound:
    """$1 of input at $5 per million tokens, $25 per million out."""
    values: dict[str, Any] = {
        "input_tokens": 200_000,
        "input_pusd": 10**12,
        "output_pusd_per_token": 25_000_000,
        "fixed_pusd": 0,
        "context_window": 1_000_000,
        "input_pusd_per_token": 5_000_000,
        "read_pusd_per_token": 500_000,
    }
    return Bound(**{**values, **changes})


@given(
    input_pusd=st.integers(0, 10**13),
    fixed_pusd=st.integers(0, 10**11),
    output=st.integers(1, 10**9),
    free_nusd=st.integers(-(10**9), 10**11),
)
def test_output_that_fits_is_the_largest_that_fits(
    input_pusd: int, fixed_pusd: int, output: int, free_nusd: int
) -> None:
    """One token more would cost more than is free; -1 says that not even the input fits."""
    found = bound(input_pusd=input_pusd, fixed_pusd=fixed_pusd, output_pusd_per_token=output)
    tokens = found.output_that_fits(free_nusd)
    assert found.nusd(tokens + 1) > free_nusd
    assert tokens == -1 or found.nusd(tokens) <= free_nusd


def test_free_output_always_fits() -> None:
    """A self-hosted model has no limit by money."""
    assert bound(input_pusd=0, output_pusd_per_token=0).output_that_fits(0) == MAX_OUTPUT_TOKENS


def test_a_bound_that_trusts_the_cache_saves_the_difference_per_token() -> None:
    """150,000 of 200,000 tokens read from the cache: $1.00 becomes $0.325."""
    warm = bound().with_cached(150_000)
    assert warm.nusd(0) == 325_000_000


@pytest.mark.parametrize("tokens", [-5, 0])
def test_nothing_cached_saves_nothing(tokens: int) -> None:
    """A warm bound never rises above the strict one, nor falls without a cache."""
    assert bound().with_cached(tokens) == bound()


def test_no_more_is_cached_than_was_sent() -> None:
    """Trust ends at the input's own bound."""
    assert bound().with_cached(10**9).input_pusd == 200_000 * 500_000


@given(
    st.integers(0, 10**6),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 100), st.integers(0, 100)),
        min_size=1,
        max_size=3,
    ),
)
def test_a_warm_bound_covers_every_model_that_may_answer(
    read: int, models: list[tuple[int, int, int]]
) -> None:
    """A long cheap prompt and a short dear one: no savings of one are taken off the other's cost.

    Each model is (tokens it can take, its input rate, its cache rate).
    """
    strict = bound(
        input_tokens=max(sent for sent, _, _ in models),
        input_pusd=max(sent * max(dear, cheap) for sent, dear, cheap in models),
        input_pusd_per_token=max(max(dear, cheap) for _, dear, cheap in models),
        read_pusd_per_token=max(cheap for _, _, cheap in models),
    )
    warm = strict.with_cached(read)
    for sent, dear, cheap in models:
        cached = min(sent, read)
        assert warm.input_pusd >= cached * cheap + (sent - cached) * dear
    assert 0 <= warm.input_pusd <= strict.input_pusd
