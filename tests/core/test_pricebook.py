"""Charges and bounds from the vendored table, and what happens where it has no answer."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentspend.core.errors import AgentspendError
from agentspend.core.facts import RequestFacts
from agentspend.core.price_overrides import read_overrides
from agentspend.core.pricebook import PriceBook
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_table

TABLE = load_table()
BOOK = PriceBook(TABLE)
CEILING_BOOK = PriceBook(TABLE, read_overrides(unknown_model={"mode": "ceiling"}))
NOW_US = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * 1_000_000
OPUS = "claude-opus-5-5"


def metered(model: str, usage: Usage, **words: str) -> Metered:
    """A complete response of one part."""
    return Metered(parts=(UsagePart(model, usage, **words),), billing=Billing.EXACT)


def facts(model: str = OPUS, **more: object) -> RequestFacts:
    """A request of 1,000 bound input tokens and 100 of output."""
    plain = RequestFacts(model=model, max_output_tokens=100, input_bound_tokens=1_000)
    return replace(plain, **more)  # type: ignore[arg-type]


def test_a_charge_names_its_price_and_its_version() -> None:
    """A ledger row can say what was charged, at which rates, from which table."""
    charge = BOOK.charge("anthropic", metered(OPUS, Usage(1_000, output_tokens=10)), NOW_US)
    assert charge.nusd == 4_200_000
    assert [(line.what, line.rate_pusd) for line in charge.lines] == [
        ("input", 4_000_000),
        ("output", 20_000_000),
    ]
    assert charge.version == BOOK.version == f"sha256:{TABLE['sha256'][:16]}"
    assert charge.models == (OPUS,)


def test_a_fraction_of_a_nano_dollar_is_rounded_up_once() -> None:
    """Three parts of 0.1 nUSD each are one nUSD together, not three."""
    part = UsagePart("claude-haiku-5-5", Usage(cache_read_tokens=1))
    tenth = replace(part, usage=Usage(cache_read_tokens=10))
    charge = BOOK.charge("anthropic", Metered((part,) * 3, Billing.EXACT), NOW_US)
    assert (charge.pusd, charge.nusd) == (30_000, 30)
    with_geo = replace(tenth, usage=Usage(cache_read_tokens=1), inference_geo="us")
    odd = BOOK.charge("anthropic", Metered((with_geo,) * 3, Billing.EXACT), NOW_US)
    assert (odd.pusd, odd.nusd) == (33_000, 33)


@pytest.mark.parametrize("word", ["speed", "service_tier", "inference_geo"])
def test_an_unknown_word_in_a_response_is_never_exact(word: str) -> None:
    """The dearest known variant is charged, and the row says so."""
    usage = Usage(1_000, output_tokens=10)
    charge = BOOK.charge("anthropic", metered(OPUS, usage, **{word: "surprise"}), NOW_US)
    assert charge.billing is Billing.CEILING
    dear = {"speed": 8_400_000, "service_tier": 4_200_000, "inference_geo": 4_620_000}
    assert charge.nusd == dear[word]


def test_an_unpriceable_usage_field_is_never_exact() -> None:
    """What we can price is charged; what we cannot makes the row a ceiling."""
    found = replace(metered(OPUS, Usage(1)), unpriceable=("usage.new_tokens",))
    assert BOOK.charge("anthropic", found, NOW_US).billing is Billing.CEILING


@pytest.mark.parametrize("billing", [Billing.FLOOR, Billing.UNKNOWN])
def test_an_unfinished_answer_keeps_its_own_word(billing: Billing) -> None:
    """Pricing never makes a cut answer surer than the meter found it."""
    found = replace(metered(OPUS, Usage(1), speed="surprise"), billing=billing)
    assert BOOK.charge("anthropic", found, NOW_US).billing is billing


def test_what_the_provider_does_not_bill_costs_nothing() -> None:
    """A free answer has no lines, whatever its usage says."""
    found = replace(metered(OPUS, Usage(1_000)), billing=Billing.FREE)
    charge = BOOK.charge("anthropic", found, NOW_US)
    assert (charge.pusd, charge.lines, charge.billing) == (0, (), Billing.FREE)


def test_a_rate_the_list_lacks_is_charged_dear_and_said() -> None:
    """Claude 2 has no cache prices: a cached token costs as input, and the row is a ceiling."""
    cached = BOOK.charge("anthropic", metered("claude-2", Usage(cache_read_tokens=10)), NOW_US)
    plain = BOOK.charge("anthropic", metered("claude-2", Usage(10)), NOW_US)
    assert (cached.pusd, cached.billing) == (plain.pusd, Billing.CEILING)
    assert plain.billing is Billing.EXACT


def test_a_response_model_without_a_price_costs_the_dearer_of_ceiling_and_request() -> None:
    """$30/$180 is above Opus; a dearer request model would win."""
    found = metered("claude-next", Usage(1_000_000, output_tokens=1_000_000))
    charge = BOOK.charge("anthropic", found, NOW_US, OPUS)
    assert (charge.nusd, charge.billing) == (210 * 10**9, Billing.CEILING)
    low = PriceBook(TABLE, read_overrides(unknown_model={"input": "1", "output": "1"}))
    assert low.charge("anthropic", found, NOW_US, OPUS).nusd == 24 * 10**9


def test_an_unknown_model_is_not_found_and_cannot_be_bounded() -> None:
    """The error names the model, what is like it, and the command that gives it a price."""
    assert BOOK.find("anthropic", "claude-opus-77") is None
    assert not BOOK.has_ceiling
    with pytest.raises(AgentspendError, match="claude-opus-77") as raised:
        BOOK.bound("anthropic", facts("claude-opus-77"), NOW_US)
    assert "agentspend prices set" in raised.value.hint


def test_ceiling_mode_prices_an_unknown_model() -> None:
    """Opting in makes an unknown model usable, at the ceiling, never exact."""
    found = CEILING_BOOK.find("anthropic", "claude-opus-77")
    assert found is not None
    assert found.ceiling
    bound = CEILING_BOOK.bound("anthropic", facts("claude-opus-77"), NOW_US)
    assert bound.nusd(100) == 1_000 * 30_000 + 100 * 180_000
    charge = CEILING_BOOK.charge("anthropic", metered("claude-opus-77", Usage(1)), NOW_US)
    assert charge.billing is Billing.CEILING


@pytest.mark.parametrize(("ttl", "usd_per_mtok"), [("", 4), ("5m", 5), ("1h", 8), ("a new one", 8)])
def test_a_bound_pays_for_the_dearest_cache_write_asked_for(ttl: str, usd_per_mtok: int) -> None:
    """Nothing is assumed to be in the cache: every token may have to be written again."""
    bound = BOOK.bound("anthropic", facts(cache_ttl=ttl), NOW_US)
    assert bound.input_pusd == 1_000 * usd_per_mtok * 10**6


def test_a_bound_never_passes_the_context_window() -> None:
    """A longer prompt is rejected by the provider, so it costs nothing."""
    bound = BOOK.bound("anthropic", facts(input_bound_tokens=9_000_000), NOW_US)
    assert bound.input_tokens == bound.context_window == 1_000_000


def test_input_that_is_not_in_the_body_is_bounded_by_the_window_alone() -> None:
    """URLs, files and server tools can fill it; a count of the body does not help."""
    bound = BOOK.bound("anthropic", facts(remote_input=True, iterations=3), NOW_US, 10)
    assert bound.input_tokens == 3_000_000


def test_a_count_replaces_the_bound_from_bytes() -> None:
    """The caller's tighter figure is taken."""
    assert BOOK.bound("anthropic", facts(), NOW_US, 250).input_tokens == 250


def test_fallback_models_count_as_the_dearest_of_them() -> None:
    """One of them answers, nobody knows which."""
    alone = BOOK.bound("anthropic", facts(), NOW_US)
    with_dear = BOOK.bound("anthropic", facts(other_models=("claude-fable-5",)), NOW_US)
    with_cheap = BOOK.bound("anthropic", facts(other_models=("claude-haiku-4-5",)), NOW_US)
    assert with_dear.output_pusd_per_token == 50_000_000
    assert with_cheap == alone


def test_words_nobody_knows_are_named_and_bounded_dear() -> None:
    """The caller may refuse them by name, or accept the dearest known price."""
    odd = facts(speed="turbo", other_models=("claude-next",), unpriceable=("container",))
    bound = BOOK.bound("anthropic", odd, NOW_US)
    assert bound.unpriceable == ("container", "speed=turbo", "model=claude-next")
    assert bound.output_pusd_per_token == 180_000_000


def test_auto_is_a_word_anthropic_is_known_to_bill_as_standard() -> None:
    """Claude Code's default tier is not an unknown word."""
    bound = BOOK.bound("anthropic", facts(service_tier="auto", speed="standard"), NOW_US)
    assert (bound.unpriceable, bound.output_pusd_per_token) == ((), 20_000_000)


def test_searches_are_held_as_fees() -> None:
    """Ten searches at $10 per thousand, not multiplied by fast mode."""
    bound = BOOK.bound("anthropic", facts(web_search_requests=10, speed="fast"), NOW_US)
    assert bound.fixed_pusd == 100_000_000_000


def test_a_price_rise_within_the_hour_is_held() -> None:
    """A request sent at 23:30 may be answered at the new price."""
    eve = int(datetime(2026, 12, 31, 23, 30, tzinfo=UTC).timestamp()) * 1_000_000
    request = facts("gemini-3.6-flash")
    assert BOOK.bound("google", request, NOW_US).output_pusd_per_token == 3_750_000
    assert BOOK.bound("google", request, eve).output_pusd_per_token == 7_500_000


def test_a_bound_covers_a_prompt_that_turns_out_shorter_and_dearer() -> None:
    """A long prompt may have a cheaper rate: the bound of a long one holds for the short one."""
    rates = [["", 0, 10, 1, 12, 20, 50, 7], ["", 1_001, 20, 2, 25, 40, 5, 7]]
    models = {"m": {"rates": rates, "context_window": 10_000}}
    book = PriceBook({"sha256": "x", "providers": {"p": {"standard": {}, "models": models}}})
    bound = book.bound("p", facts("m", input_bound_tokens=5_000), NOW_US)
    short = book.charge("p", metered("m", Usage(1_000, output_tokens=100)), NOW_US)
    assert short.pusd == 15_000
    assert bound.output_pusd_per_token == 50
    assert short.nusd <= bound.nusd(100)


USAGES: st.SearchStrategy[dict[str, object]] = st.builds(
    dict,
    model=st.sampled_from(BOOK.models("anthropic")),
    sent=st.integers(0, 300_000),
    shares=st.lists(st.integers(0, 300_000), min_size=3, max_size=3),
    ttl=st.sampled_from(["", "5m", "1h"]),
    output=st.integers(0, 128_000),
    searches=st.integers(0, 5),
    speed=st.sampled_from(["", "standard", "fast", "turbo"]),
    tier=st.sampled_from(["", "auto", "batch", "scale"]),
    geo=st.sampled_from(["", "global", "us", "mars"]),
    day=st.integers(20_400, 20_800),
    runs=st.integers(1, 3),
    later_us=st.integers(0, 3_600_000_000),
)


def split(case: dict[str, object], tokens: int) -> Usage:
    """A usage of at most `tokens` in, with no cache write dearer than the request allows."""
    left = tokens
    counts = []
    for share in case["shares"]:  # type: ignore[attr-defined]
        counts.append(min(left, share))
        left -= counts[-1]
    read, five, hour = counts
    ttl = case["ttl"]
    five, left = (five, left) if ttl else (0, left + five)
    hour, left = (hour, left) if ttl == "1h" else (0, left + hour)
    searches = case["searches"]
    return Usage(left, read, five, hour, case["output"], 0, searches)  # type: ignore[arg-type]


@given(USAGES)
def test_no_charge_passes_its_bound(case: dict[str, object]) -> None:
    """Whatever a response uses within what its request allowed, the hold covers it."""
    words = {"speed": case["speed"], "service_tier": case["tier"], "inference_geo": case["geo"]}
    request = RequestFacts(
        model=str(case["model"]),
        max_output_tokens=128_000,
        input_bound_tokens=case["sent"],  # type: ignore[arg-type]
        cache_ttl=str(case["ttl"]),
        iterations=case["runs"],  # type: ignore[arg-type]
        web_search_requests=5,
        **words,  # type: ignore[arg-type]
    )
    at_us = case["day"] * 86_400_000_000 - 1_800_000_000  # type: ignore[operator]
    bound = BOOK.bound("anthropic", request, at_us)
    usage = split(case, bound.input_tokens)
    said = metered(request.model, usage, **words)  # type: ignore[arg-type]
    charge = BOOK.charge("anthropic", said, at_us + case["later_us"], request.model)  # type: ignore[operator]
    assert charge.nusd <= bound.nusd(usage.output_tokens)
    warm = bound.with_cached(usage.cache_read_tokens)
    assert charge.nusd <= warm.nusd(usage.output_tokens) <= bound.nusd(usage.output_tokens)
    assert all(isinstance(value, int) for value in (charge.pusd, charge.nusd, bound.input_pusd))


@given(USAGES, st.integers(0, 50_000), st.sampled_from(range(7)))
def test_more_usage_never_costs_less(case: dict[str, object], more: int, which: int) -> None:
    """Every count raises the charge or leaves it (reasoning is part of output)."""
    usage = split(case, case["sent"])  # type: ignore[arg-type]
    name = list(usage.__struct_fields__)[which]
    grown = replace(usage, **{name: getattr(usage, name) + more})
    model = str(case["model"])
    less = BOOK.charge("anthropic", metered(model, usage), NOW_US).pusd
    assert BOOK.charge("anthropic", metered(model, grown), NOW_US).pusd >= less
