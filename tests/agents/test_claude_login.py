"""A key and a login do not mix: a subscriber is never moved to paid API silently."""

import pytest

from agentspend.agents import launcher_for
from agentspend.agents.base import Auth, KeySource
from agentspend.core.errors import LaunchError
from tests.agents.conftest import Machine

CANARY = "sk-ant-oat01-canary"
LOGIN = {"claudeAiOauth": {"accessToken": CANARY}}


def login(machine: Machine, kind: str) -> dict[str, str]:
    """Set up one kind of login; returns the environment it needs."""
    user = "home/.claude/settings.json"
    if kind == "file":
        machine.put("home/.claude/.credentials.json", LOGIN)
    elif kind == "keychain":
        machine.platform = "darwin"
        machine.put("home/.claude.json", {"oauthAccount": {"emailAddress": CANARY}})
    elif kind == "helper":
        machine.put(user, {"apiKeyHelper": f"echo {CANARY}"})
    elif kind == "settings":
        machine.put(user, {"env": {"ANTHROPIC_API_KEY": CANARY}})
    else:
        return {kind: CANARY}
    return {}


KINDS = [
    "file",
    "keychain",
    "helper",
    "settings",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_AUTH_TOKEN",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_key_and_a_login_ask_for_a_choice(machine: Machine, kind: str) -> None:
    """Auto refuses to guess, says what it found and how to choose, and shows no secret."""
    caller = machine.caller(**login(machine, kind))

    with pytest.raises(LaunchError) as caught:
        launcher_for("claude").plan([], machine.facts(), caller)

    assert 'auth = "key"' in caught.value.hint
    assert 'auth = "passthrough"' in caught.value.hint
    assert CANARY not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("key", "auth", "expected"),
    [
        (KeySource.STORED, Auth.KEY, Auth.KEY),
        (KeySource.STORED, Auth.PASSTHROUGH, Auth.PASSTHROUGH),
        (KeySource.NONE, Auth.AUTO, Auth.PASSTHROUGH),
        (KeySource.ENVIRONMENT, Auth.AUTO, Auth.KEY),
    ],
)
def test_a_choice_is_followed(
    machine: Machine, kind: str, key: KeySource, auth: Auth, expected: Auth
) -> None:
    """Explicit auth, no key, or a key in the caller's environment settle the question."""
    caller = machine.caller(**login(machine, kind))

    found = launcher_for("claude").plan([], machine.facts(key, auth), caller)

    assert found.auth is expected
    assert ("ANTHROPIC_AUTH_TOKEN" in found.env_set) == (expected is Auth.KEY)
    assert ("ANTHROPIC_API_KEY" in found.env_unset) == (expected is Auth.KEY)
    assert not any(CANARY in content for content in found.files.values())


def test_a_helper_is_silenced_only_where_the_key_is_ours(machine: Machine) -> None:
    """With our key the helper would add a second credential; without, it is the login."""
    caller = machine.caller(**login(machine, "helper"))
    claude = launcher_for("claude")

    (ours,) = claude.plan([], machine.facts(auth=Auth.KEY), caller).files.values()
    (theirs,) = claude.plan([], machine.facts(KeySource.NONE), caller).files.values()

    assert '"apiKeyHelper": ""' in ours
    assert "apiKeyHelper" not in theirs


def test_auth_key_without_a_key_is_refused(machine: Machine) -> None:
    """The hint stores one."""
    facts = machine.facts(KeySource.NONE, Auth.KEY)

    with pytest.raises(LaunchError) as caught:
        launcher_for("claude").plan([], facts, machine.caller())

    assert caught.value.hint == "agentspend keys set anthropic"


def test_neither_key_nor_login_is_said(machine: Machine) -> None:
    """Claude Code will ask for a login; the note says what else to do."""
    found = launcher_for("claude").plan([], machine.facts(KeySource.NONE), machine.caller())

    assert "agentspend keys set anthropic" in found.notes[0]


def test_a_gateways_own_credential_is_not_sent_to_another_host(machine: Machine) -> None:
    """A company gateway's token must not reach the provider; its address is the remedy."""
    gateway = {"ANTHROPIC_BASE_URL": "https://gw.example/llm", "ANTHROPIC_AUTH_TOKEN": CANARY}
    file = machine.put("home/.claude/settings.json", {"env": gateway})

    with pytest.raises(LaunchError) as caught:
        launcher_for("claude").plan([], machine.facts(KeySource.NONE), machine.caller())

    assert f"{file} line 3" in caught.value.message
    assert 'base_url = "https://gw.example"' in caught.value.hint
    assert CANARY not in caught.value.message
