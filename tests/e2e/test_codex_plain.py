"""The real Codex with its own built-in provider, as an editor or a script of somebody's starts it.

Our plan gives it a provider that speaks plain HTTP; this one tries a WebSocket first, and packs
its requests with zstd where a ChatGPT login pays (wire study §2).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import SAYS
from tests.e2e.test_codex import LOGIN
from tests.e2e.world import World

pytestmark = pytest.mark.agent("codex")

KEY = "sk-proj-canary-of-a-key-000000000000"
BIN = Path(__file__).parents[2] / ".cache/agents/bin"
PLAIN = (
    "codex exec --skip-git-repo-check -m gpt-5.4-mini"
    " -c openai_base_url=\\\"$OPENAI_BASE_URL\\\" 'say hi'"
)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """The sandbox is OpenAI and ChatGPT."""
    with World(folder) as found:
        with found.home.config.open("a") as config:
            config.write(
                f'[providers.openai]\nbase_url = "{found.sandbox.url}"\n'
                f'login_base_url = "{found.sandbox.url}/backend-api/codex"\n'
            )
        found.home.env["PATH"] = f"{BIN}:{found.home.env['PATH']}"
        found.sandbox.direct(SAYS)
        yield found


def test_a_websocket_gives_way_to_http_at_once(world: World) -> None:
    """426 is taken in silence: no "Reconnecting", one billed request."""
    done = world.run(
        "--", "sh", "-c", f'CODEX_API_KEY="$OPENAI_API_KEY" {PLAIN}', key="", OPENAI_API_KEY=KEY
    )

    assert done.returncode == 0, done.stderr
    assert "Hello from the sandbox." in done.stdout
    assert "Reconnecting" not in done.stdout + done.stderr
    world.agree()
    (sent,) = world.seen()
    assert sent["headers"]["authorization"] == f"Bearer {KEY}"
    assert world.seen("GET") == []


def test_the_zstd_of_a_chatgpt_login_is_read(world: World) -> None:
    """Packed by Codex itself; read here, and passed on packed, with the login's own headers."""
    world.write(".codex/auth.json", LOGIN)

    done = world.run("--", "sh", "-c", PLAIN, key="")

    assert "Hello from the sandbox." in done.stdout, done.stderr
    (sent,) = world.seen()
    assert sent["headers"]["content-encoding"] == "zstd"
    assert sent["headers"]["chatgpt-account-id"] == "acct-1"
    (entry,) = world.settled()
    assert entry["counted"] == "subscription", json.dumps(entry)
    assert list(world.ours().values()) == list(world.theirs().values())
