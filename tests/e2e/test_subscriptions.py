"""The real Codex with a ChatGPT login, and Claude Code with a Claude login, through a real daemon.

No account is used: the logins are made up, and the sandbox stands for the providers' hosts.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_codex import JWT, LOGIN
from tests.e2e.world import World, last_line

BIN = Path(__file__).parents[2] / ".cache/agents/bin"
CODEX = ("codex", "exec", "--skip-git-repo-check", "-m", "gpt-5.4-mini", "say hi")
SAYS = {"answer": [{"type": "text", "text": "Hello from the sandbox."}], "output_tokens": 12}


def codex_windows(primary: str, secondary: str) -> dict[str, Any]:
    """An answer that tells how much of the five hours and of the week is used."""
    soon = int(time.time()) + 3_600
    return {
        **SAYS,
        "headers": {
            "x-codex-primary-used-percent": primary, "x-codex-primary-window-minutes": "300",
            "x-codex-primary-reset-at": str(soon), "x-codex-secondary-used-percent": secondary,
            "x-codex-secondary-window-minutes": "10080",
            "x-codex-secondary-reset-at": str(soon + 86_400),
        },
    }  # fmt: skip


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """A ChatGPT subscriber who never wants to pay more; the sandbox is chatgpt.com."""
    with World(folder) as found:
        with found.home.config.open("a") as config:
            config.write(
                f'[providers.openai]\nbase_url = "{found.sandbox.url}/api-dollars"\n'
                f'login_base_url = "{found.sandbox.url}/backend-api/codex"\n'
                "stop_at_included = true\n"
            )
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        found.write(".codex/auth.json", LOGIN)
        yield found


@pytest.mark.agent("codex")
def test_a_chatgpt_login_is_listed_and_its_windows_are_shown(world: World) -> None:
    """Every request goes to the login's own host, untouched; billed to the nano-dollar, apart."""
    world.sandbox.direct(codex_windows("12.5", "40"))

    done = world.run(*CODEX, key="")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Hello from the sandbox." in done.stdout
    world.agree()
    assert {entry["counted"] for entry in world.settled()} == {"subscription"}
    assert {post["path"] for post in world.seen()} == {"/backend-api/codex/responses"}
    asked = [seen["path"] for seen in world.seen("GET")]
    assert asked
    assert all(path.startswith("/backend-api/codex/models?") for path in asked)
    assert "failed to refresh available models" not in done.stderr
    for post in world.seen():
        assert post["headers"]["authorization"] == f"Bearer {JWT}"
        assert post["headers"]["chatgpt-account-id"] == "acct-1"
        assert not [name for name in post["headers"] if "agentspend" in name]
    assert "cost $0.00 and $0.0" in last_line(done)
    assert "at list price on your subscription" in last_line(done)
    status = world.home.json("status")
    assert status["today_nusd"] == 0
    assert [(line["name"], line["used_percent"]) for line in status["windows"]] == [
        ("5h", 12), ("7d", 40),
    ]  # fmt: skip
    assert "acct-1" not in str(status)


@pytest.mark.agent("codex")
def test_codex_stops_before_paid_overage(world: World) -> None:
    """With our words, after one refused request; nothing more reaches the provider."""
    world.sandbox.direct(codex_windows("12.5", "99"))
    assert world.run(*CODEX, key="").returncode == 0
    before = len(world.seen())

    done = world.run(*CODEX, key="")

    assert done.returncode == 1
    assert "the week of this openai login is 99 % used, and requests stop at 98 %" in done.stderr
    assert "0 requests, 1 refused" in last_line(done)
    assert len(world.seen()) == before
