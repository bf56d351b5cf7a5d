"""Whose money a request spends: our token is swapped for the key; other logins pass untouched.

A subscription's login (Claude's OAuth token, Codex's ChatGPT login) goes on as it came and counts
as `subscription`; a key the caller sent itself goes on as it came and counts as real dollars
(DESIGN.md §6). Only our own tokens are ever taken out: the session's, and any virtual key.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDict

from agentspend.core.virtual_keys import is_token
from agentspend.proxy.sessions import Session

OAUTH_PREFIX = "sk-ant-oat"
CHATGPT_ACCOUNT = "chatgpt-account-id"
BEARER = "Authorization"
KEY_HEADERS = ("x-api-key", "x-goog-api-key")
KEY_HEADER_OF = {"anthropic": "x-api-key", "google": "x-goog-api-key"}
"""Where a provider expects its key; every other takes it as a bearer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a request is paid: "billed" or "subscription", or why it cannot be sent."""

    counted: str = "billed"
    missing_key: bool = False


def settle_credentials(
    headers: CIMultiDict[str], session: Session, provider: str, key: str | None
) -> Credentials:
    """Rewrite the auth headers in place and say whose money it is.

    `key` is the provider key the daemon may inject; a session's own key comes first.
    """
    ours = _take_out(headers, session.token)
    sent = next((headers[name] for name in KEY_HEADERS if headers.get(name)), bearer(headers))
    if sent:
        login = sent.startswith(OAUTH_PREFIX) or CHATGPT_ACCOUNT in headers
        return Credentials("subscription" if login else "billed")
    usable = session.keys.get(provider) or key
    if session.auth.get(provider) == "passthrough" or not usable:
        return Credentials(missing_key=ours)
    if provider in KEY_HEADER_OF:
        headers[KEY_HEADER_OF[provider]] = usable
    else:
        headers[BEARER] = f"Bearer {usable}"
    return Credentials()


def _take_out(headers: CIMultiDict[str], token: str) -> bool:
    """Remove a token of ours wherever it stands in for a key."""
    found = False
    for name in KEY_HEADERS:
        value = headers.get(name, "")
        if value and (value == token or is_token(value)):
            del headers[name]
            found = True
    sent = bearer(headers)
    if sent and (sent == token or is_token(sent)):
        del headers[BEARER]
        found = True
    return found


def virtual_key_in(headers: Mapping[str, str]) -> str:
    """A virtual key's token where a client would put a provider's key, "" without one."""
    sent = (*(headers.get(name, "") for name in KEY_HEADERS), bearer(headers))
    return next(filter(is_token, sent), "")


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer a request brings, "" when there is none."""
    scheme, _, value = headers.get(BEARER, "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
