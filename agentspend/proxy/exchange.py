"""One request's life, top to bottom: identify → read → bound → admit → forward → meter → settle.

Every decision of the journey stands here; helpers do not branch on it. The hold is on disk before
a byte goes upstream, and every hold ends in exactly one settle or release. The journey runs as
its own task, so that a client that hangs up ends the journey's phase, never its bookkeeping.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import urlsplit

from msgspec.structs import replace
from multidict import CIMultiDict

from agentspend import faults
from agentspend.bookkeeper.outcomes import Held, NeedsCount, Refused
from agentspend.core.errors import StoreError
from agentspend.core.facts import RequestFacts
from agentspend.core.printable import clean
from agentspend.core.regions import region_of
from agentspend.core.scopes import Payer
from agentspend.core.usage import Billing
from agentspend.dialects.base import BadRequest, Dialect, Meter, Route
from agentspend.http.answer import Answer, Given
from agentspend.http.incoming import TooLarge
from agentspend.http.reply import Reply
from agentspend.http.request import Request as HttpRequest
from agentspend.http.response import Response
from agentspend.proxy import refusal
from agentspend.proxy.bodies import ENCODING, read_body
from agentspend.proxy.charging import ended_by, shrunk_nusd, tells_cost, used_tokens
from agentspend.proxy.credentials import settle_credentials
from agentspend.proxy.decoding import decoder_for
from agentspend.proxy.desk import Desk, Settings
from agentspend.proxy.ending import end_hold
from agentspend.proxy.headers import to_client, to_upstream
from agentspend.proxy.ladder import Request, after_count, asked_of, hold_request
from agentspend.proxy.login import Login, login_of, way_out
from agentspend.proxy.passage import Passage
from agentspend.proxy.reading import read_facts
from agentspend.proxy.readying import readied
from agentspend.proxy.replying import Replies
from agentspend.proxy.rulings import (
    included_ruling,
    missing_key_ruling,
    price_ruling,
    unknown_model_ruling,
)
from agentspend.proxy.sessions import Session
from agentspend.proxy.swapping import swapped
from agentspend.proxy.tagging import tagged
from agentspend.proxy.tiers import tier_of
from agentspend.proxy.upstream import Departure, Unreachable, way_to

STOPPING = "agentspend: the daemon is stopping; try again in a moment"
RESTARTED = (
    "agentspend: the daemon was restarted and waits for `agentspend run` to hand the key over"
)


def _future() -> "asyncio.Future[Given]":
    return asyncio.get_running_loop().create_future()


class Phase(Enum):
    """Where a journey is: what a client's hang-up means depends on it."""

    ADMITTING = auto()
    FORWARDING = auto()
    SETTLING = auto()


@dataclass(slots=True, eq=False)
class Journey:
    """One request to a paid endpoint. `left` is set when its client hung up.

    `settings` are those in force when it came: its prices and its way out, to its very end.
    `answered` is done when the client has its whole answer; the bookkeeping may go on after that.
    `say` is how it is answered by us, `passage` its way past the rules besides budgets.
    `used_tokens` is what it used in the end, `begun_tokens` its prompt by the first usage.
    """

    desk: Desk
    session: Session
    route: Route
    request: HttpRequest
    rid: str
    path: str
    phase: Phase = Phase.ADMITTING
    left: bool = False
    tags: tuple[str, ...] = ()
    task: "asyncio.Task[None] | None" = None
    answered: "asyncio.Future[Given]" = field(default_factory=_future)
    stream: Answer | None = None
    login: Login | None = None
    used_tokens: int = 0
    begun_tokens: int = 0
    settings: Settings = field(init=False)
    say: Replies = field(init=False)
    passage: Passage = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.desk.settings
        agent = self.request.headers.get("User-Agent", "")
        self.say = Replies(self.desk, self.session, self.dialect, agent, self.rid)
        self.passage = Passage(self.desk, self.session, self.rid)

    @property
    def dialect(self) -> Dialect:
        """The API this request speaks."""
        return self.route.dialect

    def client_left(self) -> None:
        """The client hung up: leave the line, or cancel upstream where that stops the bill."""
        self.left = True
        cancels = self.settings.cancels_on_disconnect(self.dialect.provider)
        if self.phase is Phase.ADMITTING or (self.phase is Phase.FORWARDING and cancels):
            self.stop()

    def stop(self) -> None:
        """End the current phase now; a hold that was taken is still settled."""
        if self.task is not None and self.phase is not Phase.SETTLING:
            self.task.cancel()

    async def run(self) -> None:
        """Live the request to the end of its bookkeeping; `answered` gets what the client hears.

        That is None when the client is gone before there was anything to say. A mistake of ours
        ends `answered` and this task alike.
        """
        try:
            self._answer(await self._live())
        except StoreError as error:
            self._answer(self.say.of_kind("store", f"agentspend: {error.message}. {error.hint}"))
        except asyncio.CancelledError:
            if self.task is not None:
                self.task.uncancel()
            self._answer(None if self.left else self.say.of_kind("unreachable", STOPPING))
        except Exception as error:
            if not self.answered.done():
                self.answered.set_exception(error)
            raise
        finally:
            self.passage.end(self.used_tokens)

    def _answer(self, answer: Given) -> None:
        """Let the client's side end; only the first answer counts."""
        if not self.answered.done():
            self.answered.set_result(answer)

    async def _live(self) -> Given:
        arrived = self.desk.now()
        try:
            arrived_body = await read_body(self.request)
            own = self.session.payer.tags
            self.tags, body = tagged(own, self.request.headers, arrived_body.plain, self.dialect)
            facts = await read_facts(self.dialect, body, self.route.model)
        except BadRequest as error:
            return self.say.of_kind(error.kind, str(error))
        except TooLarge:
            return self.say.of_kind("too_large", refusal.TOO_LARGE)
        except ConnectionError:
            return None
        provider, book = self.dialect.provider, self.settings.book_of(self.session.payer.team)
        payer = self._payer(facts)
        if book.find(provider, facts.model) is None:
            return await self.say.declined(unknown_model_ruling(provider, facts.model, book), payer)
        if said_no := await self.passage.objection(payer, facts):
            return await self.say.declined(said_no, payer)
        headers = to_upstream(self.request.headers)
        paid = settle_credentials(
            headers,
            self.session,
            self.settings.providers[provider],
            self.desk.key(provider),
            named=self.route.named,
            login_only=self.route.login_only,
        )
        if paid.missing_key and self.session.restored:
            return self.say.of_kind("unreachable", RESTARTED)
        if paid.missing_key:
            return await self.say.declined(missing_key_ruling(provider), payer)
        swap = await self.passage.downgrade(payer, paid.counted)
        if swap is not None:
            self.route, self.path, body, facts = await swapped(
                self.route, self.path, body, swap.to, book
            )
            payer = self._payer(facts)
        facts = self._as_sent(book.with_limits(provider, facts))
        self.login = login_of(self.desk, paid, provider, headers, body, facts.model)
        if self.login is not None and (stopped := self.login.refusal()):
            return await self.say.declined(included_ruling(stopped), payer)
        asked = asked_of(
            facts,
            book,
            rid=self.rid,
            payer=payer,
            counted=paid.counted,
            known=self.desk.turn_before(facts, provider),
            countable=bool(self.dialect.count_path) and provider in self.desk.trust,
            arrived=arrived,
            account=self.desk.unasked.account(provider, headers, arrived.wall_us),
            swap=swap,
            own_tags=self.tags,
        )
        if said_no := price_ruling(asked.strict, facts.max_output_tokens, book):
            return await self.say.declined(said_no, payer)
        if self.passage.rules.rates:
            slow = await self.passage.pace(payer, asked.strict.input_tokens)
            if slow is not None:
                return await self.say.slowed(slow[0], payer, slow[1])
            asked = replace(asked, arrived_us=self.desk.now().mono_us)
        asked, answer = await self._admit(asked, headers, body)
        if isinstance(answer, Refused):
            return self.say.refused_by(answer, asked.facts)
        clamped = answer.output_tokens < facts.max_output_tokens
        leaving = arrived_body.leaving(await self._ready(body, asked, answer), headers)
        return await self._forward(asked, answer, headers, leaving, clamped=clamped)

    async def _ready(self, body: bytes, asked: Request, held: Held) -> bytes:
        """The body as it must leave; a mistake of ours gives the hold back."""
        try:
            return readied(self.dialect, body, asked.facts, held, asked.strict)
        except Exception:
            await self.desk.bookkeeper.release(self.rid, "a mistake of ours; nothing was sent", {})
            raise

    async def _admit(
        self, asked: Request, headers: CIMultiDict[str], body: bytes
    ) -> tuple[Request, Held | Refused]:
        """Hold, counting the prompt once when the ladder says that would help."""
        bookkeeper, admission = self.desk.bookkeeper, self.desk.admission
        answer = await bookkeeper.hold(hold_request(asked, admission))
        if not isinstance(answer, NeedsCount):
            return asked, answer
        asked = after_count(asked, await self._count(headers, body))
        answer = await bookkeeper.hold(hold_request(asked, admission))
        assert not isinstance(answer, NeedsCount)
        return asked, answer

    async def _count(self, headers: CIMultiDict[str], body: bytes) -> int | None:
        """The provider's own count of this prompt, for free; None when it gives none."""
        path = self.dialect.count_path.format(model=self.route.model)
        counted = self.dialect.count_body(body, self.route.model)
        plain = headers.copy()
        plain.popall(ENCODING, None)
        answer = await self.settings.upstream.fetch(way_to(self.dialect), path, plain, counted)
        return None if answer is None else self.dialect.read_count(answer)

    async def _forward(
        self,
        asked: Request,
        held: Held,
        headers: CIMultiDict[str],
        body: bytes,
        *,
        clamped: bool,
    ) -> Given:
        """Send it, pass the answer back as it comes, and settle whatever happened."""
        faults.reach("forward.before")
        sent_us = self.desk.now().mono_us
        self.phase = Phase.FORWARDING
        departure = Departure()
        unreachable: Unreachable | None = None
        failure: Exception | None = None
        upstream: Response | None = None
        meter: Meter | None = None
        complete = False
        try:
            origin, path = way_out(self.dialect, self.path, self.login)
            out = self.settings.upstream
            upstream = await out.send(origin, "POST", path, headers, body, departure)
            faults.reach("forward.after_headers")
            if self.login is not None:
                self.login.hear(upstream.headers)
            meter = self.dialect.meter(
                asked.facts, upstream.status, upstream.headers.get("Content-Type", "")
            )
            complete = await self._pump(upstream, meter, asked, held)
        except Unreachable as error:
            unreachable = error
        except asyncio.CancelledError:
            if self.task is not None:
                self.task.uncancel()
        except Exception as error:  # noqa: BLE001 - a mistake of ours, told once the hold has ended
            failure = error
        finally:
            self.phase = Phase.SETTLING
            if upstream is not None and not complete:
                upstream.close()
        if upstream is None and not departure.left:
            why = str(unreachable or "the client hung up before anything was sent")
            await self.desk.bookkeeper.release(self.rid, why, {})
            if failure is not None:
                raise failure
            return self._not_reached(unreachable)
        if complete:
            self._answer(await self._finish(complete=True))
        elapsed_s = (self.desk.now().mono_us - sent_us) / 1_000_000
        meter = meter or self.dialect.meter(asked.facts, 200, "")
        ended = ended_by(asked, held, meter, upstream, elapsed_s, complete=complete)
        self.used_tokens = used_tokens(ended)
        self.desk.trust.hear(ended, self.begun_tokens)
        self.passage.answered = complete and ended.metered.billing is Billing.EXACT
        clamped_to = held.output_tokens if clamped else 0
        await end_hold(self.desk, ended, clamped_to=clamped_to, left=self.left)
        if failure is not None:
            raise failure
        if upstream is None:
            return self._not_reached(unreachable)
        return self.stream if complete else await self._finish(complete=False)

    async def _pump(self, upstream: Response, meter: Meter, asked: Request, held: Held) -> bool:
        """Pass chunks on as they arrive, metering a copy; True when the answer came whole."""
        decode = decoder_for(upstream.headers)
        kept = self.dialect.client_filter(asked.facts)
        headers = to_client(upstream.headers)
        if kept is not None:
            headers.popall("Content-Length", None)
        body = upstream.content
        stream = self.stream = Answer(self.request, upstream.status, upstream.reason, headers)
        if not self.left:
            with suppress(ConnectionError):
                stream.begin(at_once=not body.has_news)
        first_news = True
        try:
            async for chunk in body.pieces():
                last = body.at_end
                shown = chunk if kept is None else kept.feed(chunk)
                await self._pass_on(stream, shown, last=last and kept is None)
                if decode is not None and meter.feed(decode(chunk)) and first_news and not last:
                    first_news = False
                    self._shrink(asked, held, meter)
                faults.reach("forward.mid_stream")
            if kept is not None:
                await self._pass_on(stream, kept.flush(), last=True)
        except OSError:
            return False
        return True

    async def _pass_on(self, stream: Answer, chunk: bytes, *, last: bool) -> None:
        if self.left or not chunk:
            return
        try:
            await stream.pass_on(chunk, last=last)
        except ConnectionError:
            self.client_left()

    def _as_sent(self, facts: RequestFacts) -> RequestFacts:
        """The facts with what stands outside the body: the region whose price the host stands for,
        where the request names none, and a tier that a header asks for."""
        host = urlsplit(self.settings.upstream.base_url(way_to(self.dialect))).netloc
        region = facts.inference_geo or region_of(host, facts.model)
        tier = tier_of(self.dialect.provider, facts.service_tier, self.request.headers)
        same = (region, tier) == (facts.inference_geo, facts.service_tier)
        return facts if same else replace(facts, inference_geo=region, service_tier=tier)

    def _shrink(self, asked: Request, held: Held, meter: Meter) -> None:
        """At the first usage event most of the hold is free again (DESIGN.md §3)."""
        so_far = meter.so_far()
        if asked.facts.may_add_input or not tells_cost(so_far, asked):
            return
        if asked.provider not in self.desk.trust:
            return
        self.begun_tokens = so_far.parts[0].usage.prompt_tokens
        self.desk.bookkeeper.shrink_soon(self.rid, shrunk_nusd(so_far, asked, held))

    def _not_reached(self, unreachable: Unreachable | None) -> Reply | None:
        """What the client hears when there was no answer at all."""
        if unreachable is None:
            return None if self.left else self.say.of_kind("unreachable", STOPPING)
        kind = "timed_out" if unreachable.timed_out else "unreachable"
        return self.say.of_kind(kind, f"agentspend: {unreachable}")

    async def _finish(self, *, complete: bool) -> Given:
        """Close the client's side: cleanly, or cut as the provider cut it."""
        if self.left or self.stream is None:
            return None
        if complete:
            with suppress(ConnectionError):
                await self.stream.end()
        else:
            self.request.abort()
        return self.stream

    def _payer(self, facts: RequestFacts) -> Payer:
        """The session's payer with what this one request adds."""
        payer = self.session.payer.asking(
            subagent=clean(self.request.headers.get("x-claude-code-agent-id", "")[:64]),
            provider=self.dialect.provider,
            model=facts.model,
            branch=self.session.branch,
            tags=self.tags,
        )
        return payer.or_models(facts.other_models) if facts.other_models else payer
