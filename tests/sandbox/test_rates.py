"""Usage and rates."""

from fractions import Fraction

from agentspend.sandbox.rates import Usage, day, per_token


def test_the_prompt_is_everything_that_was_sent() -> None:
    """Cached, written or fresh: all but output and searches."""
    assert Usage(1, 10, 100, 1_000, 7, 7, 10_000, 100_000).prompt_tokens == 111_111


def test_prices_are_read_exactly() -> None:
    """Dollars per million tokens become dollars per token, as fractions."""
    assert per_token("2 0.0625") == (Fraction(2, 10**6), Fraction(625, 10**10))
    assert day(1970, 1, 2) == 86_400
