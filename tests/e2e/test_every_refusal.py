"""Every row of the wire study's "best rejection" (§0), as the real client takes it.

One test a row: exactly one request, no second try, and our words on screen. Rows by dialect:
Anthropic for Claude Code (402) and for everyone else (400), Chat Completions and Responses (400;
plain text for Codex), Gemini (400), and 426 for a WebSocket, which `test_codex_plain` holds.

The row "Responses mid-stream" is never used: a running answer is never cut for a budget, because
every client answers a cut by sending the whole request again (DESIGN.md §3, invariant 6).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentspend.dialects.final_text import WORD_JOINER
from tests.e2e.clients import CLIENTS, Client, each, everywhere, hello
from tests.e2e.world import World, last_line

# Of each client the one whose dialect no other row has; the SDKs are in `test_sdks`.
ROWS = tuple(CLIENTS)


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    """A budget that is too small for anything, with a name that some take for a server's error."""
    with everywhere(folder) as found:
        found.cap("0.00001", "p503")
        yield found


@each(ROWS)
def test_it_stops_at_once_and_shows_our_words(world: World, client: Client) -> None:
    """Nothing reaches the provider, nothing is spent or held; a second call is one of its own."""
    done = hello(world, client)

    shown = "".join((done.stdout + done.stderr).split()).replace("\\'", "'")
    shown = shown.replace(WORD_JOINER, "").replace("\\u2060", "")
    assert "agentspend:budget'p503'" in shown, done.stdout + done.stderr
    assert "agentspendbudgetraisep503" in shown
    assert f" in 0 requests, {client.tries} refused" in last_line(done)
    assert done.returncode == client.code
    assert world.theirs() == {}
    (line,) = world.home.json("status")["budgets"]
    assert (line["spent_nusd"], line["held_nusd"]) == (0, 0)
