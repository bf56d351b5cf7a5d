"""What passes through: bytes as they are, headers by the rules, free endpoints, no redirects."""

from pathlib import Path

import msgspec
import pytest

from agentspend.sandbox.behaviour import Behaviour, text
from tests.proxy.raw import (
    RawProvider,
    answer_bytes,
    request_bytes,
    send,
    usage_answer,
    usage_body,
)
from tests.proxy.test_bodies import PACK
from tests.support.desk import TOKEN, Device, budget, message

ODD = (
    b'{ "max_tokens" : 1000,\n"model":"claude-opus-5", "stream":false,'
    b'"messages":[{"role":"user","content":"caf\\u00e9 \xc3\xa9  "}],'
    b' "metadata":{"user_id":"{}"}}\n'
)


@pytest.mark.parametrize("path", ["/v1/messages", "/messages"])
@pytest.mark.parametrize("query", ["", "?beta=true", "?beta=true&a=%7e%2F+b&empty=&x"])
async def test_a_request_reaches_the_provider_byte_for_byte(
    tmp_path: Path, path: str, query: str
) -> None:
    """Spacing, escapes and order stay; so does the query; the path loses only our prefix."""
    async with RawProvider(usage_answer()) as provider:
        async with Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device:
            line = f"POST /s/{TOKEN}{path}{query} HTTP/1.1"
            status, _, got = await send(
                device.port, request_bytes(device.port, line=line, body=ODD)
            )

        assert (status, got) == (200, usage_body())
        assert provider.received[0].endswith(b"\r\n\r\n" + ODD)
        assert provider.heads[0][""] == f"POST /v1/messages{query} HTTP/1.1"


async def test_a_chunked_request_reaches_the_provider_whole(tmp_path: Path) -> None:
    """An upload without a length is read to its end and sent with one."""
    async with (
        RawProvider(usage_answer()) as provider,
        Device(tmp_path, base_url=provider.url) as device,
    ):
        chunks = b"".join(b"%x\r\n%s\r\n" % (1, ODD[i : i + 1]) for i in range(len(ODD)))
        head = (
            f"POST /s/{TOKEN}/v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{device.port}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n"
        )
        status, _, _ = await send(device.port, head.encode() + chunks + b"0\r\n\r\n")

        assert status == 200
        assert provider.received[0].endswith(b"\r\n\r\n" + ODD)
        assert "transfer-encoding" not in provider.heads[0]


async def test_a_clamp_changes_max_tokens_and_nothing_else(tmp_path: Path) -> None:
    """Every other value's bytes stay as they were sent."""
    async with Device(tmp_path, [budget("small", "0.9")]) as device:
        sent = message("é \u00e9  /", max_tokens=64_000, temperature=1.50)
        raw = msgspec.json.encode(sent).replace(b'"temperature":1.5', b'"temperature": 1.50')
        assert (await device.post(raw)).status == 200

        got = device.sandbox.requests[-1].body
        assert b"1.50" in got
        found = msgspec.json.decode(got)
        assert 4_096 <= found.pop("max_tokens") < 64_000
        assert found == {key: value for key, value in sent.items() if key != "max_tokens"}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("torn", [0, 1, 7])
async def test_an_answer_comes_back_byte_for_byte(tmp_path: Path, stream: bool, torn: int) -> None:
    """The same request twice, once around us: the same bytes, wherever the chunks are cut."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        says = Behaviour(answer=(text("caf\u00e9 " * 40),), deltas=9, torn_bytes=torn)
        device.sandbox.behave(says)
        body = msgspec.json.encode(message(stream=stream))
        reply = await device.post(body)
        async with device.client.post(
            device.sandbox.url + "/v1/messages", data=body, headers={"x-api-key": "k"}
        ) as answer:
            direct = await answer.read()

        assert _without_ids(reply.body) == _without_ids(direct)
        await device.until_idle()
        (entry,) = await device.ledger()
        first = device.sandbox.bill.rows[0]
        assert reply.headers["request-id"] == entry["request_id"] == first.request_id
        assert entry["amount_nusd"] == first.nusd_up
        assert entry["billing"] == "exact"


def _without_ids(body: bytes) -> bytes:
    return body.replace(b"sandbox00000000000000001", b"N").replace(
        b"sandbox00000000000000002", b"N"
    )


async def test_a_header_that_cannot_be_written_keeps_no_answer_back(tmp_path: Path) -> None:
    """It is left out; any other byte goes on."""
    odd = usage_answer("x-odd: a\x01b", "x-bell: \x07", "x-tab: a\tb", "x-place: S\u00e3o")
    async with (
        RawProvider(odd) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        status, head, body = await send(device.port, request_bytes(device.port))
        await device.until_idle()
        (entry,) = await device.ledger()
    assert (status, body) == (200, usage_body())
    assert (head["x-tab"], "x-place" in head) == ("a\tb", True)
    assert not {"x-odd", "x-bell"} & head.keys()
    assert entry["evidence"] == "provider_usage"


async def test_a_token_that_is_no_text_lets_nobody_in(tmp_path: Path) -> None:
    """And is answered like any other that is wrong."""
    async with Device(tmp_path) as device:
        line = "POST /s/-/v1/messages HTTP/1.1"
        raw = request_bytes(device.port, "x-agentspend-token: \udcff", line=line)
        status, _, body = await send(device.port, raw)
    assert (status, b"has ended" in body) == (400, True)


async def test_headers_of_one_hop_and_cookies_stay_there(tmp_path: Path) -> None:
    """Dropped both ways, with those that `Connection` names; the rest goes on."""
    answer = usage_answer(
        "Set-Cookie: canary=1", "Keep-Alive: timeout=5", "X-Hop: 1", "Connection: close, X-Hop",
        "Proxy-Authenticate: Basic", "request-id: req_upstream", "x-kept: yes",
    )  # fmt: skip
    async with RawProvider(answer) as provider:
        async with Device(tmp_path, base_url=provider.url) as device:
            raw = request_bytes(
                device.port,
                "Cookie: canary=1", "X-Mine: 1", "TE: trailers", "Keep-Alive: 5",
                "Proxy-Authorization: Basic canary", "X-Forwarded-For: 10.0.0.1",
                "Forwarded: for=10.0.0.1", "Accept-Encoding: gzip, br, zstd", "anthropic-beta: a,b",
                f"x-api-key: {TOKEN}",
            ).replace(b"Connection: close", b"Connection: close, X-Mine")  # fmt: skip
            status, head, _ = await send(device.port, raw)

        (up,) = provider.heads
        assert status == 200
        gone = {"cookie", "x-mine", "te", "keep-alive", "proxy-authorization", "forwarded"}
        assert not gone & up.keys()
        assert "x-forwarded-for" not in up
        assert "connection" not in up
        assert up["host"] == provider.url.removeprefix("http://")
        assert up["accept-encoding"] == "identity"
        assert up["anthropic-beta"] == "a,b"
        assert up["x-api-key"] == "sk-ant-test"
        assert not {"set-cookie", "keep-alive", "x-hop", "proxy-authenticate"} & head.keys()
        assert (head["request-id"], head["x-kept"]) == ("req_upstream", "yes")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "x-gzip"])
async def test_a_compressed_answer_is_metered_exactly_and_passes_unchanged(
    tmp_path: Path, encoding: str
) -> None:
    """We ask for plain answers; where one is compressed all the same, a copy is read."""
    plain = usage_body(1_000, 200)
    body = PACK[encoding](plain)
    raw = answer_bytes(body, f"Content-Encoding: {encoding}")
    async with (
        RawProvider(raw) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        status, head, got = await send(device.port, request_bytes(device.port))
        await device.until_idle()

        assert (status, got, head["content-encoding"]) == (200, body, encoding)
        (entry,) = await device.ledger()
        assert (entry["billing"], entry["evidence"]) == ("exact", "provider_usage")
        assert entry["usage"] == {"input_tokens": 1_000, "output_tokens": 200}


async def test_an_answer_that_cannot_be_read_is_charged_upward(tmp_path: Path) -> None:
    """An encoding we do not know passes unchanged and costs its bound, never below the bill."""
    async with (
        RawProvider(answer_bytes(b"\x8b\x01x", "Content-Encoding: br")) as provider,
        Device(tmp_path, [budget("daily", "5")], base_url=provider.url) as device,
    ):
        status, _, got = await send(device.port, request_bytes(device.port))
        await device.until_idle()

        assert (status, got) == (200, b"\x8b\x01x")
        (entry,) = await device.ledger()
        assert (entry["evidence"], entry["amount_nusd"] > 0) == ("estimate", True)
        assert (await device.status("daily"))["held_nusd"] == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
async def test_a_providers_error_passes_unchanged_and_costs_nothing(
    tmp_path: Path, status: int
) -> None:
    """Its own status, body and retry-after; the hold is released, no entry is written."""
    async with Device(tmp_path, [budget("daily", "5")]) as device:
        device.sandbox.behave(
            Behaviour(status=status, error_message="its own words", retry_after_s=7)
        )
        reply = await device.post(message())
        await device.until_idle()

        assert reply.status == status
        assert reply.error["message"] == "its own words"
        assert reply.headers["retry-after"] == "7"
        assert reply.headers["request-id"].startswith("req_sandbox")
        assert await device.ledger() == []
        line = await device.status("daily")
        assert (line["spent_nusd"], line["held_nusd"]) == (0, 0)


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """A provider that points elsewhere is passed on as it is; nothing goes there."""
    async with RawProvider(usage_answer()) as elsewhere:
        moved = answer_bytes(b"{}", f"Location: {elsewhere.url}/x", status="307 Moved")
        async with (
            RawProvider(moved) as provider,
            Device(tmp_path, base_url=provider.url) as device,
        ):
            status, _, _ = await send(device.port, request_bytes(device.port))

        assert (status, elsewhere.received) == (307, [])


async def test_counting_and_listing_are_free(tmp_path: Path) -> None:
    """Passed on with the key, byte for byte, with or without a budget's room."""
    async with Device(tmp_path, [budget("daily", "0.000001")]) as device:
        body = msgspec.json.encode(
            {"model": "claude-opus-5", "messages": [{"role": "user", "content": "hi"}]}
        )
        for prefix in ("/v1", ""):
            reply = await device.post(body, prefix + "/messages/count_tokens?beta=true")
            assert (reply.status, b"input_tokens" in reply.body) == (200, True)
            async with device.client.get(device.url + prefix + "/models?limit=2") as answer:
                assert answer.status == 200
                assert (await answer.json())["data"]
            async with device.client.get(device.url + prefix + "/models/claude-opus-5") as answer:
                assert answer.status == 200
                assert (await answer.json())["id"] == "claude-opus-5"

        seen = [(item.method, item.path) for item in device.sandbox.requests]
        expected = [
            ("POST", "/v1/messages/count_tokens?beta=true"), ("GET", "/v1/models?limit=2"),
            ("GET", "/v1/models/claude-opus-5"),
        ]  # fmt: skip
        assert seen == expected * 2
        assert {item.headers["x-api-key"] for item in device.sandbox.requests} == {"sk-ant-test"}
        assert await device.ledger() == []


CLAUDE_HEADERS = (
    "Accept: application/json", "X-Stainless-Retry-Count: 0", "X-Stainless-Timeout: 600",
    "anthropic-dangerous-direct-browser-access: true", "anthropic-version: 2023-06-01",
    "authorization: Bearer sk-ant-oat01-of-a-subscriber", "x-app: cli",
    "User-Agent: claude-cli/2.1.332 (external, cli)",
    "X-Claude-Code-Session-Id: 86a302b8-38ee-4288-9e74-92b03c41edff",
    "content-type: application/json", "anthropic-beta: claude-code-20250219,oauth-2025-04-20",
)  # fmt: skip
CODEX_HEADERS = (
    "authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "chatgpt-account-id: acct-1",
    "session-id: 01a2", "thread-id: 01a2", "x-codex-turn-metadata: {\"thread_id\": \"01a2\"}",
    "originator: codex_exec", "accept: text/event-stream", "content-type: application/json",
    "user-agent: codex_exec/0.169.0 (Debian 12; x86_64)", "version: 0.169.0",
)  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "path", "there"),
    [
        (CLAUDE_HEADERS, "/v1/messages?beta=true", "/v1/messages?beta=true"),
        (CODEX_HEADERS, "/v1/responses", "/backend-api/codex/responses"),
    ],
    ids=["claude", "codex"],
)
async def test_a_logins_headers_reach_the_provider_as_they_were_sent(
    tmp_path: Path, headers: tuple[str, ...], path: str, there: str
) -> None:
    """Every one, in its order and spelling; ours are those of the connection alone."""
    async with (
        RawProvider(usage_answer()) as provider,
        Device(tmp_path, base_url=provider.url) as device,
    ):
        own = ("X-AgentSpend-Token: " + TOKEN, "Accept-Encoding: gzip, br", *headers)
        line = f"POST /s/-{path} HTTP/1.1"
        asked = message(stream=False) if "messages" in path else {"model": "gpt-5.4", "input": "hi"}
        body = msgspec.json.encode(asked)
        await send(device.port, request_bytes(device.port, *own, line=line, body=body))

    first, *lines = provider.received[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert first == f"POST {there} HTTP/1.1"
    ours = {"Host", "Accept-Encoding", "Content-Length"}
    assert [each for each in lines if each.partition(":")[0] not in ours] == list(headers)
    assert "Accept-Encoding: identity" in lines
