"""Which rates hold: the day, the prompt size, and the words of the request."""

from typing import Any

import pytest

from agentspend.core.rates import ModelPrice, RateRow, Rates, Variant, dearest

DAY_US = 86_400_000_000
CHANGE_US = 20_000 * DAY_US


def rates(input_pusd: int, **more: int) -> Rates:
    """Rates that differ only where the test looks."""
    known: dict[str, Any] = {"cache_read": 1, "cache_write_5m": 2, "cache_write_1h": 3, "output": 4}
    return Rates(input_pusd, **{**known, "web_search": 5, **more})


PRICE = ModelPrice(
    provider="p",
    model="m",
    context_window=0,
    max_output=0,
    rows=(
        RateRow(-(2**63), 0, rates(10)),
        RateRow(-(2**63), 200_001, rates(20, output=1)),
        RateRow(CHANGE_US, 0, rates(30)),
    ),
    variants={
        ("speed", "fast"): Variant(times=((-(2**63), (2, 1)),)),
        ("service_tier", "batch"): Variant(times=((CHANGE_US, (1, 2)),)),
        ("service_tier", "priority"): Variant(rows=(RateRow(CHANGE_US, 0, rates(70)),)),
        ("inference_geo", "us"): Variant(times=((-(2**63), (11, 10)),)),
    },
    standard={"service_tier": frozenset({"standard"}), "speed": frozenset({"standard"})},
    dearest_times={"speed": (6, 1)},
)


@pytest.mark.parametrize(("tokens", "expected"), [(0, 10), (200_000, 10), (200_001, 20)])
def test_long_prompts_cost_more_from_the_first_token_past_the_threshold(
    tokens: int, expected: int
) -> None:
    """The threshold itself still costs the short price; one token more reprices everything."""
    assert PRICE.rates(0, tokens).input == expected


def test_a_price_changes_at_midnight_utc_of_its_day() -> None:
    """The last µs of the day before has the old price."""
    assert PRICE.rates(CHANGE_US - 1, 1).input == 10
    assert PRICE.rates(CHANGE_US, 1).input == 30


def test_a_bound_takes_the_dearest_of_every_size_up_to_its_own() -> None:
    """A prompt bounded at 200,001 tokens may turn out shorter: each rate is the dearer one."""
    both = PRICE.rates(0, 200_001, up_to=True)
    assert (both.input, both.output) == (20, 4)


def test_multipliers_multiply() -> None:
    """Fast, the region and the batch discount apply together, exactly."""
    words: dict[str, Any] = {"speed": "fast", "service_tier": "batch", "inference_geo": "us"}
    found = PRICE.rates(CHANGE_US, 1, **words)
    num, den = found.times
    assert num * 10 == 11 * den
    assert found.unknown == ()


def test_searches_are_not_multiplied_by_speed_or_region() -> None:
    """The multipliers are published for token prices only."""
    found = PRICE.rates(CHANGE_US, 1, speed="fast", inference_geo="us")
    assert found.effective() == (66, 3, 5, 7, 9, 5)


def test_standard_words_change_nothing() -> None:
    """A provider's word for its standard rate is not an unknown word."""
    found = PRICE.rates(0, 1, speed="standard", service_tier="standard")
    assert (found.times, found.unknown) == ((1, 1), ())


def test_a_tier_may_have_its_own_price_list() -> None:
    """A tier that is not a plain multiple is looked up in its own rows."""
    assert PRICE.rates(CHANGE_US, 1, service_tier="priority").input == 70


def test_an_unknown_speed_costs_as_much_as_the_dearest_this_model_has() -> None:
    """Nobody knows what the word costs, so it costs no less than what is known."""
    found = PRICE.rates(0, 1, speed="turbo")
    assert (found.times, found.unknown) == ((2, 1), ("speed=turbo",))


def test_a_word_this_model_lacks_costs_as_much_as_the_dearest_of_its_provider() -> None:
    """A model without a fast mode that answers "fast" is not priced as standard."""
    plain = ModelPrice("p", "m", 0, 0, PRICE.rows, {}, {}, {"speed": (6, 1)})
    assert plain.rates(0, 1, speed="fast").times == (6, 1)


def test_an_unknown_tier_costs_the_dearest_known_one() -> None:
    """Standard, batch and the list of priority: priority wins."""
    found = PRICE.rates(CHANGE_US, 1, service_tier="scale")
    assert (found.input, found.unknown) == (70, ("service_tier=scale",))


@pytest.mark.parametrize("tier", ["batch", "priority"])
def test_a_variant_before_its_first_day_is_unknown(tier: str) -> None:
    """A discount that is not yet in the list is not given."""
    found = PRICE.rates(0, 1, service_tier=tier)
    assert found.effective()[0] >= 10
    assert found.unknown == (f"service_tier={tier}",)


def test_the_dearest_is_taken_rate_by_rate() -> None:
    """No candidate need be the dearest in everything."""
    found = dearest([rates(10, output=9), Rates(4, 8, 2, 3, 4, 5, times=(5, 1))])
    assert (found.input, found.cache_read, found.output) == (20, 40, 20)


def test_the_dearest_of_nothing_is_an_error() -> None:
    """There is no price without a candidate."""
    with pytest.raises(ValueError, match="no rates"):
        dearest([])
