"""What the commands that look say beside their tables."""

from typing import Any

import pytest

from sync_server.cli import looking


@pytest.mark.parametrize(
    ("silent", "told"),
    [
        ({"devices": 0, "since_us": 0}, ""),
        ({"devices": 1, "since_us": 86_400_000_000}, "! 1 device has not reported since 1970-01-0"),
        (
            {"devices": 1_200, "since_us": 86_400_000_000},
            "! 1,200 devices have not reported of late, one of them since 1970-01-0",
        ),
        (None, ""),
    ],
)
def test_a_report_says_whose_word_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    silent: dict[str, int] | None,
    told: str,
) -> None:
    """And where to look; nothing where all have spoken, or a server of before does not say it."""
    line = {"team": "web", "requests": 1, "billed_nusd": 10**9, "subscription_nusd": 0}
    found: dict[str, Any] = {"by": "team", "lines": [line], "left_out": 0}
    answer = found if silent is None else {**found, "silent": silent}
    monkeypatch.setattr(looking, "ask", lambda *_, **__: answer)
    looking.report()
    shown = capsys.readouterr()
    assert "$1.00" in shown.out
    assert shown.err.startswith(told)
    assert ("device list" in shown.err) is bool(told)
