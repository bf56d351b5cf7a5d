"""A subscription's windows from answers' headers: captured ones, and whatever else may come."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.included import PAID_OVERAGE, IncludedWindow, Stand
from agentspend.dialects.included import Heard, read_windows

NOW_S = 1_785_684_000
NOW_US = NOW_S * 1_000_000
CLAUDE = Heard("anthropic", "a1", "claude-opus-5", NOW_US)
CODEX = Heard("openai", "a2", "gpt-6.1-sol", NOW_US)
UNIFIED = "anthropic-ratelimit-unified-"

# As public captures show them: an answer of a Max login, and the refusal of one model's week.
FINE = {
    "5h-reset": "1785700000", "5h-status": "allowed", "5h-utilization": "0.625",
    "7d-reset": "1785751200", "7d-status": "allowed_warning", "7d-utilization": "0.94",
    "7d-surpassed-threshold": "0.75", "fallback-percentage": "0.5",
    "overage-disabled-reason": "org_level_disabled", "overage-status": "rejected",
    "representative-claim": "five_hour", "reset": "1785700000", "status": "allowed",
}  # fmt: skip
ONE_MODEL = {
    "5h-reset": "1785685200", "5h-status": "allowed", "5h-utilization": "0.0",
    "7d-reset": "1785736800", "7d-status": "allowed_warning", "7d-utilization": "0.94",
    "7d_oi-reset": "1785736800", "7d_oi-status": "rejected", "7d_oi-utilization": "1.0",
    "overage-status": "rejected", "representative-claim": "seven_day_overage_included",
    "reset": "1785736800", "status": "rejected",
}  # fmt: skip
# Codex: both windows of a plan.
PLAN = {
    "x-codex-primary-used-percent": "12.5", "x-codex-primary-window-minutes": "300",
    "x-codex-primary-reset-at": "1785690000", "x-codex-secondary-used-percent": "100",
    "x-codex-secondary-window-minutes": "10080", "x-codex-secondary-reset-at": "1786000000",
    "x-codex-credits-has-credits": "true", "x-codex-credits-unlimited": "false",
}  # fmt: skip


def unified(words: dict[str, str]) -> dict[str, str]:
    """Anthropic's headers by their last words, in a case of their own."""
    return {f"{UNIFIED}{name}".title(): value for name, value in words.items()}


def told(headers: dict[str, str], heard: Heard) -> dict[str, tuple[Stand, int | None, int | None]]:
    """Window by window: how it stands, basis points used, reset in Unix seconds."""
    return {
        window.name: (
            window.stand,
            window.used_bp,
            None if window.resets_us is None else window.resets_us // 1_000_000,
        )
        for window in read_windows(headers, heard)
    }


def test_an_answer_of_a_claude_login() -> None:
    """Both windows; overage that is switched off is no window."""
    assert told(unified(FINE), CLAUDE) == {
        "5h": (Stand.OPEN, 6_250, 1_785_700_000),
        "7d": (Stand.NEAR, 9_400, 1_785_751_200),
    }


def test_a_window_of_one_model_is_that_models_alone() -> None:
    """The account's own windows have room: other models may go on."""
    found = {window.name: window for window in read_windows(unified(ONE_MODEL), CLAUDE)}
    assert (found["7d_oi"].model, found["7d_oi"].stand) == ("claude-opus-5", Stand.USED_UP)
    assert found["5h"].model == found["7d"].model == ""


@pytest.mark.parametrize(
    "more",
    [
        {"overage-in-use": "true", "overage-status": "allowed"},
        {"status": "rejected", "overage-status": "allowed"},
        {"status": "rejected", "overage-status": "allowed_warning"},
    ],
)
def test_paid_overage_lasts_as_long_as_what_is_used_up(more: dict[str, str]) -> None:
    """Its own reset is a month away, and says nothing about what is included."""
    used = {"5h-utilization": "1.0", "overage-reset": "1788000000", "overage-utilization": "0.1"}
    found = told(unified(FINE | used | more), CLAUDE)
    assert found[PAID_OVERAGE] == (Stand.PAID, 1_000, 1_785_700_000)


@pytest.mark.parametrize(
    ("reset", "ends"), [("1785700000", 1_785_700_000), ("1788000000", None), ("", None)]
)
def test_overage_that_names_no_window(reset: str, ends: int | None) -> None:
    """Logins with overage are seen to send these headers alone."""
    words = {
        "status": "allowed", "overage-in-use": "true", "overage-status": "allowed",
        "representative-claim": "overage", "reset": reset, "overage-reset": "1788000000",
    }  # fmt: skip
    assert told(unified(words), CLAUDE) == {PAID_OVERAGE: (Stand.PAID, None, ends)}


def test_a_rejected_claim_without_figures() -> None:
    """The window that is named is used up until the reset that is said."""
    words = {"status": "rejected", "representative-claim": "seven_day", "reset": "1785751200"}
    assert told(unified(words), CLAUDE) == {"7d": (Stand.USED_UP, None, 1_785_751_200)}
    words |= {"7d-utilization": "0.999", "7d-status": "allowed"}
    assert told(unified(words), CLAUDE) == {"7d": (Stand.USED_UP, 9_990, 1_785_751_200)}


@pytest.mark.parametrize(
    ("written", "resets"),
    [
        ("1785700000", 1_785_700_000), ("1785700000.9", 1_785_700_000),
        ("2026-08-02T19:46:40Z", 1_785_700_000), ("2026-08-02T19:46:40", None),
        ("99999999999", None), ("1", None), ("-5", None), ("soon", None), ("", None),
        ("9999-12-31T23:59:59Z", None),
    ],
)  # fmt: skip
def test_a_moment_that_cannot_be_meant_is_none(written: str, resets: int | None) -> None:
    """More than a year away is a mistake."""
    found = told(unified({"5h-utilization": "0.5", "5h-reset": written}), CLAUDE)
    assert found == {"5h": (Stand.OPEN, 5_000, resets)}


@pytest.mark.parametrize(
    ("written", "used_bp"),
    [
        ("0", 0), ("0.0", 0), ("1", 10_000), ("1.02", 10_200), ("0.99991", 10_000),
        ("0.00001", 1), ("0.94x", None), ("-1", None), ("nan", None), ("1" * 400, None),
        ("1e3", None), ("", None),
    ],
)  # fmt: skip
def test_a_share_is_read_exactly(written: str, used_bp: int | None) -> None:
    """Rounded up to a basis point; anything but a plain number is no share."""
    found = told(unified({"5h-utilization": written, "5h-status": "allowed"}), CLAUDE)
    assert found == {"5h": (Stand.OPEN, used_bp, None)}


def test_an_answer_of_a_chatgpt_login() -> None:
    """Windows are named by their length; 100 % is used up."""
    assert told(PLAN, CODEX) == {
        "5h": (Stand.OPEN, 1_250, 1_785_690_000),
        "7d": (Stand.USED_UP, 10_000, 1_786_000_000),
    }


def test_codex_limits_of_one_model() -> None:
    """The limit that counted is that of the model asked for; others are left out."""
    more = {
        "x-codex-active-limit": "codex_bengalfox",
        "x-codex-bengalfox-primary-used-percent": "40",
        "x-codex-bengalfox-primary-window-minutes": "300",
        "x-codex-other-primary-used-percent": "100",
        "x-codex-other-primary-window-minutes": "300",
    }
    found = {(w.name, w.model): w.used_bp for w in read_windows(PLAN | more, CODEX)}
    assert found == {("5h", ""): 1_250, ("7d", ""): 10_000, ("5h", "gpt-6.1-sol"): 4_000}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"x-codex-primary-used-percent": "0"}, {}),
        ({"x-codex-primary-used-percent": "0", "x-codex-primary-window-minutes": "0"}, {}),
        ({"x-codex-primary-window-minutes": "300"}, {}),
        (
            {"x-codex-primary-used-percent": "7"},
            {"primary": (Stand.OPEN, 700, None)},
        ),
        (
            {"x-codex-primary-used-percent": "7", "x-codex-primary-window-minutes": "15"},
            {"15m": (Stand.OPEN, 700, None)},
        ),
        (
            {"x-codex-secondary-used-percent": "7", "x-codex-secondary-window-minutes": "43200",
             "x-codex-secondary-reset-after-seconds": "60"},
            {"30d": (Stand.OPEN, 700, NOW_S + 60)},
        ),
    ],
)  # fmt: skip
def test_codex_says_only_part(
    headers: dict[str, str], found: dict[str, tuple[Stand, int | None, int | None]]
) -> None:
    """An empty slot is no window; older answers count seconds."""
    assert told(headers, CODEX) == found


def test_other_providers_have_no_windows() -> None:
    """Nor has an answer without such headers."""
    assert read_windows(unified(FINE), replace(CLAUDE, provider="google")) == ()
    assert read_windows({"content-type": "application/json"}, CLAUDE) == ()
    assert read_windows(unified(FINE), CODEX) == read_windows(PLAN, CLAUDE) == ()


NAMES = st.sampled_from([
    *(f"{UNIFIED}{name}" for name in [*FINE, *ONE_MODEL, "overage-in-use", "overage-utilization",
                                      "5h-", "_-status", "9999999d-status"]),
    *PLAN, "x-codex-active-limit", "x-codex-primary-reset-after-seconds",
])  # fmt: skip
VALUES = st.text(st.characters(max_codepoint=255), max_size=40) | st.sampled_from([
    *FINE.values(), *ONE_MODEL.values(), *PLAN.values(), "true", "overage", "codex_x", "9" * 30,
    "codex_" + "-" * 50, "0" * 9, "1785684000.", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00Z",
])  # fmt: skip


@given(st.dictionaries(NAMES, VALUES, max_size=12), st.sampled_from([CLAUDE, CODEX]))
def test_any_headers_break_nothing(headers: dict[str, str], heard: Heard) -> None:
    """Windows have distinct keys, shares at or above zero, and resets within reach."""
    found = read_windows(headers, heard)
    assert len({window.key for window in found}) == len(found)
    for window in found:
        assert isinstance(window, IncludedWindow)
        assert window.used_bp is None or window.used_bp >= 0
        assert abs(window.ends_us - NOW_US) < 100_000 * 86_400_000_000
