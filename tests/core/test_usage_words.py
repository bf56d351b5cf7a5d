"""Usage errors in words: numbers out of range, amounts below zero."""

import pytest

from agentspend.core.usage_words import reworded


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Invalid value for '-n': -3 is not in the range x>=0.",
         "invalid value for '-n': -3 is not 0 or more"),
        ("Invalid value for '--port': 99999 is not in the range 1<=x<=65535.",
         "invalid value for '--port': 99999 is not between 1 and 65535"),
        ("Invalid value for '-n': 'x' is not a valid int range.",
         "invalid value for '-n': 'x' is not a whole number"),
        ("Invalid value for '-n': 'x' is not a valid integer.",
         "invalid value for '-n': 'x' is not a whole number"),
        ("No such option: -5", "-5 is below zero: write 0 or more"),
        ("No such option: --fo", "no such option: --fo"),
        ("Missing option '--window'. Choose from:\n\tday,\n\tweek",
         "missing option '--window'. Choose from: day, week"),
    ],
)  # fmt: skip
def test_what_is_said_of_them(said: str, told: str) -> None:
    """What was written, and what may be."""
    assert reworded(said) == told
