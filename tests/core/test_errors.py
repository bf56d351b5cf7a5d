"""One error for people: what happened, and the way out."""

import pytest

from agentspend.core import errors

ERRORS = [each for each in vars(errors).values() if hasattr(each, "with_traceback")]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_says_what_happened_and_the_way_out(kind: type[errors.AgentspendError]) -> None:
    """One base, so that one place can print them all."""
    error = kind("the disk is full", "free some space")
    assert isinstance(error, errors.AgentspendError)
    assert (str(error), error.message, error.hint) == (
        "the disk is full",
        "the disk is full",
        "free some space",
    )
    assert kind("x").hint == ""
    assert kind("x").kind == "other"
