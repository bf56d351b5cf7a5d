"""What the server's commands write, in any terminal."""

import io
import os
import sys

import pytest

from agentspend.core.errors import AgentspendError
from sync_server.cli import output


def test_an_encoding_without_our_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and signs that a stream cannot write end no command."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "latin-1"))
    output.line("Zoë → 日本 …")
    assert raw.getvalue().decode("latin-1") == "Zoë > ?? ~\n"


def test_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Words are broken between them, a command to copy is not; a pipe gets one line."""
    error = AgentspendError("words that go on and on", "agentspend-server org show    has the caps")
    output.tell(error)
    assert len(capsys.readouterr().err.splitlines()) == 2
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2, raising=False)
    monkeypatch.setattr(output.os, "get_terminal_size", lambda _: os.terminal_size((32, 9)))
    output.tell(error)
    assert capsys.readouterr().err.splitlines() == [
        "agentspend-server: words that go", "on and on",
        "→ agentspend-server org show", "  has the caps",
    ]  # fmt: skip
