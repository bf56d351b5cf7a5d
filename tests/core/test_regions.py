"""What an upstream's address says about prices."""

import pytest

from agentspend.core.regions import in_region, is_this_machine, region_of
from agentspend.core.usage import Metered, Usage, UsagePart


@pytest.mark.parametrize(
    ("host", "model", "region"),
    [
        ("", "gpt-6-sol", ""),
        ("api.openai.com", "gpt-6-sol", ""),
        ("eu.api.openai.com", "gpt-6-sol", "eu"),
        ("US.api.openai.com:443", "gpt-6-sol", "us"),
        ("eu.api.openai.com.evil.test", "gpt-6-sol", ""),
        ("us-east5-aiplatform.googleapis.com", "claude-opus-5", "regional"),
        ("aiplatform.eu.rep.googleapis.com", "claude-opus-5", "regional"),
        ("us-east5-aiplatform.googleapis.com", "gemini-2.5-pro", ""),
        ("aiplatform.googleapis.com", "claude-opus-5", ""),
    ],
)
def test_a_regional_host_has_a_price_of_its_own(host: str, model: str, region: str) -> None:
    """Only where the provider bills it."""
    assert region_of(host, model) == region


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1:11434", True), ("localhost", True), ("[::1]:80", True), ("::1", True),
        ("127.0.0.53", True), ("", False), ("10.0.0.1", False), ("localhost.test", False),
    ],
)  # fmt: skip
def test_a_server_on_this_machine_is_known_by_its_address(host: str, *, here: bool) -> None:
    """With or without a port."""
    assert is_this_machine(host) is here


def test_the_answer_s_own_region_stays() -> None:
    """The host only speaks where the answer is silent."""
    parts = (UsagePart("a", Usage(1)), UsagePart("b", Usage(1), inference_geo="us"))
    found = in_region(Metered(parts), "eu")
    assert [part.inference_geo for part in found.parts] == ["eu", "us"]
    assert in_region(Metered(parts), "") == Metered(parts)
