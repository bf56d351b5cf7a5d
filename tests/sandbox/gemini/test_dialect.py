"""The Gemini API as the server offers it."""

import json

from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.gemini.dialect import GEMINI


def test_models_are_listed_and_shown() -> None:
    """With their limits."""
    names = [model["name"] for model in GEMINI.models()["models"]]
    assert "models/gemini-3.8-flash" in names
    shown = GEMINI.model("gemini-2.5-pro")
    assert shown is not None
    assert shown["outputTokenLimit"] == 65_536
    assert GEMINI.model("gpt-5") is None


def test_errors_have_code_message_and_status() -> None:
    """Nothing else."""
    shown = json.loads(GEMINI.error_body(ApiError(400, "INVALID_ARGUMENT", "no"), ""))
    assert shown == {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}
    assert GEMINI.counted(5) == {"totalTokens": 5}
