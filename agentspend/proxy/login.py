"""One request that a subscription's login pays: whose it is, whether it still may, where it goes.

Codex signed in with ChatGPT talks to a host of its own (`login_base_url`), where the paths have no
`/v1`; Claude's login uses the same host as a key does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDict

from agentspend.dialects.base import Dialect
from agentspend.dialects.included import Heard
from agentspend.proxy.credentials import CHATGPT_ACCOUNT, OPENAI, Credentials, bearer
from agentspend.proxy.desk import Desk
from agentspend.proxy.refusal import included_message
from agentspend.proxy.upstream import LOGIN, way_to

_UUID = b"account_uuid"
_ACCOUNT = re.compile(rb'account_uuid\\?"\s*:\s*\\?"([0-9a-fA-F-]{36})')


@dataclass(frozen=True, slots=True)
class Login:
    """The login behind one request. `account` is a short HMAC; `model` is the one asked for."""

    desk: Desk
    provider: str
    account: str
    model: str
    chatgpt: bool

    def refusal(self) -> str:
        """Why it may not go on, where `stop_at_included` is on; "" when it may."""
        at_bp = self.desk.settings.stops_bp.get(self.provider)
        if at_bp is None:
            return ""
        now_us = self.desk.now().wall_us
        window = self.desk.included.stopping(self.provider, self.account, self.model, at_bp, now_us)
        if window is None:
            return ""
        return included_message(window, at_bp, self.desk.local_now(), self.desk.zone)

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer says about the windows, before its first byte is passed on."""
        heard = Heard(self.provider, self.account, self.model, self.desk.now().wall_us)
        news, gone = self.desk.included.hear(headers, heard)
        if news or gone:
            self.desk.bookkeeper.included_soon(news, gone)


def login_of(
    desk: Desk, paid: Credentials, provider: str, headers: CIMultiDict[str], body: bytes, model: str
) -> Login | None:
    """The login that pays a request; None where a key does."""
    if paid.counted != "subscription":
        return None
    chatgpt = headers.get(CHATGPT_ACCOUNT, "")
    name = chatgpt or _claude_account(body) or bearer(headers)
    return Login(desk, provider, desk.included.account(provider, name), model, bool(chatgpt))


def way_out(dialect: Dialect, path: str, login: Login | None) -> tuple[str, str]:
    """Where a request goes: the name of the way and the path there."""
    if login is not None and login.chatgpt and dialect.provider == OPENAI:
        return f"{OPENAI}{LOGIN}", path.removeprefix("/v1")
    return way_to(dialect), path


def _claude_account(body: bytes) -> str:
    """The account that Claude Code names in `metadata.user_id`, which outlives its tokens.

    The last mention counts: the conversation, which may mention anything, stands before it.
    """
    at = body.rfind(_UUID)
    found = _ACCOUNT.match(body, at) if at >= 0 else None
    return found[1].decode() if found else ""
