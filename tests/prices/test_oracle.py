"""The vendored table against genai-prices, model by model, and where the two differ on purpose."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.types import ModelInfo
from genai_prices.types import Usage as OracleUsage

from agentspend.core.price_table import named_rates, start_us
from agentspend.core.pricebook import PriceBook
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_table

TABLE = load_table()
BOOK = PriceBook(TABLE)
ORACLE = {provider.id: provider for provider in providers}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST_PARTY = (
    "anthropic", "openai", "google", "x-ai", "moonshotai", "zai", "mistral", "aws", "deepseek"
)  # fmt: skip
PUSD_PER_USD = 10**12

# Where our table and the oracle differ, one by one, and why ours is right.
KNOWN: dict[str, str] = {
    "anthropic/claude-mythos-5": "invitation only, so the data lacks it; the page: as Fable 5",
    "anthropic/claude-mythos-5-1": "invitation only, so the data lacks it; the page: as Fable 5.1",
    "anthropic/claude-opus-4-6 speed=fast": "6x until 2026-07-24; the data prices it as standard",
    "anthropic/claude-opus-4-7 speed=fast": "6x until 2026-07-24; the data prices it as standard",
    "openai/gpt-6-astra service_tier=ultrafast": "6x by OpenAI's guide; the data lacks the tier",
    "openai/gpt-6.1-sol service_tier=ultrafast": "6x by litellm; the data does not have the tier",
    "openai/gpt-6.2-astra": "of 2026-11-17, not in the data yet; OpenAI's list of models",
    "openai/gpt-6.2-sol": "of 2026-11-17, not in the data yet; OpenAI's page: as GPT-6.1 Sol",
    "x-ai/grok-code-fast-1": "retired 2026-05-15: its name serves Grok Build, 5x the price",
}


def oracle_model(provider: str, model: str) -> ModelInfo | None:
    """The oracle's own entry, by id and not by its loose matching."""
    found = [each for each in ORACLE[provider].models if each.id == model]
    return found[0] if found else None


def microseconds(moment: datetime) -> int:
    """A moment as the book takes it, exactly."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moments(rates: list[list[object]]) -> list[datetime]:
    """Now, and the two sides of every day on which a price changes."""
    days = {datetime.fromisoformat(str(row[0])).replace(tzinfo=UTC) for row in rates if row[0]}
    sides = [day + timedelta(microseconds=nudge) for day in sorted(days) for nudge in (-1, 0)]
    return [NOW, *sides]


def sizes(rates: list[list[int]]) -> list[int]:
    """A short prompt, and the two sides of every prompt size at which a price changes."""
    return sorted({50, *(row[1] + nudge for row in rates if row[1] for nudge in (-1, 0))})


def usages(row: list[int | None], prompt: int) -> tuple[Usage, OracleUsage]:
    """The same use of every kind of token this row has a price for, in both shapes."""
    priced = named_rates(row[2:])
    read, five, hour = (
        10 if priced[name] is not None else 0
        for name in ("cache_read", "cache_write_5m", "cache_write_1h")
    )
    ours = Usage(prompt - read - five - hour, read, five, hour, 777)
    theirs = OracleUsage(
        input_tokens=prompt,
        cache_read_tokens=read or None,
        cache_write_tokens=five + hour or None,
        cache_write_1h_tokens=hour or None,
        output_tokens=777,
    )
    return ours, theirs


def row_at(rates: list[list[Any]], at: datetime, prompt: int) -> list[Any]:
    """The row in force, read in the plainest way."""
    day = max(str(row[0]) for row in rates if start_us(str(row[0])) <= microseconds(at))
    return [row for row in rates if row[0] == day and row[1] <= prompt][-1]


def compare(provider: str, model: str, word: tuple[str, str] | None = None) -> Iterator[str]:
    """Every day and size at which the two lists differ, in words."""
    entry = TABLE["providers"][provider]["models"][model]
    known = oracle_model(provider, model)
    if known is None:
        yield f"{provider}/{model}"
        return
    dimension, said = word or ("", "")
    times = entry.get(dimension, {}).get(said, {}).get("times", [[""]])
    from_us = start_us(times[0][0])
    context = {("processing" if said == "batch" else dimension): said} if word else None
    for at in moments(entry["rates"]):
        if microseconds(at) < from_us:
            continue
        for prompt in sizes(entry["rates"]):
            ours, theirs = usages(row_at(entry["rates"], at, prompt), prompt)
            part = UsagePart(model, ours, **({dimension: said} if word else {}))
            metered = Metered((part,), Billing.EXACT)
            charge = BOOK.charge(provider, metered, microseconds(at), model)
            truth = known.calc_price(
                theirs, ORACLE[provider], genai_request_timestamp=at, price_context=context
            ).total_price
            above = charge.pusd - Fraction(truth) * PUSD_PER_USD
            # A gateway's repeating decimals are rounded up to whole pUSD a token.
            slack = 0 if provider in FIRST_PARTY else prompt + 777
            if not 0 <= above <= slack:
                yield f"{provider}/{model}{f' {dimension}={said}' if word else ''}"
                return


@pytest.mark.parametrize("provider", [*TABLE["providers"]])
def test_every_shared_model_costs_what_the_oracle_says(provider: str) -> None:
    """To the pico-dollar, on both sides of every day and prompt size at which a price changes."""
    models = TABLE["providers"][provider]["models"]
    differs = {what for model in models for what in compare(provider, model)}
    assert differs == {
        what for what in KNOWN if what.startswith(f"{provider}/") and "=" not in what
    } & {f"{provider}/{model}" for model in models}


def test_every_speed_and_tier_multiplies_as_the_oracle_says() -> None:
    """Fast, batch, flex and priority, from the day on which the data has them."""
    differs = set()
    compared = 0
    for provider in FIRST_PARTY:
        for model, entry in TABLE["providers"][provider]["models"].items():
            for dimension in ("speed", "service_tier"):
                for word, variant in entry.get(dimension, {}).items():
                    if "times" in variant and oracle_model(provider, model):
                        compared += 1
                        differs |= set(compare(provider, model, (dimension, word)))
    assert compared > 100
    assert differs == {what for what in KNOWN if "=" in what}


@pytest.mark.parametrize("model", ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro"])
def test_peak_hours_are_dearer_on_weekdays_only(model: str) -> None:
    """The oracle charges them at weekends too: the provider's page does not (pricing study §2)."""
    known = oracle_model("deepseek", model)
    assert known is not None
    for day in range(16, 23):
        for hour in range(24):
            at = datetime(2026, 11, day, hour, 30, tzinfo=UTC)
            usage = Usage(10, 20, output_tokens=30)
            metered = Metered((UsagePart(model, usage),), Billing.EXACT)
            ours = BOOK.charge("deepseek", metered, microseconds(at), model).pusd
            theirs = OracleUsage(input_tokens=30, cache_read_tokens=20, output_tokens=30)
            truth = known.calc_price(theirs, ORACLE["deepseek"], genai_request_timestamp=at)
            at_peak = hour in (1, 2, 3, 6, 7, 8, 9)
            halves = 2 if at_peak and at.weekday() >= 5 else 1
            assert halves * ours == truth.total_price * PUSD_PER_USD, at


def test_audio_and_file_searches_cost_what_the_oracle_says() -> None:
    """Where the data has a price for them."""
    compared = 0
    for provider, model in [("google", name) for name in TABLE["providers"]["google"]["models"]] + [
        ("openai", name) for name in TABLE["providers"]["openai"]["models"]
    ]:
        entry = TABLE["providers"][provider]["models"][model]
        row = named_rates(row_at(entry["rates"], NOW, 1_100)[2:])
        known = oracle_model(provider, model)
        if known is None or row["input_audio"] is None:
            continue
        cached = row["cache_read_audio"] is not None and row["cache_read"] is not None
        usage = Usage(
            600, input_audio_tokens=400, cache_read_audio_tokens=100 if cached else 0,
            output_tokens=5,
        )  # fmt: skip
        theirs = OracleUsage(
            input_tokens=1_100 if cached else 1_000,
            input_audio_tokens=500 if cached else 400,
            cache_read_tokens=100 if cached else None,
            cache_audio_read_tokens=100 if cached else None,
            output_tokens=5,
        )
        metered = Metered((UsagePart(model, usage),), Billing.EXACT)
        ours = BOOK.charge(provider, metered, microseconds(NOW), model)
        truth = known.calc_price(theirs, ORACLE[provider], genai_request_timestamp=NOW)
        assert ours.pusd == truth.total_price * PUSD_PER_USD, model
        compared += 1
    assert compared > 15


def test_anthropic_is_compared_whole() -> None:
    """No model of the first provider is left out, and each has both of its limits."""
    ids = {model.id for model in ORACLE["anthropic"].models}
    models = TABLE["providers"]["anthropic"]["models"]
    assert ids - models.keys() == set()
    retired = {"claude-v1"}
    for model in models.keys() - retired:
        assert models[model]["context_window"] >= 200_000
        assert models[model]["max_output"] >= 4_096


def test_a_name_of_ours_never_means_another_model_to_the_oracle() -> None:
    """An alias that resolves elsewhere would be charged at another model's price."""
    wrong = []
    for provider in FIRST_PARTY:
        for model, entry in TABLE["providers"][provider]["models"].items():
            for name in entry.get("aliases", ()):
                found = ORACLE[provider].find_model(name)
                if found is not None and found.id != model:
                    wrong.append(f"{provider}/{name}: {model} or {found.id}")
    assert wrong == []


def test_the_oracle_is_the_version_the_table_was_made_from() -> None:
    """Otherwise the two would differ by age and not by mistake."""
    assert TABLE["source"] == f"genai-prices {genai_prices.__version__} + overlay"
