"""The sessions of a virtual key: one for each of its client's own, ended when nothing comes."""

import asyncio
from pathlib import Path

import pytest

from agentspend.core.limits import (
    CONNECTION_IDLE_S,
    KEY_SESSION_IDLE_S,
    MAX_KNOWN_CONNECTIONS,
    MAX_SESSIONS_PER_KEY,
)
from agentspend.core.scopes import Payer
from agentspend.core.virtual_keys import VirtualKey, key_of
from agentspend.proxy.clients import agent_of, client_session
from agentspend.proxy.key_sessions import KeySessions
from agentspend.proxy.sessions import Session, Sessions
from agentspend.proxy.virtual_keys import Holder
from tests.proxy.keyed import key_book, send
from tests.support.desk import Device

UUID = "5f8f8c9e-1111-4222-8333-444455556666"
CLAUDE = {"User-Agent": "claude-cli/2.1.330 (external, cli)"}
ONE = Holder(1, key_of("one", {}))
TWO = Holder(2, key_of("two", {}))


@pytest.fixture
def sessions() -> KeySessions:
    """Nobody is in yet."""
    return KeySessions(Sessions(), here=Payer(member="ana", device="laptop"))


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("claude-cli/2.1.330 (external, sdk-cli)", "claude"),
        ("codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm", "codex"),
        ("GeminiCLI-tui/0.61.0/gemini-3.1-pro-preview (linux; x64; terminal)", "gemini"),
        ("opencode/1.18.33 ai-sdk/provider-utils/4.0.46 runtime/bun/1.3.14", "opencode"),
        ("QwenCode/0.24.4 (linux; x64)", "qwen"),
        ("OpenAI/Python 3.54.0", ""),
        ("", ""),
    ],
)
def test_the_agent_is_who_it_says(said: str, agent: str) -> None:
    """By the user agents that were measured; an SDK may be anybody's."""
    assert agent_of({"User-Agent": said}) == agent


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({"x-claude-code-session-id": UUID}, UUID),
        ({"session-id": UUID}, UUID),
        ({"x-session-id": "ses_df645f39cffeoD5f8yPi67zlwV"}, "ses_df645f39cffeoD5f8yPi67zlwV"),
        ({"x-session-id": "a b\tc"}, "h-b314d97eee1b4917"),
        ({"x-session-id": "x" * 65}, "h-9537c5fdf120482f"),
        ({"x-session-id": ""}, ""),
        ({}, ""),
    ],
)
def test_a_client_names_its_session(headers: dict[str, str], session: str) -> None:
    """As it is where it is a plain id; anything else only as a hash."""
    assert client_session(headers) == session


async def test_each_of_the_clients_sessions_is_one(sessions: KeySessions) -> None:
    """Found again by its id; without an id the key has one under its own name."""
    named = {**CLAUDE, "x-claude-code-session-id": UUID}
    first = await sessions.enter(ONE, named, 0, 1)
    assert first.payer == Payer("ana", "laptop", "claude", UUID, key="one")
    assert await sessions.enter(ONE, named, 0, 2) is first
    other = await sessions.enter(ONE, CLAUDE, 0, 3)
    assert (other.id, other.payer.session) == ("one", "one")
    assert {each.id for each in sessions.live.all()} == {UUID, "one"}


async def test_without_an_id_each_process_has_a_session(sessions: KeySessions) -> None:
    """Two at once are two, and each connection is looked up once; one that was idle for long may be
    another process's by now. One of nobody's is the key's own."""
    asked: list[int] = []
    processes = {5001: 11, 5002: 11, 5003: 12}

    async def client(port: int) -> int:
        asked.append(port)
        return processes[port]

    sessions.client = client
    first = await sessions.enter(ONE, {}, 5001, 1)
    assert await sessions.enter(ONE, {}, 5001, 2) is first
    assert await sessions.enter(ONE, {}, 5002, 3) is first
    other = await sessions.enter(ONE, {}, 5003, 4)
    assert (first.id, other.id) == ("one", "one-12")
    assert asked == [5001, 5002, 5003]
    processes[5003] = 13
    later_us = 4 + CONNECTION_IDLE_S * 1_000_000
    assert (await sessions.enter(ONE, {}, 5003, later_us)).id == "one-13"
    assert (await sessions.enter(ONE, {}, 0, later_us)).id == "one-0"


async def test_a_known_session_by_another_connection_is_looked_at_again(
    sessions: KeySessions,
) -> None:
    """A resumed conversation may be another process's; its requests do not wait for that."""
    seen: list[int] = []
    sessions.again = lambda _, port: seen.append(port)
    named = {**CLAUDE, "x-claude-code-session-id": UUID}
    for port in (5001, 5001, 5002, 5002, 5001):
        await sessions.enter(ONE, named, port, 1)
    assert seen == [5002]


async def test_a_client_with_a_connection_for_each_request_fills_no_memory(
    sessions: KeySessions,
) -> None:
    """The oldest connections are forgotten."""
    for port in range(1, MAX_KNOWN_CONNECTIONS + 50):
        await sessions.enter(ONE, {}, port, port)
    assert len(sessions._ports) == MAX_KNOWN_CONNECTIONS


async def test_requests_that_come_at_once_open_one_session(sessions: KeySessions) -> None:
    """Title and answer are asked for in parallel; the roster hears of one session."""
    begun: list[str] = []

    async def begin(session: Session, _: int) -> None:
        begun.append(session.id)
        await asyncio.sleep(0)

    sessions.begin = begin
    found = await asyncio.gather(*(sessions.enter(ONE, CLAUDE, 0, 1) for _ in range(8)))
    assert len({id(each) for each in found}) == 1
    assert begun == ["one"]


async def test_nobody_slips_into_anothers_session(sessions: KeySessions) -> None:
    """An id that a run or another key goes by already is another session's."""
    sessions.live.open(Session("s_run", Payer(session="s_run"), "token"))
    mine = await sessions.enter(ONE, {"x-session-id": "s_run"}, 0, 1)
    assert mine.payer.session == "one:s_run"
    again = await sessions.enter(TWO, {"x-session-id": "one"}, 0, 1)
    assert again.payer.session == "one"
    default = await sessions.enter(ONE, {}, 0, 1)
    assert default.payer.session == "one-0"
    assert sessions.live.by_token("token") is not None


async def test_a_keys_own_agent_comes_before_what_the_client_says(sessions: KeySessions) -> None:
    """And its project, tags, rules and the providers' settings are the session's."""
    key = key_of("ci", {"agent": "bot", "project": "p", "tags": ["a=b"], "rpm": 3})
    sessions.auth = {"anthropic": "key"}
    found = await sessions.enter(Holder(3, key), CLAUDE, 0, 1)
    assert found.payer == Payer(
        "ana", "laptop", "bot", "ci", project="p", key="ci", tags=("a=b",)
    )  # fmt: skip
    assert found.rules == key.rules()
    assert found.auth == {"anthropic": "key"}


async def test_a_client_that_makes_up_sessions_fills_no_memory(sessions: KeySessions) -> None:
    """Past a number of them the key's own session takes the rest; another key is not touched."""
    for number in range(MAX_SESSIONS_PER_KEY + 20):
        last = await sessions.enter(ONE, {"x-session-id": f"n{number}"}, 0, 1)
    assert last.id == "one"
    assert len(sessions.of(1)) == MAX_SESSIONS_PER_KEY + 1
    assert (await sessions.enter(TWO, {"x-session-id": "mine"}, 0, 1)).id == "mine"


def here(_: Session) -> bool:
    """Every client still runs."""
    return False


async def test_a_session_is_idle_when_nothing_came_for_a_while(sessions: KeySessions) -> None:
    """Or its client has ended; not with requests in flight. A forgotten one is opened anew."""
    first = await sessions.enter(ONE, CLAUDE, 0, 0)
    later_us = KEY_SESSION_IDLE_S * 1_000_000
    assert sessions.idle(later_us, (), here) == []
    assert sessions.idle(later_us + 1, {"one"}, here) == []
    assert sessions.idle(later_us + 1, (), here) == ["one"]
    assert sessions.idle(1, (), lambda _: True) == ["one"]
    assert sessions.idle(1, {"one"}, lambda _: True) == []
    sessions.forget("one")
    sessions.live.close("one")
    assert await sessions.enter(ONE, CLAUDE, 0, later_us) is not first


async def test_a_session_of_before_a_restart_is_known_again(sessions: KeySessions) -> None:
    """With its key's rules; that of a deleted key is nobody's."""
    key = VirtualKey("one", rpm=5)
    sessions.keys.put(1, key)
    kept = Session(UUID, Payer(agent="claude", session=UUID), "", key=1, client_id=UUID)
    sessions.restore(kept)
    named = {**CLAUDE, "x-claude-code-session-id": UUID}
    assert await sessions.enter(Holder(1, key), named, 0, 1) is kept
    assert kept.rules == key.rules()
    gone = Session("x", Payer(), "", key=9)
    sessions.restore(gone)
    assert sessions.of(9) == []


async def test_the_ledger_names_the_clients_session_and_agent(tmp_path: Path) -> None:
    """Through the whole journey."""
    async with Device(tmp_path) as device:
        token = await (await key_book(device)).create("ci", {}, 0)
        await send(device, f"/k/{token}/v1/messages", x_claude_code_session_id=UUID)
        await device.until_idle()
        [entry] = await device.ledger()
        assert (entry["session"], entry["agent"], entry["key"]) == (UUID, "claude", "ci")
