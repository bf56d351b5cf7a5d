"""The server in every dialect: answered, billed, broken and told what to do alike."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import aiohttp
import pytest

from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.behaviour import Behaviour, text, tool
from agentspend.sandbox.bill import BillRow
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.model import Answer, answer
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from agentspend.sandbox.server import Sandbox

from .conftest import body, chat, content, events, response, until

LONG = Behaviour(output_tokens=100, deltas=10)


@dataclass(frozen=True, slots=True)
class Speech:
    """How one dialect is spoken on the wire."""

    dialect: Dialect
    path: str
    request: dict[str, Any]
    key: dict[str, str]
    stream_path: str = ""

    def sent(self, *, stream: bool) -> dict[str, Any]:
        """The body as it is sent."""
        if self.dialect is GEMINI:
            return {name: value for name, value in self.request.items() if name != "model"}
        return {**self.request, "stream": stream}

    def to(self, *, stream: bool) -> str:
        """The path to send it to."""
        return self.stream_path if stream and self.stream_path else self.path


BEARER = {"Authorization": "Bearer sk-test"}
SPEECHES = [
    Speech(MESSAGES, "/v1/messages", body(), {"x-api-key": "k"}),
    Speech(CHAT, "/v1/chat/completions", chat(), BEARER),
    Speech(RESPONSES, "/v1/responses", response(), BEARER),
    Speech(
        GEMINI,
        "/v1beta/models/gemini-3.8-flash:generateContent",
        content(),
        {"x-goog-api-key": "k"},
        "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
    ),
]
each = pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.dialect.name)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Talk:
    """One client of one sandbox."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def start(
        self, speech: Speech, *, stream: bool = False, prefix: str = "", **headers: str
    ) -> aiohttp.ClientResponse:
        raw = json.dumps(speech.sent(stream=stream)).encode()
        url = self.sandbox.url + prefix + speech.to(stream=stream)
        return await self.http.post(url, data=raw, headers={**speech.key, **headers})

    async def ask(self, speech: Speech, **how: Any) -> tuple[int, bytes]:
        async with await self.start(speech, **how) as reply:
            return reply.status, await reply.read()

    async def row(self, outcome: str) -> BillRow:
        await until(lambda: bool(self.sandbox.bill.rows))
        await until(lambda: self.sandbox.bill.rows[-1].outcome != "open")
        row = self.sandbox.bill.rows[-1]
        assert row.outcome == outcome
        return row


@pytest.fixture
def talk(sandbox: Sandbox, http: aiohttp.ClientSession) -> Talk:
    return Talk(sandbox, http)


def modelled(speech: Speech, how: Behaviour = LONG) -> Answer:
    found = answer(speech.request, how, dialect=speech.dialect)
    assert isinstance(found, Answer)
    return found


@each
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_answers_are_billed_before_they_end(talk: Talk, speech: Speech, stream: bool) -> None:
    """Whoever has read the answer finds its row closed, under the id in its body, at the cost
    that the pure model knows."""
    talk.sandbox.behave(LONG)
    status, raw = await talk.ask(speech, stream=stream)
    (row,) = talk.sandbox.bill.rows
    assert (status, row.outcome) == (200, "ok")
    assert row.usd == modelled(speech).usd() > 0
    assert row.message_id.encode() in raw


@each
async def test_the_id_of_a_row_is_in_a_header_where_the_vendor_sends_one(
    talk: Talk, speech: Speech
) -> None:
    """`request-id`, `x-request-id`, or only in Gemini's body."""
    async with await talk.start(speech) as reply:
        name = speech.dialect.request_id_header
        ident = reply.headers[name] if name else json.loads(await reply.read())["responseId"]
        assert talk.sandbox.bill.row(ident) is not None


@each
@pytest.mark.parametrize("key", [{}, {"Authorization": "Basic x"}])
async def test_no_credential_is_refused_for_nothing(
    talk: Talk, speech: Speech, key: dict[str, str]
) -> None:
    """In the vendor's words; a bearer token will do for all."""
    url = talk.sandbox.url + speech.path
    raw = json.dumps(speech.sent(stream=False))
    async with talk.http.post(url, data=raw, headers=key) as reply:
        wanted = speech.dialect.no_credential
        assert reply.status == wanted.status
        assert json.loads(await reply.read())["error"]["message"] == wanted.message
    assert talk.sandbox.bill.rows == []
    async with talk.http.post(url, data=raw, headers=BEARER) as reply:
        assert reply.status == 200


@each
@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff{}", b'{"model": NaN}', b"{}"])
async def test_malformed_bodies_are_400_and_free(talk: Talk, speech: Speech, raw: bytes) -> None:
    """A body that is no request is an error in the vendor's shape."""
    url = talk.sandbox.url + speech.path
    async with talk.http.post(url, data=raw, headers=speech.key) as reply:
        assert reply.status == 400
        assert json.loads(await reply.read())["error"]["message"]
    assert talk.sandbox.bill.rows == []


@each
@pytest.mark.parametrize("status", [400, 401, 402, 429, 500, 503])
async def test_errors_before_the_answer_are_free(talk: Talk, speech: Speech, status: int) -> None:
    """The asked-for error comes once, in the vendor's shape."""
    talk.sandbox.behave_next(Behaviour(status=status, error_message="no", retry_after_s=3))
    async with await talk.start(speech) as reply:
        assert (reply.status, reply.headers["retry-after"]) == (status, "3")
        assert json.loads(await reply.read())["error"]["message"] == "no"
    assert talk.sandbox.bill.rows == []
    assert (await talk.ask(speech))[0] == 200


@each
async def test_a_cut_stream_bills_what_was_sent(talk: Talk, speech: Speech) -> None:
    """The connection is reset after six events; their tokens are owed."""
    talk.sandbox.behave(Behaviour(output_tokens=100, deltas=10, cut_after_events=6))
    with pytest.raises(aiohttp.ClientError):
        await talk.ask(speech, stream=True)
    row = await talk.row("cut")
    found = modelled(speech)
    sent = [step.tokens for step in speech.dialect.stream(found)][5]
    assert row.usage.output_tokens == sent < 100
    assert row.usd == found.usd_after(sent)


@each
async def test_an_error_inside_a_stream_bills_what_was_sent(talk: Talk, speech: Speech) -> None:
    """The last event is the error, in the vendor's shape and the behaviour's words."""
    how = Behaviour(output_tokens=100, deltas=10, error_after_events=5, error_message="no more")
    talk.sandbox.behave(how)
    _, raw = await talk.ask(speech, stream=True)
    last = events(raw)[-1]
    error = last.get("error") or last["response"]["error"]
    assert error["message"] == "no more"
    row = await talk.row("error")
    assert 0 < row.usage.output_tokens < 100
    assert row.usd == modelled(speech).usd_after(row.usage.output_tokens)


@each
async def test_a_client_that_leaves_owes_what_the_vendor_goes_on_to_make(
    talk: Talk, speech: Speech
) -> None:
    """Google generates the answer to its end; the others stop where they are."""
    talk.sandbox.behave(Behaviour(output_tokens=100, deltas=10, hang_after_events=6))
    reply = await talk.start(speech, stream=True)
    await talk.sandbox.until_hanging(1)
    reply.close()
    row = await talk.row("disconnect")
    whole = modelled(speech).usd()
    assert (row.usd == whole) is speech.dialect.drains
    assert row.usd <= whole
    assert (row.usage.output_tokens == 100) is speech.dialect.drains


@each
async def test_the_input_is_owed_from_the_start(talk: Talk, speech: Speech) -> None:
    """A request that hangs has an open row with the input's cost."""
    talk.sandbox.behave(Behaviour(output_tokens=100, hang_after_events=2))
    reply = await talk.start(speech, stream=True)
    await talk.sandbox.until_hanging(1)
    (row,) = talk.sandbox.bill.rows
    assert row.outcome == "open"
    assert row.usd == modelled(speech).usd_at_start() > 0
    talk.sandbox.release()
    await reply.read()
    assert (await talk.row("ok")).usd == modelled(speech).usd()


@each
@pytest.mark.parametrize("prefix", ["/s/alice", "/s/alice/v1"])
async def test_sessions_are_in_the_path(talk: Talk, speech: Speech, prefix: str) -> None:
    """Whatever stands between the session and the end of the path."""
    await talk.ask(speech, prefix=prefix)
    await talk.ask(speech, **{"session-id": "bob"})
    assert [row.session for row in talk.sandbox.bill.rows] == ["alice", "bob"]
    assert talk.sandbox.bill.total("alice") > 0


@each
async def test_torn_writes_join_to_the_same_stream(talk: Talk, speech: Speech) -> None:
    """Writes blind to event borders change no byte but ids and times."""
    said = (text("words and wörds " * 20),)
    talk.sandbox.behave_next(Behaviour(answer=said), Behaviour(answer=said, torn_bytes=7))
    _, first = await talk.ask(speech, stream=True)
    _, second = await talk.ask(speech, stream=True)
    assert first.replace(b"00000000001", b"N") == second.replace(b"00000000002", b"N")


def after_a_call(speech: Speech, said: dict[str, Any]) -> Speech:
    """The next request of an agent whose tool call has been run."""
    request = dict(speech.request)
    if speech.dialect is MESSAGES:
        request["messages"] = [*request["messages"], {"role": "assistant", **said}]
    elif speech.dialect is CHAT:
        request["messages"] = [*request["messages"], said["choices"][0]["message"]]
    elif speech.dialect is RESPONSES:
        before = {"role": "user", "content": request["input"]}
        request["input"] = [before, *said["output"]]
    else:
        request["contents"] = [*request["contents"], said["candidates"][0]["content"]]
    return Speech(speech.dialect, speech.path, request, speech.key)


@each
async def test_a_script_follows_the_conversation(talk: Talk, speech: Speech) -> None:
    """Its second answer comes when the first has come back, in whatever shape that is."""
    declared = {"name": "Bash", "type": "function", "function": {"name": "Bash"}}
    offers = Speech(
        speech.dialect, speech.path, {**speech.request, "tools": [declared]}, speech.key
    )
    script = [{"answer": [tool("Bash", command="ls")]}, {"answer": [text("All done.")]}]
    talk.sandbox.director.direct({"default": {"output_tokens": 20}, "script": {"main": script}})
    _, raw = await talk.ask(offers)
    assert b"Bash" in raw
    _, raw = await talk.ask(after_a_call(offers, json.loads(raw)))
    assert b"All done." in raw
    _, raw = await talk.ask(speech)
    assert b"Bash" not in raw, "a request without tools gets no call"


@each
async def test_counting_is_free(talk: Talk, speech: Speech) -> None:
    """Where the vendor counts, the count is what is billed."""
    paths = {
        "anthropic": "/v1/messages/count_tokens",
        "openai-responses": "/v1/responses/input_tokens",
        "gemini": "/v1beta/models/gemini-3.8-flash:countTokens",
    }
    path = paths.get(speech.dialect.name)
    if path is None:
        pytest.skip("Chat Completions has no such call")
    _, raw = await talk.ask(Speech(speech.dialect, path, speech.request, speech.key))
    counted = json.loads(raw)
    assert talk.sandbox.bill.rows == []
    wanted = modelled(speech).usage.prompt_tokens
    assert counted.get("input_tokens", counted.get("totalTokens")) == wanted


@each
async def test_a_compressed_body_is_read(talk: Talk, speech: Speech) -> None:
    """As Codex compresses its own."""
    raw = gzip.compress(json.dumps(speech.sent(stream=False)).encode())
    headers = {**speech.key, "content-encoding": "gzip"}
    url = talk.sandbox.url + speech.path
    async with talk.http.post(url, data=raw, headers=headers) as reply:
        assert reply.status == 200
    assert talk.sandbox.requests[-1].json == speech.sent(stream=False)


async def test_a_websocket_is_not_spoken(talk: Talk) -> None:
    """426 sends Codex back to HTTP at once."""
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    async with talk.http.get(talk.sandbox.url + "/s/a/v1/responses", headers=headers) as reply:
        assert reply.status == 426


async def test_models_are_listed_as_the_caller_expects(talk: Talk) -> None:
    """By its key and path."""
    url = talk.sandbox.url
    async with talk.http.get(url + "/v1/models?client_version=1", headers=BEARER) as reply:
        assert "gpt-6.1-sol" in {one["id"] for one in (await reply.json())["data"]}
    async with talk.http.get(url + "/v1beta/models", headers={"x-goog-api-key": "k"}) as reply:
        assert (await reply.json())["models"][0]["name"].startswith("models/gemini")
    async with talk.http.get(url + "/v1/models/gpt-4.1", headers=BEARER) as reply:
        assert (await reply.json())["object"] == "model"
    async with talk.http.get(url + "/v1/models/gpt-99", headers=BEARER) as reply:
        assert reply.status == 404


async def test_one_bill_for_all(talk: Talk) -> None:
    """Every dialect's rows are in one bill, which adds up."""
    talk.sandbox.behave(LONG)
    for speech in SPEECHES:
        await talk.ask(speech)
        await talk.ask(speech, stream=True)
    bill = talk.sandbox.bill
    wanted = sum((2 * modelled(speech).usd() for speech in SPEECHES), Fraction(0))
    assert bill.total() == wanted
    assert len({row.request_id for row in bill.rows}) == 8
