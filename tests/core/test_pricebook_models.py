"""Every vendored Anthropic model: agreement with a list written by hand, and bounds that hold."""

import copy
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from agentspend.core.facts import RequestFacts
from agentspend.core.pricebook import RATE_CHANGE_AHEAD_US, PriceBook
from agentspend.core.usage import Billing, Metered, Usage, UsagePart
from agentspend.prices import load_table
from agentspend.sandbox import prices as sandbox

TABLE = load_table()
BOOK = PriceBook(TABLE)
PUSD_PER_USD = 10**12


def us(*day: int) -> int:
    """A UTC day's first microsecond."""
    return int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]


FLAT_SINCE_US = us(2026, 3, 13)
MOMENTS = (us(2026, 1, 1), FLAT_SINCE_US - 1, FLAT_SINCE_US, us(2026, 10, 14), us(2026, 11, 23))
MULTIPLIERS = {"fast": (1_999, 1_000), "us": (1_099, 1_000)}
KINDS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


def charge_pusd(book: PriceBook, model: str, usage: Usage, at_us: int, **words: str) -> int:
    """Our charge of an exact response."""
    found = Metered((UsagePart(model, usage, **words),), Billing.EXACT)
    charge = book.charge("anthropic", found, at_us, model)
    assert charge.billing is Billing.EXACT, (model, usage, words)
    return charge.pusd


def by_hand(card: sandbox.ModelCard, usage: Usage, at_us: int, **words: str) -> Fraction:
    """The sandbox's bill of the same, in exact pUSD."""
    said = sandbox.Usage(
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
        usage.web_search_requests,
    )
    return sandbox.price(card.name, said, at_s=at_us // 10**6, **words) * PUSD_PER_USD


def bills(card: sandbox.ModelCard) -> list[tuple[Usage, dict[str, str]]]:
    """One kind of token at a time, on both sides of the model's tier, with every paid option."""
    tier = card.long_context.above_tokens if card.long_context else card.context_window
    sizes = {1, 7, min(tier, card.context_window), min(tier + 1, card.context_window)}
    usages = [Usage(**{kind: size}) for kind in KINDS for size in sizes]
    usages += [Usage(size, output_tokens=n) for size in sizes for n in (1, 999)]
    usages += [Usage(size, web_search_requests=3) for size in sizes]
    speeds = ("", "fast") if card.fast else ("",)
    geos = ("", "us") if card.us_only else ("",)
    options = [
        {"speed": speed, "inference_geo": geo} for speed, geo in itertools.product(speeds, geos)
    ]
    return list(itertools.product(usages, options))


def disagreements(book: PriceBook) -> list[str]:
    """Where our bill is not the sandbox's, to the fraction of a pico-dollar."""
    found = []
    for card in sandbox.CARDS.values():
        for (usage, words), at_us in itertools.product(bills(card), MOMENTS):
            ours = charge_pusd(book, card.name, usage, at_us, **words)
            truth = by_hand(card, usage, at_us, **words)
            if not truth <= ours < truth + 1:
                found.append(f"{card.name} {usage} {words} at {at_us}: {ours} for {truth}")
    return found


def test_our_prices_are_those_of_the_list_written_by_hand() -> None:
    """Every card, kind of token, tier, date, fast mode and US-only inference."""
    assert disagreements(BOOK) == []
    for card in sandbox.CARDS.values():
        price = BOOK.find("anthropic", card.name)
        assert price is not None
        assert (price.context_window, price.max_output) == (card.context_window, card.max_output)


def cheaper(card: sandbox.ModelCard, entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A model's line with one rate a pico-dollar lower, or one multiplier a thousandth."""
    for row, column in itertools.product(range(len(entry["rates"])), range(2, 8)):
        if entry["rates"][row][1] <= card.context_window:
            changed = copy.deepcopy(entry)
            changed["rates"][row][column] -= 1
            yield f"{card.name} row {row} column {column}", changed
    for dimension, word, sold in (
        ("speed", "fast", card.fast),
        ("inference_geo", "us", card.us_only),
    ):
        if sold:
            changed = copy.deepcopy(entry)
            changed[dimension][word]["times"] = [["", *MULTIPLIERS[word]]]
            yield f"{card.name} {word}", changed


@pytest.mark.parametrize("card", sandbox.CARDS.values(), ids=list(sandbox.CARDS))
def test_one_wrong_rate_is_noticed(card: sandbox.ModelCard) -> None:
    """Any rate the model has, one pico-dollar too low, is a disagreement with the hand's list."""
    block = TABLE["providers"]["anthropic"]
    price = BOOK.find("anthropic", card.name)
    assert price is not None
    unnoticed = []
    for what, entry in cheaper(card, block["models"][price.model]):
        models = {**block["models"], price.model: entry}
        book = PriceBook({**TABLE, "providers": {"anthropic": {**block, "models": models}}})
        noticed = any(
            charge_pusd(book, card.name, usage, at_us, **words)
            < by_hand(card, usage, at_us, **words)
            for at_us in MOMENTS
            for usage, words in bills(card)
        )
        unnoticed += [] if noticed else [what]
    assert unnoticed == []


@pytest.mark.parametrize("model", BOOK.models("anthropic"))
def test_no_charge_within_a_request_passes_its_bound(model: str) -> None:
    """Every cache lifetime, speed, region, tier and date; each kind of token the request allows."""
    price = BOOK.find("anthropic", model)
    assert price is not None
    window = price.context_window or 300_000
    sizes = sorted({min(size, window) for size in (1, 200_001, 1_000_000)})
    cases = itertools.product(
        ("", "5m", "1h"), ("", "fast", "turbo"), ("", "us", "mars"), ("", "auto", "batch", "scale")
    )
    for ttl, speed, geo, tier in cases:
        words: dict[str, Any] = {"speed": speed, "inference_geo": geo, "service_tier": tier}
        allowed = KINDS[: {"": 2, "5m": 3, "1h": 4}[ttl]]
        for at_us, sent in itertools.product((MOMENTS[1], MOMENTS[-1]), sizes):
            request = RequestFacts(
                model, 1_000, sent, cache_ttl=ttl, web_search_requests=2, **words
            )
            bound = BOOK.bound("anthropic", request, at_us)
            for kind, size in itertools.product(allowed, {sent // 2, sent}):
                usage = Usage(**{kind: size, "output_tokens": 1_000, "web_search_requests": 2})
                said = Metered((UsagePart(model, usage, **words),), Billing.EXACT)
                for later_us in (0, RATE_CHANGE_AHEAD_US):
                    charge = BOOK.charge("anthropic", said, at_us + later_us, model)
                    assert charge.nusd <= bound.nusd(1_000), (words, ttl, kind, size)
