"""Which credentials Claude Code would use on its own: looked for by name, never read out."""

import json
from pathlib import Path

from agentspend.agents.base import Caller, session_token_in
from agentspend.agents.claude_settings import Settings, config_dir, global_config

_CREDENTIAL_VARIABLES = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")


def credentials(settings: Settings) -> list[str]:
    """Credentials a person gave Claude Code by variable or helper: name and place of each.

    An outer session's own token is none: it comes from us.
    """
    outer = session_token_in(settings.value("ANTHROPIC_BASE_URL"))
    found: list[str] = []
    for name in _CREDENTIAL_VARIABLES:
        item = settings.find(name)
        if item and item[0] and item[0] != outer:
            found.append(f"{name} in {item[1].place(name)}")
    helper = settings.helper()
    if helper is not None:
        found.append(f"an apiKeyHelper in {helper.place('apiKeyHelper')}")
    return found


def stored_logins(settings: Settings, caller: Caller) -> list[str]:
    """Every credential of Claude Code's own, for the rule that a key and a login do not mix."""
    return subscriptions(settings, caller) + credentials(settings)


def subscriptions(settings: Settings, caller: Caller) -> list[str]:
    """The logins that a subscription pays for.

    `.credentials.json` on Linux; on macOS it lies in the Keychain, so the account named in
    `.claude.json` stands for it.
    """
    found: list[str] = []
    path = config_dir(caller) / ".credentials.json"
    oauth = _object(path).get("claudeAiOauth")
    if isinstance(oauth, dict) and oauth.get("accessToken"):
        found.append(f"a Claude login in {path}")
    elif caller.platform == "darwin" and _object(global_config(caller)).get("oauthAccount"):
        found.append("a Claude login in the Keychain")
    token = settings.find("CLAUDE_CODE_OAUTH_TOKEN")
    if token and token[0]:
        found.append(f"CLAUDE_CODE_OAUTH_TOKEN in {token[1].place('CLAUDE_CODE_OAUTH_TOKEN')}")
    return found


def _object(path: Path) -> dict[str, object]:
    """A JSON object in a file, {} when there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
