"""Whose money a request spends: our token is swapped for the key; other logins pass untouched.

A subscription's login (Claude's OAuth token, Codex's ChatGPT login) goes on as it came and counts
as `subscription`; a key the caller sent itself goes on as it came and counts as real dollars
(DESIGN.md §6). Our own tokens are always taken out: the session's, and any virtual key; and what
was meant for another provider than the one that answers never reaches it.
"""

from collections.abc import Mapping, Set

import msgspec
from multidict import CIMultiDict

from agentspend.config.providers import Provider
from agentspend.config.ready_providers import BUILT_IN
from agentspend.core.virtual_keys import is_token
from agentspend.proxy.sessions import Session

OAUTH_PREFIX = "sk-ant-oat"
CHATGPT_ACCOUNT = "chatgpt-account-id"
OPENAI = "openai"
BEARER = "Authorization"
KEY_HEADERS = ("x-api-key", "x-goog-api-key", "api-key")
"""Where clients put a key that is no bearer: Anthropic's, Google's, Azure's."""
_ANTHROPICS = "sk-ant-"
_BUILT_IN = frozenset(each.name for each in BUILT_IN)


class Credentials(msgspec.Struct, frozen=True):
    """How a request is paid: "billed" or "subscription", or why it cannot be sent."""

    counted: str = "billed"
    missing_key: bool = False


def settle_credentials(
    headers: CIMultiDict[str],
    session: Session,
    provider: Provider,
    key: str | None,
    *,
    named: bool = False,
    login_only: bool = False,
) -> Credentials:
    """Rewrite the auth headers in place and say whose money it is.

    `key` is the provider key the daemon may inject; a session's own key comes first. `named`: the
    caller itself said which provider it wants, so its own key is meant for it. `login_only`: only
    a subscription's login opens the path, and no key takes its place.
    """
    places = {*KEY_HEADERS, provider.key_header} - {""}
    ours = _take_out(headers, session.token, places)
    sent = next((headers[name] for name in places if headers.get(name)), bearer(headers))
    passes = session.auth.get(provider.name, provider.auth) == "passthrough"
    if sent and _meant_for_another(sent, headers, provider, named=named or passes):
        _drop(headers, places)
        ours, sent = True, ""
    if sent:
        login = login_only or _is_login(headers, places, provider)
        return Credentials("subscription" if login else "billed")
    if login_only:
        return Credentials(missing_key=True)
    usable = session.keys.get(provider.name) or key
    if passes or not usable:
        return Credentials(missing_key=ours and provider.auth != "none")
    if provider.key_header:
        headers[provider.key_header] = usable
    else:
        headers[BEARER] = f"Bearer {usable}"
    return Credentials()


def _is_login(headers: CIMultiDict[str], places: Set[str], provider: Provider) -> bool:
    """Whether a subscription pays: a key beside its login could be what pays instead."""
    if provider.name == OPENAI and CHATGPT_ACCOUNT in headers:
        return True
    told = [value.rpartition(" ")[2] for value in headers.getall(BEARER, ())]
    told += [value for name in places for value in headers.getall(name, ())]
    said = [each for each in told if each]
    return bool(said) and all(each.startswith(OAUTH_PREFIX) for each in said)


def _meant_for_another(
    sent: str, headers: CIMultiDict[str], provider: Provider, *, named: bool
) -> bool:
    """Whether a credential of the caller's must not reach this provider.

    An agent that was led elsewhere by its session still sends what it has for its own vendor.
    """
    if provider.name in _BUILT_IN:
        return False
    return not named or sent.startswith(_ANTHROPICS) or CHATGPT_ACCOUNT in headers


def _drop(headers: CIMultiDict[str], places: Set[str]) -> None:
    """Remove every credential there is."""
    for name in (*places, BEARER, CHATGPT_ACCOUNT):
        headers.popall(name, None)


def _take_out(headers: CIMultiDict[str], token: str, places: Set[str]) -> bool:
    """Remove a token of ours wherever it stands in for a key."""
    found = False
    for name in places:
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
