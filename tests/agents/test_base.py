"""What every launcher shares: addresses without secrets, and the note of a session nobody pays."""

from pathlib import Path

import pytest

from agentspend.agents import AGENTS, launcher_for
from agentspend.agents.base import (
    Auth,
    KeySource,
    ProviderFacts,
    SessionFacts,
    nobody_pays,
    origin,
)
from tests.agents.conftest import Machine

EVERY = ("anthropic", "openai", "google")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://u:secret@GW.example:8443/v1?key=secret#x", "https://gw.example:8443"),
        ("http://[::1]:80/x", "http://[::1]:80"),
        ("http://[x", "an address that cannot be read"),
        ("", "://"),
    ],
)
def test_an_origin_holds_no_secret(url: str, found: str) -> None:
    """Scheme, host and port; a broken address is none, and stops nothing."""
    assert origin(url) == found


def facts(key: KeySource, auth: Auth, *providers: str) -> SessionFacts:
    each = dict.fromkeys(providers, ProviderFacts(key, auth))
    return SessionFacts("http://127.0.0.1:1/s/t", "t", Path("/x"), each)


def test_a_session_without_any_credential_is_told_both_ways_to_one() -> None:
    """A key for agentspend, or the agent's own login."""
    assert nobody_pays(facts(KeySource.NONE, Auth.AUTO), ("openai",), "`codex login`") == (
        "no OpenAI key is stored and no login was found: `agentspend keys set openai`,"
        " or `codex login`"
    )


def test_a_key_that_passthrough_leaves_unused_is_said_to_be_there() -> None:
    """It is not "no key": the setting that leaves it out is named."""
    unused = facts(KeySource.STORED, Auth.PASSTHROUGH, "openai")

    assert nobody_pays(unused, EVERY, "log in") == (
        'the OpenAI key is not used (auth = "passthrough" under [providers.openai]),'
        " no login was found: log in"
    )


@pytest.mark.parametrize("agent", AGENTS)
def test_every_launcher_says_which_of_the_two_it_is(machine: Machine, agent: str) -> None:
    """With a stored key and passthrough, no note speaks of a key that is missing."""
    unused = machine.facts(KeySource.STORED, Auth.PASSTHROUGH, providers=EVERY)
    none = machine.facts(KeySource.NONE, Auth.AUTO, providers=EVERY)

    notes = " ".join(launcher_for(agent).plan((), unused, machine.caller()).notes)
    assert "key is not used" in notes
    assert "is stored" not in notes
    assert "is stored" in " ".join(launcher_for(agent).plan((), none, machine.caller()).notes)
