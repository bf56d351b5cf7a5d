"""The listener agents talk to: routes, session tokens, virtual keys, and what passes for free."""

import asyncio
import secrets
import time
from collections.abc import Collection
from contextlib import suppress

from agentspend.config.addresses import LOOPBACK_ADDRESS
from agentspend.core.errors import AgentspendError, StoreError
from agentspend.core.limits import MAX_BODY_BYTES, MAX_HEADER_BYTES
from agentspend.core.virtual_keys import is_token
from agentspend.dialects.base import Route
from agentspend.http.answer import Answer, Given
from agentspend.http.connection import FAILED
from agentspend.http.incoming import TooLarge
from agentspend.http.reply import Reply, plain
from agentspend.http.request import Request
from agentspend.http.server import Server, Spawn
from agentspend.proxy import guard, refusal
from agentspend.proxy.credentials import settle_credentials, virtual_key_in
from agentspend.proxy.desk import Desk
from agentspend.proxy.exchange import RESTARTED, STOPPING, Journey
from agentspend.proxy.headers import to_client, to_upstream
from agentspend.proxy.login import login_of, way_out
from agentspend.proxy.routing import Astray, route_for
from agentspend.proxy.sessions import Session
from agentspend.proxy.upstream import Unreachable, Upstream
from agentspend.proxy.virtual_keys import Holder

ENDED = "agentspend: this session has ended; start the agent again with `agentspend run`"

TOKEN_IN_HEADER = "-"  # noqa: S105 - a sign
TOKEN_HEADER = "x-agentspend-token"  # noqa: S105 - a name


class Proxy:
    """Answers agents on loopback. `journeys` are the requests on their way.

    `hosts` are the names beyond loopback's that it goes by.
    """

    def __init__(self, desk: Desk, spawn: Spawn, hosts: Collection[str] = ()) -> None:
        self._desk = desk
        self._spawn = spawn
        self._hosts = hosts
        self._names: frozenset[str] = frozenset()
        self._own = {LOOPBACK_ADDRESS}
        self.port = 0
        self.journeys: set[Journey] = set()
        self.draining = False
        self._server: Server | None = None

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1 and return the port; a taken port raises `OSError`."""
        longest = 4 * MAX_HEADER_BYTES  # up to here the guard says 431 in the dialect's words
        self._server = Server(self._enter, self._spawn, longest)
        self.port = await self._server.listen(LOOPBACK_ADDRESS, port)
        self._names = guard.names_of(self._hosts, self.port)
        return self.port

    async def listen_also(self, address: str) -> None:
        """Answer on one more address, at the same port; `OSError` when it cannot be had."""
        assert self._server is not None
        await self._server.listen(address, self.port)
        self._own.add(address)

    async def drain(self, within_s: float) -> int:
        """Let running requests end; those that do not are cut and settled. Returns how many."""
        self.draining = True
        with suppress(StoreError):
            await self._desk.bookkeeper.ask(lambda books, _: books.questions.close())
        running = [journey.task for journey in self.journeys if journey.task is not None]
        if running:
            await asyncio.wait(running, timeout=within_s)
        late = [journey for journey in self.journeys if journey.task is not None]
        for journey in late:
            journey.stop()
        if late:
            await asyncio.wait([journey.task for journey in late if journey.task], timeout=5)
        return len(late)

    async def close_behind(self, upstream: Upstream, after_s: float) -> None:
        """Close a way out that was replaced: not before the requests now on their way have ended,
        nor before so many seconds have passed for what is free."""
        running = [journey.task for journey in self.journeys if journey.task is not None]
        try:
            await asyncio.sleep(after_s)
            if running:
                await asyncio.wait(running)
        finally:
            await upstream.close()

    async def quiet(self, session_id: str, within_s: float) -> None:
        """Wait until a session's last requests have settled, at most so long."""
        running = [
            journey.task
            for journey in self.journeys
            if journey.session.payer.session == session_id and journey.task is not None
        ]
        if running:
            await asyncio.wait(running, timeout=within_s)

    async def stop(self) -> None:
        """Close the listener."""
        if self._server is not None:
            await self._server.close()

    async def _enter(self, request: Request) -> Given:
        """Every request."""
        prefix, path = place_of(request.path)
        token = _token(request, prefix)
        if prefix is None and not token:
            return self._stranger(request)
        return await self._answer(request, token, path)

    async def _answer(self, request: Request, token: str, path: str) -> Given:
        """Every path under a session's or a virtual key's prefix, or with a key in its headers."""
        found = route_for(path, request.headers, self._desk.providers)
        shape = found.route if isinstance(found, Astray) else found
        rejected = guard.rejection(request, self._names)
        if rejected is not None:
            return _rejected(request, shape, *rejected)
        who = self._admitted(request, token)
        if isinstance(who, str):
            return _refused(request, shape, who)
        if request.method == "HEAD":
            return Reply()
        session = who if isinstance(who, Session) else await self._of_key(request, who)
        if isinstance(session, str):
            return _refused(request, shape, session)
        if session.providers:
            found = route_for(path, request.headers, self._desk.providers, session.providers)
        if isinstance(found, Astray):
            session.refused += 1
            return _reply(request, found.route, "refused", found.message)
        if found is None:
            return plain(404, f"agentspend passes no requests to {request.target[:80]!r} on")
        if found.kind == "messages" and request.method == "POST":
            return await self._journey(request, session, found)
        if (found.kind, request.method) in (("count_tokens", "POST"), ("models", "GET")):
            return await self._pass_on(request, session, found)
        return plain(405, f"{request.method} is not used here")

    def _stranger(self, request: Request) -> Reply:
        """A path with no session in it, and no virtual key where an SDK puts its key."""
        rejected = guard.rejection(request, self._names)
        if rejected is not None:
            return plain(*rejected)
        return plain(404, "agentspend: start the agent with `agentspend run`")

    def _admitted(self, request: Request, token: str) -> Session | Holder | str:
        """Whose request it is, or the message for somebody who may not come in."""
        if not is_token(token) and not request.path.startswith("/k/"):
            return self._desk.sessions.by_token(token) or ENDED
        keys, now_us = self._desk.key_sessions.keys, self._desk.now().wall_us
        return keys.find(token, now_us, self._desk.zone)

    async def _of_key(self, request: Request, holder: Holder) -> Session | str:
        """The session of a virtual key that a request belongs to, or why it cannot begin."""
        address, port = request.peer
        if address not in self._own:
            port = 0  # a container's: no process of this machine
        now_us = self._desk.now().wall_us
        try:
            return await self._desk.key_sessions.enter(holder, request.headers, port, now_us)
        except StoreError:
            raise
        except AgentspendError as error:
            return f"agentspend: {error.message}; {error.hint}"

    async def _journey(self, request: Request, session: Session, route: Route) -> Given:
        session.requests += 1
        rid = f"r_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(4)}"
        journey = Journey(
            desk=self._desk,
            session=session,
            route=route,
            request=request,
            rid=rid,
            path=route.path + (f"?{request.query}" if request.query else ""),
        )
        async with session.slots:
            if self.draining:
                return _reply(request, route, "unreachable", STOPPING)
            journey.task = self._spawn(journey.run(), f"request {rid}")
            self.journeys.add(journey)
            journey.task.add_done_callback(lambda _: self.journeys.discard(journey))
            try:
                answer = await journey.answered
            except asyncio.CancelledError:
                journey.client_left()
                raise
            except Exception:  # noqa: BLE001 - the task has told it; the client gets words
                begun = journey.stream is not None and journey.stream.begun
                return journey.stream if begun else _reply(request, route, "unreachable", FAILED)
        return answer

    async def _pass_on(self, request: Request, session: Session, route: Route) -> Given:
        """Free endpoints: credentials are settled, nothing is held."""
        headers = to_upstream(request.headers)
        provider = route.dialect.provider
        paid = settle_credentials(
            headers,
            session,
            self._desk.providers[provider],
            self._desk.key(provider),
            named=route.named,
            login_only=route.login_only,
        )
        if paid.missing_key and session.restored:
            return _reply(request, route, "unreachable", RESTARTED)
        if paid.missing_key:
            return _reply(request, route, "refused", refusal.missing_key_message(provider))
        try:
            body = await request.content.read(MAX_BODY_BYTES) if request.has_body else None
        except ConnectionError:
            return None
        except TooLarge:
            return _reply(request, route, "too_large", refusal.TOO_LARGE)
        path = route.path + (f"?{request.query}" if request.query else "")
        try:
            login = login_of(self._desk, paid, provider, headers, body or b"", route.model)
            origin, there = way_out(route.dialect, path, login)
            upstream = await self._desk.upstream.send(origin, request.method, there, headers, body)
            async with upstream:
                if login is not None:
                    login.hear(upstream.headers)
                stream = Answer(
                    request, upstream.status, upstream.reason, to_client(upstream.headers)
                )
                stream.begin(at_once=not upstream.content.has_news)
                async for chunk in upstream.content.pieces():
                    await stream.pass_on(chunk, last=upstream.content.at_end)
                await stream.end()
        except Unreachable as error:
            kind = "timed_out" if error.timed_out else "unreachable"
            return _reply(request, route, kind, f"agentspend: {error}")
        except OSError:
            request.abort()
            return None
        return stream


def place_of(path: str) -> tuple[str | None, str]:
    """(TOKEN, the rest) of a path `/s/TOKEN/…` or `/k/TOKEN/…`; (None, the path) of any other."""
    if path[:3] in ("/s/", "/k/"):
        token, _, rest = path[3:].partition("/")
        if token:
            return token, f"/{rest}"
    return None, path


def _token(request: Request, named: str | None) -> str:
    """A session's token or a virtual key's: in the path, or in a header where others see the path.

    Without any prefix only a virtual key counts, also where an SDK puts the key it is given.
    """
    if named is not None and named != TOKEN_IN_HEADER:
        return named
    told = request.headers.get(TOKEN_HEADER, "")
    if named is not None:
        return told
    return told if is_token(told) else virtual_key_in(request.headers)


def _rejected(request: Request, route: Route | None, status: int, message: str) -> Reply:
    """The guard's no, in the dialect's own shape where the path has one."""
    if route is None or request.method == "HEAD":
        return plain(status, message)
    return _reply(request, route, "bad_request", message, status)


def _refused(request: Request, route: Route | None, message: str) -> Reply:
    """Nobody comes in: said in the words of the path's API, so that no client tries again."""
    if route is None or request.method == "HEAD":
        return plain(404, message)
    return _reply(request, route, "refused", message)


def _reply(request: Request, route: Route, kind: str, message: str, status: int = 0) -> Reply:
    rid = f"r_{secrets.token_hex(8)}"
    reply = route.dialect.reply(kind, message, request.headers.get("User-Agent", ""), rid)
    return Reply(status or reply.status, reply.headers, reply.body)
