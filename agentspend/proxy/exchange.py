"""One request's life, top to bottom: identify → read → bound → admit → forward → meter → settle.

Every decision of the journey stands here; helpers do not branch on it. The hold is on disk before
a byte goes upstream, and every hold ends in exactly one settle or release. The journey runs as
its own task, so that a client that hangs up ends the journey's phase, never its bookkeeping.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from agentspend import faults
from agentspend.bookkeeper.outcomes import Held, NeedsCount, Refused
from agentspend.core.conversation import remember
from agentspend.core.errors import StoreError
from agentspend.core.facts import RequestFacts
from agentspend.core.scopes import Payer
from agentspend.dialects.base import BadRequest, Dialect, Meter
from agentspend.proxy import refusal
from agentspend.proxy.charging import Ended, settlement, shrunk_nusd
from agentspend.proxy.credentials import settle_credentials
from agentspend.proxy.desk import Desk
from agentspend.proxy.headers import reads_as_usage, to_client, to_upstream
from agentspend.proxy.ladder import Request, bounds, hold_request
from agentspend.proxy.reading import read_facts
from agentspend.proxy.sessions import Session
from agentspend.proxy.upstream import Unreachable


class Phase(Enum):
    """Where a journey is: what a client's hang-up means depends on it."""

    ADMITTING = auto()
    FORWARDING = auto()
    SETTLING = auto()


@dataclass(slots=True, eq=False)
class Journey:
    """One request to a paid endpoint. `left` is set when its client hung up."""

    desk: Desk
    session: Session
    dialect: Dialect
    request: web.Request
    rid: str
    path: str
    phase: Phase = Phase.ADMITTING
    left: bool = False
    task: "asyncio.Task[web.StreamResponse | None] | None" = None
    stream: web.StreamResponse | None = None
    story: dict[str, object] = field(default_factory=dict)

    def client_left(self) -> None:
        """The client hung up: leave the line, or cancel upstream where that stops the bill."""
        self.left = True
        cancels = self.desk.cancels_on_disconnect(self.dialect.provider)
        if self.phase is Phase.ADMITTING or (self.phase is Phase.FORWARDING and cancels):
            self.stop()

    def stop(self) -> None:
        """End the current phase now; a hold that was taken is still settled."""
        if self.task is not None and self.phase is not Phase.SETTLING:
            self.task.cancel()

    async def run(self) -> web.StreamResponse | None:
        """Live the request. None when the client is gone before there was anything to say."""
        arrived = self.desk.now()
        body = await self.request.read()
        try:
            facts = await read_facts(self.dialect, body)
        except BadRequest as error:
            return self._reply("bad_request", str(error))
        provider = self.dialect.provider
        book = self.desk.book
        if book.find(provider, facts.model) is None:
            nearest = book.nearest(provider, facts.model)
            return self._refused(refusal.unknown_model_message(provider, facts.model, nearest))
        if facts.unpriceable and not book.has_ceiling:
            return self._refused(refusal.unpriceable_message(facts.unpriceable))
        headers = to_upstream(self.request.headers)
        paid = settle_credentials(headers, self.session, provider, self.desk.key(provider))
        if paid.missing_key:
            return self._refused(refusal.missing_key_message(provider))
        asked = Request(
            rid=self.rid,
            payer=self._payer(facts.model),
            counted=paid.counted,
            provider=provider,
            facts=facts,
            known=self.desk.memory.find(facts.prefixes),
            countable=not facts.remote_input,
            started_us=arrived.wall_us,
            arrived_us=arrived.mono_us,
        )
        try:
            asked, answer = await self._admit(asked, headers, body)
        except StoreError as error:
            return self._reply("store", f"agentspend: {error.message}. {error.hint}")
        except asyncio.CancelledError:
            if not self.left:
                raise
            return None
        if isinstance(answer, Refused):
            message = refusal.refused_message(
                answer, self.desk.local_now(), self.desk.zone, self.desk.admission.wait_s
            )
            return self._refused(message)
        clamped = answer.output_tokens < facts.max_output_tokens
        if clamped:
            body = self.dialect.with_max_output(body, answer.output_tokens)
        return await self._forward(asked, answer, headers, body, clamped=clamped)

    async def _admit(
        self, asked: Request, headers: CIMultiDict[str], body: bytes
    ) -> tuple[Request, Held | Refused]:
        """Hold, counting the prompt once when the ladder says that would help."""
        answer = await self.desk.bookkeeper.hold(
            hold_request(asked, self.desk.book, self.desk.admission)
        )
        if not isinstance(answer, NeedsCount):
            return asked, answer
        asked = asked.with_count(await self._count(headers, body))
        answer = await self.desk.bookkeeper.hold(
            hold_request(asked, self.desk.book, self.desk.admission)
        )
        assert not isinstance(answer, NeedsCount)
        return asked, answer

    async def _count(self, headers: CIMultiDict[str], body: bytes) -> int | None:
        """The provider's own count of this prompt, for free; None when it gives none."""
        counting = self.dialect.count_body(body)
        if counting is None:
            return None
        path = self.dialect.count_path
        answer = await self.desk.upstream.fetch(self.dialect.provider, path, headers, counting)
        return None if answer is None else self.dialect.read_count(answer)

    async def _forward(
        self,
        asked: Request,
        held: Held,
        headers: CIMultiDict[str],
        body: bytes,
        *,
        clamped: bool,
    ) -> web.StreamResponse | None:
        """Send it, pass the answer back as it comes, and settle whatever happened."""
        faults.reach("forward.before")
        sent_at = time.monotonic()
        self.phase = Phase.FORWARDING
        unreachable: Unreachable | None = None
        upstream: aiohttp.ClientResponse | None = None
        meter: Meter | None = None
        complete = False
        try:
            upstream = await self.desk.upstream.send(
                self.dialect.provider, "POST", self.path, headers, body
            )
            faults.reach("forward.after_headers")
            meter = self.dialect.meter(
                asked.facts, upstream.status, upstream.headers.get("Content-Type", "")
            )
            complete = await self._pump(upstream, meter, asked, held)
        except Unreachable as error:
            unreachable = error
        except asyncio.CancelledError:
            if self.task is not None:
                self.task.uncancel()
        finally:
            self.phase = Phase.SETTLING
            if upstream is not None and not complete:
                upstream.close()
        if unreachable is not None and not unreachable.sent:
            await self.desk.bookkeeper.release(self.rid, str(unreachable), self.story)
            return self._reply("unreachable", f"agentspend: {unreachable}")
        ended = self._ended(asked, held, meter, upstream, time.monotonic() - sent_at, complete)
        await self._settle(asked, ended, clamped_to=held.output_tokens if clamped else 0)
        if unreachable is not None:
            kind = "timed_out" if unreachable.timed_out else "unreachable"
            return self._reply(kind, f"agentspend: {unreachable}")
        return await self._finish(complete)

    async def _pump(
        self, upstream: aiohttp.ClientResponse, meter: Meter, asked: Request, held: Held
    ) -> bool:
        """Pass chunks on as they arrive, metering a copy; True when the answer came whole."""
        headers = to_client(upstream.headers)
        readable = reads_as_usage(upstream.headers)
        stream = self.stream = web.StreamResponse(
            status=upstream.status, reason=upstream.reason, headers=headers
        )
        if not self.left:
            with suppress(ConnectionError, aiohttp.ClientConnectionError):
                await stream.prepare(self.request)
        first_news = True
        try:
            async for chunk in upstream.content.iter_any():
                await self._pass_on(stream, chunk)
                if readable and meter.feed(chunk) and first_news:
                    first_news = False
                    self._shrink(asked, held, meter)
                faults.reach("forward.mid_stream")
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            return False
        return True

    async def _pass_on(self, stream: web.StreamResponse, chunk: bytes) -> None:
        if self.left:
            return
        try:
            await stream.write(chunk)
        except (ConnectionError, aiohttp.ClientConnectionError):
            self.client_left()

    def _shrink(self, asked: Request, held: Held, meter: Meter) -> None:
        """At the first usage event most of the hold is free again (DESIGN.md §3)."""
        so_far = meter.so_far()
        if asked.facts.may_add_input or not so_far.parts:
            return
        ended = self._ended(asked, held, meter, None, 0.0, complete=False)
        input_nusd, output_nusd = shrunk_nusd(so_far, ended, self.desk.book)
        self.desk.bookkeeper.shrink_soon(self.rid, input_nusd, output_nusd)

    def _ended(
        self,
        asked: Request,
        held: Held,
        meter: Meter | None,
        upstream: aiohttp.ClientResponse | None,
        elapsed_s: float,
        complete: bool,
    ) -> Ended:
        """What is known of the request at this point, for pricing."""
        strict, _ = bounds(asked, self.desk.book)
        seen = meter if meter is not None else self.dialect.meter(asked.facts, 200, "")
        return Ended(
            rid=self.rid,
            provider=asked.provider,
            facts=asked.facts,
            bound=strict,
            metered=seen.end(complete),
            started_us=held.held_us,
            elapsed_s=elapsed_s,
            output_limit=held.output_tokens,
            output_seen_tokens=seen.output_seen_tokens,
            status=upstream.status if upstream is not None else 0,
            request_id=upstream.headers.get("request-id", "") if upstream is not None else "",
        )

    async def _settle(self, asked: Request, ended: Ended, *, clamped_to: int) -> None:
        """End the hold exactly once, and remember the turn for the next request."""
        charge = settlement(ended, self.desk.book)
        if charge is None:
            why = f"the provider answered {ended.status} and bills nothing"
            await self.desk.bookkeeper.release(self.rid, why, self.story)
            return
        before = asked.known.turn if asked.known else None
        turn = remember(
            asked.facts,
            ended.metered,
            started_us=ended.started_us,
            before=before,
            clamped_to=clamped_to,
        )
        if turn is not None and asked.facts.prefixes:
            whole = asked.facts.prefixes[0]
            charge = charge.with_turn(self.desk.memory.keep(whole, turn), turn)
        await self.desk.bookkeeper.settle(charge)

    async def _finish(self, complete: bool) -> web.StreamResponse | None:
        """Close the client's side: cleanly, or cut as the provider cut it."""
        if self.left or self.stream is None:
            return None
        if complete:
            with suppress(ConnectionError, aiohttp.ClientConnectionError):
                await self.stream.write_eof()
        elif self.request.transport is not None:
            self.request.transport.abort()
        return self.stream

    def _payer(self, model: str) -> Payer:
        """The session's payer with what this one request adds."""
        base = self.session.payer
        return Payer(
            member=base.member,
            device=base.device,
            agent=base.agent,
            session=base.session,
            subagent=self.request.headers.get("x-claude-code-agent-id", "")[:64],
            project=base.project,
            branch=base.branch,
            key=base.key,
            provider=self.dialect.provider,
            model=model,
            tags=base.tags,
        )

    def _refused(self, message: str) -> web.Response:
        """Say no in the shape this agent shows and does not retry."""
        self.session.refused += 1
        return self._reply("refused", message)

    def _reply(self, kind: str, message: str) -> web.Response:
        reply = self.dialect.reply(
            kind, message, self.request.headers.get("User-Agent", ""), self.rid
        )
        return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)


__all__ = ["Journey", "RequestFacts"]
