"""The sandbox as a server on 127.0.0.1.

Owns the sockets, the routes and the requests seen; what is answered and billed is `model`'s, how
it is sent is `delivery`'s. No request leaves the machine.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import msgspec
from aiohttp import web

from agentspend.sandbox.answer import Ask
from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.behaviour import NORMAL, Behaviour, BehaviourError
from agentspend.sandbox.bill import Bill
from agentspend.sandbox.cache import MINIMUM_TOKENS, PromptCache
from agentspend.sandbox.checks import ApiError, has_bearer
from agentspend.sandbox.delivery import Clock, Delivery, Gate, Sleep
from agentspend.sandbox.dialect import Dialect
from agentspend.sandbox.gemini.code_assist import CODE_ASSIST, free, opened
from agentspend.sandbox.routes import Route, match, speaker
from agentspend.sandbox.script import Chooser, Director

MAX_BODY_BYTES = 32 * 1024 * 1024
CHATGPT_MODELS = "/backend-api/codex/models"
"""Where a ChatGPT login's list is, in a shape of its own; Codex falls back on what it knows."""
SESSION_HEADERS = ("x-sandbox-session", "x-claude-code-session-id", "x-session-id", "session-id")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it arrived. `headers` finds names in any case."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at_s: float

    @property
    def json(self) -> Any:
        """The decoded body."""
        return _decode(self.body)


class Sandbox:
    """A provider to test against: `async with Sandbox(seed=1) as sandbox: sandbox.url`."""

    def __init__(
        self,
        *,
        seed: int = 0,
        port: int = 0,
        clock: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
        bill_path: Path | None = None,
        behaviour: Behaviour = NORMAL,
        record: bool = True,
        cache_minimum_tokens: int = MINIMUM_TOKENS,
    ) -> None:
        """`clock` gives Unix seconds and `sleep` waits seconds: pass both to run without real
        time. `record=False` keeps no requests, for long benchmarks."""
        self.seed = seed
        self.bill = Bill(bill_path)
        self.cache = PromptCache(cache_minimum_tokens)
        self.requests: list[Recorded] = []
        self.director = Director(behaviour)
        self.gate = Gate()
        self._port = port
        self._clock = clock
        self._sleep = sleep
        self._record = record
        self._number = self.bill.next_number - 1
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=1024).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening, end what still hangs, close the bill file."""
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.bill.close()

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL without `/v1`, as `ANTHROPIC_BASE_URL` wants it."""
        return f"http://127.0.0.1:{self._port}"

    def behave(self, behaviour: Behaviour | Chooser) -> None:
        """From now on answer so; a callable decides per request (None falls back)."""
        if isinstance(behaviour, Behaviour):
            self.director.default = behaviour
            self.director.chooser = None
        else:
            self.director.chooser = behaviour

    def behave_next(self, *behaviours: Behaviour) -> None:
        """Answer the next requests so, one each; side calls for JSON take none."""
        self.director.queue.extend(behaviours)

    def release(self) -> None:
        """Let every hanging request go on."""
        self.gate.release()

    async def until_hanging(self, count: int) -> None:
        """Wait until `count` requests hang, as `hang_after_events` tells them to."""
        await self.gate.until(count)

    def evict(self) -> None:
        """Drop the whole prompt cache."""
        self.cache.evict()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._number += 1
        number = self._number
        if (request.content_length or 0) > MAX_BODY_BYTES:
            dialect = speaker(request.path, request.headers)
            return _refuse(dialect.error(413, message="Request exceeds 32 MB"), number, dialect)
        raw = await request.content.read()
        path = request.path
        if path.startswith("/_sandbox/"):
            return self._control(request.method, path, raw)
        if self._record:
            self.requests.append(
                Recorded(
                    number, request.method, request.path_qs, request.headers, raw, self._clock()
                )
            )
        if _wants_websocket(request):
            return web.Response(status=426, text="Upgrade Required")
        route = match(request.method, path, request.query, request.headers)
        if route is None:
            return _plain(request, number)
        return await self._paid(request, route, raw, number)

    async def _paid(
        self, request: web.BaseRequest, route: Route, raw: bytes, number: int
    ) -> web.StreamResponse:
        dialect = route.dialect
        body = _read(request, route, raw)
        if isinstance(body, ApiError):
            return _refuse(body, number, dialect)
        try:
            behaviour = self.director.pick(body, request.headers, counting=route.counting)
        except BehaviourError as error:
            return _refuse(dialect.error(400, message=str(error)), number, dialect)
        status = behaviour.count_status if route.counting else behaviour.status
        if status != 200:
            if behaviour.first_byte_delay_s and not route.counting:
                await self._sleep(behaviour.first_byte_delay_s)
            asked = _asked_error(behaviour, status, dialect)
            return _refuse(asked, number, dialect, behaviour.headers)
        if route.counting:
            return _count(body, behaviour, dialect, number)
        now_s = self._clock()
        ask = Ask(body, behaviour, self.seed, number, now_s, self.cache)
        found = dialect.answer(ask)
        if isinstance(found, ApiError):
            return _refuse(found, number, dialect)
        row = self.bill.open(found, session_of(request.path, request.headers), now_s)
        delivery = Delivery(dialect, found, self.bill, row, self._clock, self._sleep, self.gate)
        return await delivery.send(request, streaming=body.get("stream") is True)

    def _control(self, method: str, path: str, raw: bytes) -> web.Response:
        """The tester's own door: behaviour, release, evict, bill, requests."""
        match method, path:
            case "POST", "/_sandbox/behaviour":
                try:
                    self.director.direct(_decode(raw))
                except (BehaviourError, msgspec.DecodeError) as error:
                    return _json(400, {"error": str(error)})
                return _json(200, {"queued": len(self.director.queue)})
            case "POST", "/_sandbox/release":
                waiting = self.gate.waiting
                self.release()
                return _json(200, {"released": waiting})
            case "POST", "/_sandbox/evict":
                self.evict()
                return _json(200, {})
            case "GET", "/_sandbox/bill":
                return web.Response(body=self.bill.summary(), content_type="application/json")
            case "GET", "/_sandbox/requests":
                return _json(200, {"requests": [_shown(seen) for seen in self.requests]})
            case _:
                return _json(404, {"error": f"no such control: {method} {path}"})


def session_of(path: str, headers: Mapping[str, str]) -> str:
    """Who a request is billed to: `/s/<name>/` in the path, else a session header, else ""."""
    if path.startswith("/s/"):
        return path.split("/", 3)[2]
    return next((headers[name] for name in SESSION_HEADERS if name in headers), "")


def _wants_websocket(request: web.BaseRequest) -> bool:
    """Codex tries a WebSocket first and falls back at once when it gets a 426."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _read(request: web.BaseRequest, route: Route, raw: bytes) -> dict[str, Any] | ApiError:
    dialect = route.dialect
    if not route.has_key and not has_bearer(request.headers):
        return dialect.no_credential
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return dialect.error(400, message=f"The request body is not valid JSON: {error}")
    if not isinstance(body, dict):
        return dialect.error(400, message="Input should be a valid dictionary")
    return {**(opened(body) if dialect is CODE_ASSIST else body), **route.more}


def _asked_error(behaviour: Behaviour, status: int, dialect: Dialect) -> ApiError:
    error = dialect.error(status, behaviour.error_type, behaviour.error_message)
    return replace(error, retry_after_s=behaviour.retry_after_s)


def _count(
    body: Mapping[str, Any], behaviour: Behaviour, dialect: Dialect, number: int
) -> web.Response:
    tokens = dialect.count(body, behaviour)
    if isinstance(tokens, ApiError):
        return _refuse(tokens, number, dialect)
    return _json(200, dialect.counted(tokens), number, dialect)


def _plain(request: web.BaseRequest, number: int) -> web.Response:
    """Everything that is not a paid call. HEAD is how clients ask whether we are there."""
    method, path = request.method, request.path
    dialect = speaker(path, request.headers)
    if method == "HEAD":
        return web.Response(headers=_id_headers(number, dialect))
    if (answer := free(path)) is not None:
        return _json(200, answer, number, dialect)
    if method == "GET" and path.endswith(CHATGPT_MODELS):
        return _json(200, {"models": []}, number, dialect)
    if method == "GET" and path.endswith("/models"):
        return _json(200, dialect.models(), number, dialect)
    if method == "GET" and path in ("/", "/api/hello"):
        return _json(200, {}, number, dialect)
    found = dialect.model(path.rpartition("/models/")[2]) if "/models/" in path else None
    if method == "GET" and found is not None:
        return _json(200, found, number, dialect)
    return _refuse(dialect.error(404, message="Not Found"), number, dialect)


def _refuse(
    error: ApiError, number: int, dialect: Dialect, more: Mapping[str, str] | None = None
) -> web.Response:
    headers = {**(more or {}), "content-type": "application/json"}
    headers |= _id_headers(number, dialect)
    if error.retry_after_s is not None:
        headers["retry-after"] = f"{error.retry_after_s:g}"
    body = dialect.error_body(error, _request_id(number))
    return web.Response(status=error.status, body=body, headers=headers)


def _json(status: int, value: object, number: int = 0, dialect: Dialect = MESSAGES) -> web.Response:
    headers = {"content-type": "application/json"}
    if number:
        headers.update(_id_headers(number, dialect))
    return web.Response(status=status, body=_encode(value), headers=headers)


def _id_headers(number: int, dialect: Dialect) -> dict[str, str]:
    name = dialect.request_id_header
    return {name: _request_id(number)} if name else {}


def _request_id(number: int) -> str:
    return f"req_sandbox{number:017d}"


def _shown(seen: Recorded) -> dict[str, Any]:
    return {
        "n": seen.number,
        "method": seen.method,
        "path": seen.path,
        "headers": {name.lower(): value for name, value in seen.headers.items()},
        "body": seen.body.decode("utf-8", "replace"),
    }
