"""The books: hold, shrink, settle, release, in one SQLite connection.

Synchronous and single-threaded; every method runs inside a transaction its caller began. Time is
an argument. The admission decision is `core.admission`; this applies it.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from datetime import tzinfo

import msgspec

from agentspend.bookkeeper.chain import Chain, payer_fields
from agentspend.bookkeeper.charged import entry_words, uncharged
from agentspend.bookkeeper.closed import is_closed
from agentspend.bookkeeper.line import Line
from agentspend.bookkeeper.outcomes import (
    Asked,
    Event,
    Held,
    HoldAnswer,
    HoldRequest,
    Moment,
    NeedsCount,
    Refused,
    Settlement,
    Waiting,
)
from agentspend.bookkeeper.questions import Questions
from agentspend.bookkeeper.rooms import Rooms, Seat, is_hard
from agentspend.bookkeeper.team import Team
from agentspend.core.admission import Admit, Count, RefusalReason, Refuse, Wait, decide
from agentspend.core.budgets import TEAM_PREFIX, BoundKind
from agentspend.core.errors import StoreError
from agentspend.core.limits import MAX_ASKING, MAX_WAITING
from agentspend.core.scopes import NamesModel, Payer
from agentspend.core.windows import WindowKind
from agentspend.store import accounts, conversations, entries, holds, requests


class Books:
    """One device's ledger and accounts.

    `events` collects what happened since it was last taken; the writer announces them after the
    commit. `woken` collects the answers of requests that stopped waiting. `undo` holds what takes
    back changes in memory if their transaction is rolled back.
    """

    def __init__(
        self, conn: sqlite3.Connection, inc: str, zone: tzinfo, *, read_only: bool = False
    ) -> None:
        self.conn = conn
        self.chain = Chain(conn, inc)
        self.rooms = Rooms(conn, zone, read_only=read_only)
        self.team = Team(conn)
        self.line = Line()
        self.questions = Questions(
            self.line, lambda budget: self.team.turn(budget.removeprefix(TEAM_PREFIX))
        )
        self.events: list[Event] = []
        self.woken: list[tuple[str, HoldAnswer]] = []
        self.undo: list[Callable[[], None]] = []
        self._latest_us = entries.latest_us(conn)

    def read_models_by(self, names_model: NamesModel) -> None:
        """From now on budgets and pools read a model's name so: by the prices in force."""
        self.rooms.names_model = self.team.names_model = names_model

    def now(self, at: Moment) -> int:
        """This moment, never earlier than any moment the ledger knows: windows do not move back."""
        self._latest_us = max(self._latest_us, at.wall_us)
        return self._latest_us

    def rolled_back(self, *, events: int = 0, undo: int = 0) -> None:
        """The database has forgotten a change: forget it here too, back to these lengths."""
        while len(self.undo) > undo:
            self.undo.pop()()
        del self.events[events:]
        self.chain.forget()
        self.team.forget()

    def hold(
        self, request: HoldRequest, at: Moment, *, waking: bool = False
    ) -> HoldAnswer | Waiting:
        """Take a request through the ladder once; Waiting puts it in line.

        What costs nothing needs no room on this device, also where a budget is past its limit.
        One that comes while an earlier one asks a person is tried after it, when the line is woken
        at the end of this transaction.
        """
        now_us = self.now(at)
        seats = [
            *self.rooms.seats(request.payer, request.counted, now_us),
            *self.team.seats(request.payer, request.counted, at.mono_us),
        ]
        ask = request.ask
        costs = ask.strict.nusd(ask.wanted_output) > 0
        hard = [seat for seat in seats if is_hard(seat) and (costs or seat.is_teams)]
        asks = self.line.asks(request.rid)
        patient = at.mono_us < request.deadline_us and not asks
        ids = {seat.account.id: seat.budget.name for seat in hard}
        asked = "" if waking else self.line.asks_ahead(request, ids)
        if asked and len(self.line) < MAX_WAITING:
            self.line.join(request, ids, asking=asks)
            return Waiting(request.rid, asked)
        behind = self.line.ahead(request, ids) if (patient or asks) and len(self.line) else ""
        if asks and behind and at.mono_us < request.asks_until_us:
            return Waiting(request.rid, behind)
        left_us = request.deadline_us - at.mono_us
        decision = (
            decide(
                ask,
                [self.rooms.room(seat, now_us, left_us) for seat in hard],
                patient=patient,
                behind=behind,
            )
            if hard
            else Admit(ask.wanted_output)
        )
        match decision:
            case Admit(output_tokens):
                self.line.leave(request.rid)
                return self._take(request, seats, output_tokens, now_us)
            case Count():
                self.line.leave(request.rid)
                return NeedsCount()
            case Wait(budget):
                if len(self.line) >= MAX_WAITING and request.rid not in self.line:
                    refuse = Refuse(RefusalReason.LINE_FULL, hard[0].room(), 0)
                    return self._refuse(request, refuse, hard, now_us)
                self._stand_in_line(request, budget, hard, now_us, at)
                grows = not behind and any(
                    seat.grows and not seat.coming for seat in hard if seat.budget.name == budget
                )
                fields = {"rid": request.rid, "budget": budget, "grows": grows}
                self.events.append(Event("wait", fields))
                return Waiting(request.rid, budget)
            case Refuse():
                if self._may_ask(request, decision, hard, at):
                    return self._ask(request, decision, hard)
                return self._refuse(request, decision, hard, now_us)

    def _may_ask(self, request: HoldRequest, refuse: Refuse, hard: list[Seat], at: Moment) -> bool:
        """Whether a person may be asked to let this one pass: more in this budget would help it,
        its agent goes on waiting, and nobody has said no."""
        lasting = refuse.reason in (RefusalReason.NEVER_FITS, RefusalReason.WAITED)
        if not lasting or at.mono_us >= request.asks_until_us or self.questions.closed:
            return False
        seat = _seat_of(refuse, hard)
        if self.line.asking >= MAX_ASKING and not self.line.asks(request.rid):
            return False
        expelled = seat.is_teams and not self.team.gets_more
        refused = self.questions.was_refused(seat) and not self.questions.too_early(request, seat)
        return not (expelled or is_closed(seat.budget.name) or refused)

    def _ask(self, request: HoldRequest, refuse: Refuse, hard: list[Seat]) -> Waiting:
        """Wait for a person's answer; the question is new only where nobody asked it yet. Where
        the team's server may have more, it is asked first, and no person before it has none."""
        seat = _seat_of(refuse, hard)
        fields: dict[str, object] = {"rid": request.rid, "budget": seat.budget.name}
        if not self.line.asks(request.rid):
            self.undo.append(lambda: self.line.forget(request.rid))
        early = self.questions.too_early(request, seat)
        fresh = not early and self.questions.ask(request, seat, refuse.needed_nusd)
        self.line.join(request, {each.account.id: each.budget.name for each in hard}, asking=True)
        if early:
            self.questions.withdraw(request.rid)
            self.events.append(Event("wait", {**fields, "grows": True}))
        if fresh:
            self.events.append(Event("ask", {**fields, "payer": request.payer.known()}))
        return Waiting(request.rid, seat.budget.name)

    def _stand_in_line(
        self, request: HoldRequest, budget: str, hard: list[Seat], now_us: int, at: Moment
    ) -> None:
        """Wait for a budget, holding up others in all it needs; for a velocity cap only in that.

        Whoever is too fast in one cap must not stop the rest of the machine.
        """
        seat = next(seat for seat in hard if seat.budget.name == budget)
        if not seat.budget.window.is_velocity:
            self.line.join(request, {each.account.id: each.budget.name for each in hard})
            return
        rolls_us = self.rooms.rolls_us(seat)
        wakes_us = None if rolls_us is None else at.mono_us + rolls_us - now_us
        self.line.join(request, {seat.account.id: budget}, wakes_us)

    def wake(self, at: Moment) -> None:
        """Try everyone in line again, in order; answers go to `woken`."""
        for request in self.line:
            answer = self.hold(request, at, waking=True)
            if not isinstance(answer, Waiting):
                self.woken.append((request.rid, answer))

    def shrink(self, rid: str, amount_nusd: int) -> None:
        """Lower a hold to the exact input cost plus the remaining output bound.

        Only ever lowers; an ended hold is left alone. No ledger entry.
        """
        hold = holds.find(self.conn, rid)
        if hold is None or amount_nusd >= hold.amount_nusd:
            return
        for account_id, share_nusd in holds.accounts_of(self.conn, rid):
            if share_nusd > amount_nusd:
                holds.shrink_account(self.conn, rid, account_id, amount_nusd)
                accounts.move(self.conn, account_id, held_nusd=amount_nusd - share_nusd)
        holds.shrink(self.conn, rid, amount_nusd)
        self.events.append(Event("shrink", {"rid": rid, "held_nusd": amount_nusd}))

    def settle(self, settlement: Settlement, at: Moment) -> int:
        """End a hold in a charge and append the entry; returns its sequence number.

        A hold that has already ended is an error: every hold ends exactly once.
        """
        hold = holds.find(self.conn, settlement.rid)
        if hold is None:
            raise StoreError(f"request {settlement.rid} has no open hold: it was already settled")
        now_us = self.now(at)
        kept = msgspec.json.decode(hold.body)
        payer = Payer.from_known(kept["payer"])
        shares = holds.accounts_of(self.conn, hold.rid)
        fields, free = entry_words(settlement, hold, kept), dict[int, str]()
        if settlement.unbilled_models:
            payer = payer.but_models(settlement.unbilled_models)
            ids = [account_id for account_id, _ in shares]
            free = uncharged(self.conn, self.rooms, ids, payer, kept["counted"])
            kept = kept | {"payer": payer.known(), "budgets": _but(kept["budgets"], free.values())}
        over_nusd = settlement.amount_nusd - min([hold.amount_nusd, *(nusd for _, nusd in shares)])
        if over_nusd > 0:
            fields["overrun_nusd"] = over_nusd
        seq = self.chain.append("settle", now_us, fields, payer=payer, window_us=hold.created_us)
        for account_id, share_nusd in shares:
            if account_id in free:
                accounts.move(self.conn, account_id, held_nusd=-share_nusd)
            else:
                self._charge(account_id, share_nusd, settlement.amount_nusd, hold.created_us)
        taken = [account_id for account_id, _ in shares]
        self.team.settled(taken, settlement.amount_nusd, now_us, {**payer_fields(payer), **fields})
        holds.delete(self.conn, hold.rid)
        if settlement.turn is not None:
            conversations.put(self.conn, *settlement.turn, now_us)
        story = {**kept, **fields, **settlement.story, "seq": seq, "ended_us": now_us}
        self._tell(hold.rid, now_us, "settled", payer.session, story)
        self.events.append(
            Event("settle", {"seq": seq, "rid": hold.rid, **_public(kept), **fields})
        )
        return seq

    def release(self, rid: str, why: str, at: Moment, story: Mapping[str, object]) -> None:
        """End a hold because nothing was billed; no entry. An ended hold is left alone."""
        hold = holds.find(self.conn, rid)
        if hold is None:
            return
        now_us = self.now(at)
        for account_id, share_nusd in holds.accounts_of(self.conn, rid):
            accounts.move(self.conn, account_id, held_nusd=-share_nusd)
        holds.delete(self.conn, rid)
        kept = msgspec.json.decode(hold.body)
        told = {**kept, **story, "why": why, "ended_us": now_us}
        self._tell(rid, now_us, "released", hold.session, told)
        self.events.append(Event("release", {"rid": rid, "why": why, **_public(kept)}))

    def note_refused(
        self, rid: str, session: str, story: Mapping[str, object], now_us: int, outcome: str
    ) -> None:
        """A request was "refused", or "slowed" for a while: keep its story, and say so."""
        self._tell(rid, now_us, outcome, session, story)
        kind = "slow" if outcome == "slowed" else "refuse"
        self.events.append(Event(kind, {"rid": rid, "ts_us": now_us, **story}))

    def leave(self, rid: str) -> bool:
        """A client hung up while it waited: step out of the line."""
        return self.line.leave(rid)

    def _take(
        self, request: HoldRequest, seats: list[Seat], output_tokens: int, now_us: int
    ) -> Held:
        """Write the hold; the caller forwards only after the commit."""
        strict_nusd = request.ask.strict.nusd(output_tokens)
        warm_nusd = request.ask.warm.nusd(output_tokens)
        shares: dict[int, int] = {}
        for seat in seats:
            amount_nusd = warm_nusd if seat.budget.bound is BoundKind.WARM else strict_nusd
            if seat.account.id < 0 and not amount_nusd:
                continue
            if amount_nusd and not accounts.take(self.conn, seat.account.id, amount_nusd):
                raise StoreError(f"budget {seat.budget.name} changed under an admitted request")
            shares[seat.account.id] = amount_nusd
        kept = {
            **request.facts,
            "payer": self.team.policy.named(request.payer).known(),
            "counted": request.counted,
            "hold_nusd": strict_nusd,
            "wanted_output": request.ask.wanted_output,
            "output_limit": output_tokens,
            "held_us": now_us,
            "budgets": {seat.budget.name: shares.get(seat.account.id, 0) for seat in seats},
        }
        holds.insert(
            self.conn,
            holds.Hold(
                request.rid, strict_nusd, now_us, request.payer.session, msgspec.json.encode(kept)
            ),
            shares,
        )
        self.events.append(
            Event("hold", {"rid": request.rid, "held_nusd": strict_nusd, **_public(kept)})
        )
        names = tuple(seat.budget.name for seat in seats)
        return Held(request.rid, strict_nusd, output_tokens, now_us, names)

    def _charge(self, account_id: int, share_nusd: int, spent_nusd: int, held_us: int) -> None:
        """Turn a hold's share into spending, and tell when a warning mark is passed."""
        before = accounts.by_id(self.conn, account_id)
        accounts.move(self.conn, account_id, held_nusd=-share_nusd, spent_nusd=spent_nusd)
        in_force = next(
            (item for item in self.rooms.in_force if item.budget.name == before.budget), None
        )
        if in_force is None:
            return
        budget = in_force.budget
        if budget.window.kind is WindowKind.ROLLING:
            accounts.add_charge(self.conn, account_id, held_us, spent_nusd)
        after_nusd = before.spent_nusd + spent_nusd
        for percent in sorted({*budget.warn_percents, 100}):
            mark_nusd = budget.limit_nusd * percent // 100
            if before.spent_nusd < mark_nusd <= after_nusd:
                fields = {"budget": budget.name, "percent": percent, "spent_nusd": after_nusd}
                self.events.append(Event("warning", {**fields, "limit_nusd": budget.limit_nusd}))

    def _refuse(
        self, request: HoldRequest, refuse: Refuse, hard: list[Seat], now_us: int
    ) -> Refused:
        """Say no, and keep the story for `why`."""
        seat = _seat_of(refuse, hard)
        asked = Asked.NOTHING if self.line.asks(request.rid) else Asked.NOT
        if request.asks_until_us and self.questions.was_refused(seat):
            asked = Asked.NO
        self.line.leave(request.rid)
        resets_us = self.rooms.span(seat.budget, now_us, request.payer).ends_us
        if refuse.reason is RefusalReason.TOO_FAST:
            missing_nusd = refuse.needed_nusd - refuse.room.free_nusd
            resets_us = self.rooms.enough_rolls_us(seat, missing_nusd, now_us)
        refused = Refused(
            reason=refuse.reason,
            budget=seat.budget.name,
            scope=seat.budget.scope.text(),
            window=seat.budget.window.text(),
            limit_nusd=seat.account.limit_nusd,
            spent_nusd=seat.account.spent_nusd,
            held_nusd=seat.account.held_nusd,
            needed_nusd=refuse.needed_nusd,
            resets_us=resets_us,
            source=seat.budget.source,
            asked=asked,
        )
        told = {
            **request.facts,
            "payer": self.team.policy.named(request.payer).known(),
            "counted": request.counted,
            "reason": refuse.reason.value,
            "budget": refused.budget,
            "limit_nusd": refused.limit_nusd,
            "spent_nusd": refused.spent_nusd,
            "held_nusd": refused.held_nusd,
            "needed_nusd": refused.needed_nusd,
            "wanted_output": request.ask.wanted_output,
            "floor_output": request.ask.floor_output,
            "resets_us": resets_us,
            **({"asked": asked.value} if asked else {}),
        }
        slowed = refuse.reason is RefusalReason.TOO_FAST
        self.note_refused(
            request.rid, request.payer.session, told, now_us, "slowed" if slowed else "refused"
        )
        return refused

    def _tell(
        self, rid: str, at_us: int, outcome: str, session: str, story: Mapping[str, object]
    ) -> None:
        requests.put(self.conn, rid, at_us, outcome, session, msgspec.json.encode(story))


def _seat_of(refuse: Refuse, hard: list[Seat]) -> Seat:
    """The account that says no."""
    return next(seat for seat in hard if seat.budget.name == refuse.room.budget)


def _but(budgets: Mapping[str, int], names: Collection[str]) -> dict[str, int]:
    return {name: nusd for name, nusd in budgets.items() if name not in names}


def _public(kept: Mapping[str, object]) -> dict[str, object]:
    """What listeners are told of a hold: who and what, never secrets (none are kept)."""
    found = {name: kept[name] for name in ("provider", "model", "counted") if name in kept}
    return {**found, "payer": kept.get("payer", {})}
