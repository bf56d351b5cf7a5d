"""Whose money a request spends: our token is swapped for the key; other logins pass untouched.

An OAuth token (a Claude subscription) goes on as it came and counts as `subscription`; a key the
caller sent itself goes on as it came and counts as real dollars (DESIGN.md §6). Only our own
token is ever taken out.
"""

from dataclasses import dataclass

from multidict import CIMultiDict

from agentspend.proxy.sessions import Session

OAUTH_PREFIX = "sk-ant-oat"


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
    sent = headers.get("x-api-key") or _bearer(headers)
    if sent:
        return Credentials("subscription" if sent.startswith(OAUTH_PREFIX) else "billed")
    usable = session.keys.get(provider) or key
    if session.auth == "passthrough" or not usable:
        return Credentials(missing_key=ours)
    headers["x-api-key"] = usable
    return Credentials()


def _take_out(headers: CIMultiDict[str], token: str) -> bool:
    """Remove our own token wherever it stands in for a key."""
    found = False
    if headers.get("x-api-key") == token:
        del headers["x-api-key"]
        found = True
    if _bearer(headers) == token:
        del headers["Authorization"]
        found = True
    return found


def _bearer(headers: CIMultiDict[str]) -> str:
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
