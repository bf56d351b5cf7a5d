"""The Messages API as the server offers it."""

from agentspend.sandbox.anthropic.dialect import MESSAGES


def test_models_are_listed_and_shown() -> None:
    """Aliases are shown, too; strangers are not."""
    names = [model["id"] for model in MESSAGES.models()["data"]]
    assert "claude-opus-5-5" in names
    shown = MESSAGES.model("claude-opus-4-5")
    assert shown is not None
    assert shown["type"] == "model"
    assert MESSAGES.model("gpt-5") is None
