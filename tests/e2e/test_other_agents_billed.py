"""Every agent through a real daemon: billed as the provider bills, hidden calls and all.

OpenCode asks a small model for a title, Gemini CLI one for the way, Qwen Code extracts memories
when it has answered (wire study §3, §4, §6). Claude Code's title call is in `test_claude_screen`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import KEYS, Client, each, everywhere, hello
from tests.e2e.world import World, last_line


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """The sandbox is every provider."""
    with everywhere(folder) as found:
        yield found


@each()
def test_every_call_is_billed_as_the_provider_bills_it(world: World, client: Client) -> None:
    """The answer arrives; every entry equals the bill's row; the provider saw the caller's key."""
    done = hello(world, client)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Hello from the sandbox." in done.stdout
    rows = world.sandbox.bill()["rows"]
    charged = {entry["response_id"]: entry["amount_nusd"] for entry in world.settled()}
    assert charged == {row["message_id"]: row["nusd_up"] for row in rows}
    assert len(charged) == client.calls
    if client.needs != "gemini":  # Google sends no id of the request.
        assert world.ours() == world.theirs()
    assert any(client.hidden in row["model"] for row in rows)
    assert last_line(done).startswith("agentspend: this session cost $0.")
    sent = [post["headers"] for post in world.seen()]
    assert all(any(key in str(headers) for key in KEYS.values()) for headers in sent)
