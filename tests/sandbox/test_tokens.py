"""What tests count by."""

from agentspend.sandbox.model import count
from agentspend.sandbox.tokens import RULES, count_prompt

from .conftest import body


def test_the_count_of_a_request_is_what_the_provider_counts() -> None:
    """The public count and the provider's answer are one."""
    assert count_prompt(body(), RULES["code"]) == count(body())
