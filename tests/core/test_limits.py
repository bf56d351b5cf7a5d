"""Every limit is a positive whole number, and the ones that depend on each other agree."""

from agentspend.core import limits


def test_every_limit_is_a_positive_whole_number() -> None:
    """No limit is off by being zero, negative or a fraction."""
    named = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert len(named) > 20
    for name, value in named.items():
        assert isinstance(value, int), name
        assert value > 0, name


def test_limits_that_depend_on_each_other_agree() -> None:
    """An event fits in what is metered, a body in memory, a floor under its comfort."""
    assert limits.MAX_SSE_EVENT_BYTES <= limits.MAX_METERED_JSON_BYTES
    assert limits.MAX_BODY_BYTES <= limits.MAX_METERED_JSON_BYTES
    assert limits.DEFAULT_FLOOR_TOKENS <= limits.DEFAULT_COMFORT_TOKENS
    assert limits.WAIT_SHOWN_AFTER_S < limits.DEFAULT_WAIT_S
    assert limits.COUNT_TIMEOUT_S < limits.DEFAULT_WAIT_S
    assert limits.MAX_BATCH <= limits.MAX_WAITING
