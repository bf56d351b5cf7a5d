"""A subscription's windows as providers tell them in the headers of every answer.

Facts: Anthropic's names and values are those that Claude Code 2.1.331 reads (strings of its
binary) and that public captures show; OpenAI's are those of Codex (`codex-api/rate_limits.rs`).
Neither is documented, so anything strange is left out and nothing here raises.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from agentspend.core.included import (
    ALL_BP,
    PAID_OVERAGE,
    IncludedWindow,
    Stand,
    length_us,
)

UNIFIED = "anthropic-ratelimit-unified-"
_WINDOW = re.compile(r"(\d{1,5}[mhd](?:_[a-z0-9_]{1,32})?)-(status|utilization|reset)")
_CLAIMS = {
    "five_hour": "5h",
    "seven_day": "7d",
    "seven_day_opus": "7d_opus",
    "seven_day_sonnet": "7d_sonnet",
    "seven_day_overage_included": "7d_oi",
}
_STANDS = {"allowed": Stand.OPEN, "allowed_warning": Stand.NEAR, "rejected": Stand.USED_UP}
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{0,12})?")
_SECONDS = re.compile(r"\d{1,11}(?:\.\d{0,9})?")
_LIMIT = re.compile(r"codex(?:[_-][a-z0-9_-]{1,48})?")
_MINUTES = re.compile(r"\d{1,7}")
_FARTHEST_US = 400 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """Whose answer it was, to a request for which model, and when it came (UTC µs)."""

    provider: str
    account: str
    model: str
    now_us: int


def read_windows(headers: Mapping[str, str], heard: Heard) -> tuple[IncludedWindow, ...]:
    """What an answer's headers say about the login's windows; nothing when they say nothing."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    if heard.provider == "anthropic":
        return _anthropic(lower, heard)
    return _codex(lower, heard) if heard.provider == "openai" else ()


def _anthropic(headers: Mapping[str, str], heard: Heard) -> tuple[IncludedWindow, ...]:
    said: dict[str, dict[str, str]] = {}
    for name, value in headers.items():
        found = _WINDOW.fullmatch(name.removeprefix(UNIFIED)) if name.startswith(UNIFIED) else None
        if found:
            said.setdefault(found[1], {})[found[2]] = value
    windows = {
        name: IncludedWindow(
            provider=heard.provider,
            account=heard.account,
            name=name,
            model=heard.model if "_" in name else "",
            stand=_STANDS.get(words.get("status", ""), Stand.OPEN),
            used_bp=_share(words.get("utilization", ""), ALL_BP),
            resets_us=_moment(words.get("reset", ""), heard.now_us),
            seen_us=heard.now_us,
        )
        for name, words in said.items()
    }
    rejected = headers.get(f"{UNIFIED}status") == "rejected"
    claim = _CLAIMS.get(headers.get(f"{UNIFIED}representative-claim", ""), "")
    resets_us = _moment(headers.get(f"{UNIFIED}reset", ""), heard.now_us)
    if rejected and claim:
        before = windows.get(claim) or IncludedWindow(
            heard.provider, heard.account, claim, heard.model if "_" in claim else "",
            Stand.USED_UP, None, None, heard.now_us,
        )  # fmt: skip
        windows[claim] = replace(
            before, stand=Stand.USED_UP, resets_us=before.resets_us or resets_us
        )
    if _paid(headers, rejected=rejected):
        windows[PAID_OVERAGE] = IncludedWindow(
            provider=heard.provider,
            account=heard.account,
            name=PAID_OVERAGE,
            model=heard.model if claim and "_" in claim else "",
            stand=Stand.PAID,
            used_bp=_share(headers.get(f"{UNIFIED}overage-utilization", ""), ALL_BP),
            resets_us=_included_again(windows.values(), resets_us, heard.now_us),
            seen_us=heard.now_us,
        )
    return tuple(windows.values())


def _paid(headers: Mapping[str, str], *, rejected: bool) -> bool:
    """Whether this answer was paid for beyond what is included, as Claude Code decides it."""
    if headers.get(f"{UNIFIED}overage-in-use") == "true":
        return True
    return rejected and headers.get(f"{UNIFIED}overage-status") in ("allowed", "allowed_warning")


def _included_again(
    windows: Iterable[IncludedWindow], resets_us: int | None, now_us: int
) -> int | None:
    """When paid overage ends: with the last window that is used up.

    A reset farther away than any window is the overage's own month: it says nothing of that.
    """
    ends = [window.ends_us for window in windows if window.stops(ALL_BP)]
    if ends:
        return max(ends)
    week_us = length_us("7d") or 0
    return resets_us if resets_us is not None and resets_us <= now_us + week_us else None


def _codex(headers: Mapping[str, str], heard: Heard) -> tuple[IncludedWindow, ...]:
    """The windows of the plan, and those of the limit that counted for this request."""
    active = headers.get("x-codex-active-limit", "").lower()
    limits = {"codex": ""}
    if _LIMIT.fullmatch(active):
        limits.setdefault(active.replace("_", "-"), heard.model)
    found: dict[tuple[str, str, str, str], IncludedWindow] = {}
    for limit, model in limits.items():
        for slot in ("primary", "secondary"):
            window = _codex_window(headers, f"x-{limit}-{slot}-", model, heard)
            if window is None:
                continue
            before = found.get(window.key)
            if before is None or (before.used_bp or 0) < (window.used_bp or 0):
                found[window.key] = window
    return tuple(found.values())


def _codex_window(
    headers: Mapping[str, str], prefix: str, model: str, heard: Heard
) -> IncludedWindow | None:
    """One window; None where the share is missing, or an empty slot stands for none."""
    used_bp = _share(headers.get(f"{prefix}used-percent", ""), 100)
    minutes = headers.get(f"{prefix}window-minutes", "")
    length = int(minutes) if _MINUTES.fullmatch(minutes) else 0
    resets_us = _moment(headers.get(f"{prefix}reset-at", ""), heard.now_us)
    after = headers.get(f"{prefix}reset-after-seconds", "")
    if resets_us is None and _SECONDS.fullmatch(after):
        resets_us = _near(heard.now_us + int(Decimal(after) * 1_000_000), heard.now_us)
    if used_bp is None or not (used_bp or length or resets_us):
        return None
    return IncludedWindow(
        provider=heard.provider,
        account=heard.account,
        name=_name(length) if length else prefix.split("-")[-2],
        model=model,
        stand=Stand.USED_UP if used_bp >= ALL_BP else Stand.OPEN,
        used_bp=used_bp,
        resets_us=resets_us,
        seen_us=heard.now_us,
    )


def _name(minutes: int) -> str:
    """A window's length as its name: 300 is "5h", 10080 is "7d"."""
    for unit, size in (("d", 1_440), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def _share(text: str, scale: int) -> int | None:
    """A share in basis points, of which a 1 in the header is worth `scale`; never rounded down."""
    if not _NUMBER.fullmatch(text):
        return None
    return int((Decimal(text) * scale).to_integral_value(ROUND_CEILING))


def _moment(text: str, now_us: int) -> int | None:
    """A moment in Unix seconds or ISO 8601; None for one that cannot be meant."""
    if _SECONDS.fullmatch(text):
        return _near(int(Decimal(text) * 1_000_000), now_us)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    try:
        return _near(int(at.timestamp()) * 1_000_000, now_us)
    except (OverflowError, ValueError):
        return None


def _near(at_us: int, now_us: int) -> int | None:
    return at_us if abs(at_us - now_us) <= _FARTHEST_US else None
