"""What every dialect offers."""

import json

import pytest

from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES

each = pytest.mark.parametrize(
    "dialect", [MESSAGES, CHAT, RESPONSES, GEMINI], ids=lambda dialect: dialect.name
)


@each
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
def test_every_status_has_an_error_in_the_vendors_words(dialect: Dialect, status: int) -> None:
    """A status without words of its own has those of a server's error."""
    error = dialect.error(status)
    shown = json.loads(dialect.error_body(error, "req_1"))["error"]
    assert error.type in (shown.get("type"), shown.get("status"))
    assert shown["message"]


@each
def test_told_words_are_used(dialect: Dialect) -> None:
    """A behaviour's own type and message go through."""
    error = dialect.error(400, "budget", "no money")
    assert (error.type, error.message) == ("budget", "no money")
