"""Which version is older, and what is told of two that do not understand each other."""

import pytest

import agentspend
from agentspend.control.versions import in_versions, is_older, misunderstood, unknown_to
from agentspend.core.errors import AgentspendError


@pytest.mark.parametrize(
    ("running", "older"),
    [
        ("0.9.9", True), ("1.9.0", True), ("1.9", True), ("1.9.10rc1", False), ("1.9.10", False),
        ("1.10.0", False), ("2", False), ("", False), ("unknown", False),
    ],
)  # fmt: skip
def test_the_older_one(monkeypatch: pytest.MonkeyPatch, running: str, older: bool) -> None:
    """By its numbers, not by its letters; what says nothing is not older."""
    monkeypatch.setattr(agentspend, "__version__", "1.9.10")
    assert is_older(running) is older


def test_one_version_has_nothing_to_tell() -> None:
    """Of one number, the daemon is the older build; else both versions are named. Always with
    what to do."""
    error = AgentspendError("unknown operation 'fly'", "known: …")
    same = in_versions(error, agentspend.__version__)
    assert (
        "was started before agentspend was changed here (unknown operation 'fly')" in same.message
    )
    assert same.hint.startswith("agentspend daemon restart")
    assert "started before a change of it" in unknown_to(agentspend.__version__, "--team").message
    told = in_versions(error, "0.0.9")
    found = misunderstood("0.0.9")
    assert found is not None
    assert told.message == found.message
    assert f"version 0.0.9, this command is {agentspend.__version__}" in told.message
    assert told.hint.startswith("agentspend daemon restart")
