"""Amounts in and out: exact, never rounded on the way in, never too small on the way out."""

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agentspend.core
from agentspend.core.errors import AgentspendError
from agentspend.core.money import (
    MAX_NUSD,
    NUSD_PER_USD,
    PUSD_PER_NUSD,
    PUSD_PER_USD,
    dollars,
    free_dollars,
    nusd_from_pusd,
    parse_usd,
    usd_text,
)

AMOUNTS = st.integers(0, MAX_NUSD)


def test_the_units_agree() -> None:
    """A dollar is 10^9 nano-dollars and 10^12 pico-dollars."""
    assert NUSD_PER_USD * PUSD_PER_NUSD == PUSD_PER_USD == 10**12


@given(st.integers(-(10**15), 10**20))
def test_the_one_rounding_is_upward_and_less_than_a_nano_dollar(amount_pusd: int) -> None:
    """What is charged is never below what was used."""
    nusd = nusd_from_pusd(amount_pusd)
    assert amount_pusd <= nusd * PUSD_PER_NUSD < amount_pusd + PUSD_PER_NUSD


@given(AMOUNTS)
def test_what_is_written_reads_back_the_same(amount_nusd: int) -> None:
    """Exact text is exact: nothing is lost between a config file and the ledger."""
    assert parse_usd(usd_text(amount_nusd)) == amount_nusd
    assert usd_text(-amount_nusd) == ("-" if amount_nusd else "") + usd_text(amount_nusd)


@given(st.decimals(0, 9_007_199, allow_nan=False, allow_infinity=False))
def test_an_amount_is_read_exactly_or_not_at_all(value: Decimal) -> None:
    """No amount of digits makes the reader round."""
    exact = Fraction(value) * NUSD_PER_USD
    try:
        assert parse_usd(str(value)) == exact
    except AgentspendError:
        assert exact.denominator > 1 or exact > MAX_NUSD


@pytest.mark.parametrize(
    ("text", "nusd"),
    [
        ("25", 25 * 10**9),
        ("25.00", 25 * 10**9),
        ("$0.50", 500_000_000),
        (" 1_000 ", 10**12),
        ("1e3", 10**12),
        ("0", 0),
        ("-0", 0),
        ("0e400", 0),
        ("0.000000001", 1),
        ("1.50000000000000000000000000000000000000000", 1_500_000_000),
        ("9007199.254740991", MAX_NUSD),
    ],
)
def test_dollars_are_read_as_people_write_them(text: str, nusd: int) -> None:
    """A sign, separators and trailing zeros are fine."""
    assert parse_usd(text) == nusd


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not an amount"),
        ("ten", "not an amount"),
        ("-1", "below zero"),
        ("-Infinity", "not an amount"),
        ("NaN", "not an amount"),
        ("sNaN", "not an amount"),
        ("Infinity", "not an amount"),
        ("25,00", "not an amount"),
        ("0.0000000001", "finer than"),
        ("1e-999999", "finer than"),
        ("1.0000000000000000000000000000000000000001", "finer than"),
        ("0.99999999999999999999999999999999999999", "finer than"),
        ("9007199.254740992", "above the largest"),
        ("1e999999", "above the largest"),
    ],
)
def test_what_is_no_exact_amount_is_refused_with_a_way_out(text: str, said: str) -> None:
    """Wrong, finer than the ledger, or past what JSON holds: an error, never a guess."""
    with pytest.raises(AgentspendError, match=said) as raised:
        parse_usd(text)
    assert raised.value.hint


@given(AMOUNTS)
def test_people_never_see_less_than_was_spent(amount_nusd: int) -> None:
    """The shown amount is rounded up, by less than a cent (a hundredth of one below a dime)."""
    shown = Fraction(dollars(amount_nusd).removeprefix("$").replace(",", "")) * NUSD_PER_USD
    step = 10**7 if amount_nusd >= 10**8 else 10**5
    assert amount_nusd <= shown < amount_nusd + step


@given(AMOUNTS)
def test_people_never_see_more_free_than_there_is(amount_nusd: int) -> None:
    """What may still be spent is rounded down, by less than the last digit."""
    shown = Fraction(free_dollars(amount_nusd).removeprefix("$").replace(",", "")) * NUSD_PER_USD
    step = 10**7 if amount_nusd >= 10**8 else 10**5
    assert amount_nusd - step < shown <= amount_nusd


@pytest.mark.parametrize(
    ("nusd", "text"),
    [
        (0, "$0.00"),
        (1, "$0.0001"),
        (99_999_999, "$0.1000"),
        (100_000_001, "$0.11"),
        (1_234_567_000_000_000, "$1,234,567.00"),
        (-5_000_000_000, "-$5.00"),
    ],
)
def test_amounts_look_like_money(nusd: int, text: str) -> None:
    """Cents, four decimals below a dime, thousands separated."""
    assert dollars(nusd) == text


def test_core_knows_no_float() -> None:
    """No float literal, no float() and no true division anywhere in core."""
    for path in sorted(Path(agentspend.core.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id == "float"), path
            assert not isinstance(node, ast.Div), f"{path}: true division"
