"""The sandbox over HTTP."""

import asyncio
import io
import json

import pytest

from agentspend.sandbox.behaviour import Behaviour, text
from agentspend.sandbox.server import Sandbox, session_of

from .conftest import KEY, Client, ManualTime, body, settle, until


async def test_json_answers_are_billed_before_they_arrive(client: Client) -> None:
    """Whoever has read the answer finds its row closed, under the answer's request-id."""
    status, message, response = await client.post(body())
    assert status == 200
    assert message["type"] == "message"
    row = client.sandbox.bill.row(response.headers["request-id"])
    assert row is not None
    assert row.outcome == "ok"
    assert row.usage.output_tokens == message["usage"]["output_tokens"]
    assert client.sandbox.bill.total() == row.usd > 0


async def test_streams_are_billed_before_they_end(client: Client) -> None:
    """The final usage of a stream is the bill's."""
    seen = await client.stream(body())
    (row,) = client.sandbox.bill.rows
    assert row.outcome == "ok"
    assert seen[-2]["usage"]["output_tokens"] == row.usage.output_tokens


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic x"}, {"x-api-key": ""}])
async def test_no_credential_is_401(client: Client, headers: dict[str, str]) -> None:
    """Without a key or a bearer token the answer is the real one's."""
    url = client.sandbox.url + "/v1/messages"
    async with client.http.post(url, data=b"{}", headers=headers) as response:
        assert response.status == 401
        error = json.loads(await response.read())
    assert error["error"]["type"] == "authentication_error"
    assert error["request_id"] == response.headers["request-id"]


async def test_a_bearer_token_is_a_credential(client: Client) -> None:
    """Subscribers send a bearer token and no key."""
    url = client.sandbox.url + "/messages"
    headers = {"Authorization": "Bearer token"}
    async with client.http.post(url, data=json.dumps(body()), headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff{}", b'{"model": NaN}'])
async def test_malformed_bodies_are_400_and_free(client: Client, raw: bytes) -> None:
    """A body that is not a JSON object is an invalid request."""
    status, error, _ = await client.post(raw)
    assert (status, error["error"]["type"]) == (400, "invalid_request_error")
    assert client.sandbox.bill.rows == []


async def test_a_body_above_32_mb_is_413(client: Client) -> None:
    """The size is refused from its header."""
    url = client.sandbox.url + "/v1/messages"
    large = io.BytesIO(b" " * (33 * 1024 * 1024))
    async with client.http.post(url, data=large, headers=KEY) as response:
        assert response.status == 413
        assert json.loads(await response.read())["error"]["type"] == "request_too_large"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_errors_before_the_answer_are_free(client: Client, status: int, kind: str) -> None:
    """The asked-for error comes once, in the real shape, and is not on the bill."""
    client.sandbox.behave_next(Behaviour(status=status, error_message="no", retry_after_s=3))
    found, error, response = await client.post(body())
    assert found == status
    assert error["error"] == {"type": kind, "message": "no"}
    assert response.headers["retry-after"] == "3"
    assert client.sandbox.bill.rows == []
    assert (await client.post(body()))[0] == 200


async def test_counting_is_free_and_true(client: Client) -> None:
    """count_tokens says what the request is then billed for, or errs as told."""
    _, counted, _ = await client.post(body(), "/v1/messages/count_tokens?beta=true")
    assert client.sandbox.bill.rows == []
    _, message, _ = await client.post(body())
    assert counted == {"input_tokens": message["usage"]["input_tokens"]}
    client.sandbox.behave(Behaviour(count_off_tokens=5))
    _, off, _ = await client.post(body(), "/v1/messages/count_tokens")
    assert off["input_tokens"] == counted["input_tokens"] + 5
    client.sandbox.behave(Behaviour(count_status=500))
    assert (await client.post(body(), "/v1/messages/count_tokens"))[0] == 500


async def test_other_paths(client: Client) -> None:
    """HEAD is fine anywhere, models are listed, the rest is not found; all have a request-id."""
    url = client.sandbox.url
    for method, path, status in (
        ("HEAD", "/s/abc/api/hello", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/v1/models/claude-opus-5-5", 200),
        ("GET", "/v1/models/gpt", 404),
        ("POST", "/v1/complete", 404),
    ):
        async with client.http.request(method, url + path, headers=KEY) as response:
            assert response.status == status, path
            assert response.headers["request-id"]
            if path == "/v1/models":
                names = [model["id"] for model in json.loads(await response.read())["data"]]
                assert "claude-opus-5-5" in names


async def test_the_cache_lives_on_the_injected_clock(client: Client, time: ManualTime) -> None:
    """Written, read, dropped by evict, written again, expired after five minutes."""
    mark = {"cache_control": {"type": "ephemeral"}}
    content = [{"type": "text", "text": "w" * 9_000, **mark}]
    request = body(messages=[{"role": "user", "content": content}])

    async def reads() -> bool:
        _, message, _ = await client.post(request)
        return bool(message["usage"]["cache_read_input_tokens"])

    assert [await reads(), await reads()] == [False, True]
    client.sandbox.evict()
    assert [await reads(), await reads()] == [False, True]
    time.now_s += 299
    assert await reads()
    time.now_s += 299
    assert await reads()
    time.now_s += 301
    assert not await reads()


async def test_requests_are_recorded(client: Client) -> None:
    """Tests can look at what reached the provider."""
    await client.post(body(), "/s/tok/v1/messages?beta=true", **{"X-Thing": "1"})
    (seen,) = client.sandbox.requests
    assert (seen.method, seen.path) == ("POST", "/s/tok/v1/messages?beta=true")
    assert seen.headers["x-thing"] == "1"
    assert seen.json == body()


async def test_rows_name_their_session(client: Client) -> None:
    """A session is in the path, or else in a header."""
    await client.post(body(), "/s/one/v1/messages")
    await client.post(body(), **{"X-Claude-Code-Session-Id": "two"})
    bill = client.sandbox.bill
    assert [row.session for row in bill.rows] == ["one", "two"]
    assert bill.total("one") + bill.total("two") == bill.total()
    assert session_of("/s/a b/v1/messages", {}) == "a b"


async def test_the_control_door(client: Client) -> None:
    """A tester in another process sets behaviours, drops the cache and reads the bill."""
    status, answer, _ = await client.post(
        {"queue": [{"answer": [text("scripted")]}]}, "/_sandbox/behaviour"
    )
    assert (status, answer) == (200, {"queued": 1})
    assert (await client.post(body()))[1]["content"] == [text("scripted")]
    assert (await client.post({"nonsense": 1}, "/_sandbox/behaviour"))[0] == 400
    assert (await client.post(b"{", "/_sandbox/behaviour"))[0] == 400
    assert (await client.post(b"", "/_sandbox/evict"))[0] == 200
    assert (await client.post(b"", "/_sandbox/nothing"))[0] == 404
    async with client.http.get(client.sandbox.url + "/_sandbox/bill") as response:
        bill = json.loads(await response.read())
    assert bill["nusd"] == client.sandbox.bill.total_nusd()
    assert bill["requests"] == 1
    assert bill["rows"][0]["outcome"] == "ok"
    async with client.http.get(client.sandbox.url + "/_sandbox/requests") as response:
        assert len(json.loads(await response.read())["requests"]) == 1


async def test_a_header_orders_one_request(client: Client) -> None:
    """A behaviour in a header counts for that request alone; a wrong one is a 400."""
    header = {"x-sandbox-behaviour": '{"output_tokens": 3}'}
    assert (await client.post(body(), **header))[1]["usage"]["output_tokens"] == 3
    assert (await client.post(body(), **{"x-sandbox-behaviour": "{"}))[0] == 400


async def test_a_hanging_request_answers_when_released(client: Client, sandbox: Sandbox) -> None:
    """It owes its input while it hangs, and goes on when let."""
    sandbox.behave_next(Behaviour(hang_after_events=0))
    asked = asyncio.create_task(client.post(body()))
    await sandbox.until_hanging(1)
    (row,) = sandbox.bill.rows
    assert row.outcome == "open"
    assert row.usd > 0
    await settle()
    assert not asked.done()
    sandbox.release()
    assert (await asked)[0] == 200
    await until(lambda: sandbox.bill.rows[0].outcome == "ok")
