"""The windows of a subscription, as people see them under `status`."""

import pytest

from agentspend.cli import included_lines
from agentspend.cli.included_lines import show_included, used_text

WEEK = {
    "provider": "anthropic", "account": "a1b2c3", "name": "7d", "model": "", "called": "week",
    "used_percent": 18, "resets_at": "2026-11-28T09:00:00+01:00", "status": "open",
    "seen_at": "2026-11-25T13:00:00+01:00",
}  # fmt: skip
HOURS = {
    **WEEK, "name": "5h", "called": "5-hour window", "used_percent": 62,
    "resets_at": "2026-11-25T14:00:00+01:00",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is 13:00 in Berlin."""
    monkeypatch.setattr(included_lines, "now_us", lambda: 1_795_608_000_000_000)


def test_a_row_a_window(capsys: pytest.CaptureFixture[str]) -> None:
    """How much is used, and when it starts anew, in the budgets' zone."""
    show_included([HOURS, WEEK])
    rows = [row.split("  ") for row in capsys.readouterr().out.splitlines()]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["LOGIN", "INCLUDED", "USED", "RESETS"],
        ["anthropic", "5-hour window", "62 % used", "today 14:00 (in 1 h)"],
        ["anthropic", "week", "18 % used", "Sat 28 Nov 09:00 (in 2 d)"],
    ]


@pytest.mark.parametrize(
    ("change", "mark"),
    [
        ({}, "anthropic"),
        ({"used_percent": 80}, "!"),
        ({"status": "near"}, "!"),
        ({"status": "used_up"}, "✗"),
        ({"status": "paid"}, "✗"),
    ],
)
def test_what_needs_a_look_has_a_mark(
    capsys: pytest.CaptureFixture[str], change: dict[str, object], mark: str
) -> None:
    """Near the end one, at the end another, without any colour."""
    show_included([{**HOURS, **change}])
    assert capsys.readouterr().out.splitlines()[1].split()[0] == mark


def test_two_accounts_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """By the beginning of their HMAC; one alone needs no name."""
    show_included([WEEK, {**WEEK, "account": "ffff00"}, {**WEEK, "provider": "openai"}])
    logins = [" ".join(row.split()[:2]) for row in capsys.readouterr().out.splitlines()[1:]]
    assert logins == ["anthropic a1b2", "anthropic ffff", "openai week"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"used_percent": None}, ""),
        ({"used_percent": None, "status": "used_up"}, "used up"),
        ({"used_percent": 100, "status": "used_up"}, "100 % used"),
        ({"used_percent": None, "status": "paid"}, "costs money now"),
    ],
)
def test_what_is_not_known_is_not_said(change: dict[str, object], words: str) -> None:
    """Providers leave figures out."""
    assert used_text({**WEEK, **change}) == words
