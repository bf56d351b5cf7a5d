"""Facts of a request: whether its input can still grow after the first usage event."""

import pytest
from msgspec.structs import replace

from agentspend.core.facts import RequestFacts

PLAIN = RequestFacts("claude-opus-5-5", 32_000, 1_000)


def test_a_plain_request_adds_no_input() -> None:
    """So its hold may shrink as soon as the input is known."""
    assert not PLAIN.may_add_input


@pytest.mark.parametrize(
    "more", [{"remote_input": True}, {"iterations": 2}, {"other_models": ("m",)}]
)
def test_what_can_run_again_elsewhere_or_fetch_keeps_its_hold(more: dict[str, object]) -> None:
    """Server tools, fallbacks and remote files can be billed later."""
    assert replace(PLAIN, **more).may_add_input  # type: ignore[arg-type]
