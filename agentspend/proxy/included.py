"""The newest word about each subscription's windows, in memory: who may still go on for nothing.

The store keeps the same across restarts (`store.included`). Accounts are known by a short HMAC.
"""

import hmac
from collections.abc import Iterable, Mapping

from agentspend.core.included import IncludedWindow, merged, stopping
from agentspend.dialects.included import Heard, read_windows

ACCOUNT_HEX = 12
TOLD_AGAIN_US = 60_000_000
"""How old the stored word may grow while it stays the same."""

Key = tuple[str, str, str, str]


class Included:
    """What each login's windows were last said to be."""

    def __init__(self, key: bytes, windows: Iterable[IncludedWindow] = ()) -> None:
        self._keyed = hmac.new(key, b"agentspend/account/v1", "sha256")
        self._windows: dict[Key, IncludedWindow] = {window.key: window for window in windows}
        self._stored = dict(self._windows)

    def account(self, provider: str, name: str) -> str:
        """The short HMAC under which a provider's account is known."""
        keyed = self._keyed.copy()
        keyed.update(f"{provider}\0{name}".encode())
        return keyed.hexdigest()[:ACCOUNT_HEX]

    def hear(
        self, headers: Mapping[str, str], heard: Heard
    ) -> tuple[list[IncludedWindow], list[Key]]:
        """Take in an answer's headers; returns what the store has to learn, and to forget."""
        said = read_windows(headers, heard)
        if not said:
            return [], []
        before = self._of(heard.provider, heard.account)
        after = merged(before, said)
        gone = [window.key for window in before if window.key not in after]
        for key in gone:
            del self._windows[key]
            self._stored.pop(key, None)
        self._windows.update(after)
        news = [window for window in said if self._is_news(window)]
        self._stored.update((window.key, window) for window in news)
        return news, gone

    def stopping(
        self, provider: str, account: str, model: str, at_bp: int, now_us: int
    ) -> IncludedWindow | None:
        """The window that keeps this login's request from being included; None when none does."""
        return stopping(self._of(provider, account), model, at_bp, now_us)

    def _of(self, provider: str, account: str) -> list[IncludedWindow]:
        return [
            window
            for window in self._windows.values()
            if (window.provider, window.account) == (provider, account)
        ]

    def _is_news(self, window: IncludedWindow) -> bool:
        before = self._stored.get(window.key)
        if before is None or window.seen_us - before.seen_us >= TOLD_AGAIN_US:
            return True
        told = (before.stand, before.used_bp, before.resets_us)
        return told != (window.stand, window.used_bp, window.resets_us)
