"""What the server does with each message: one transaction, then the signed answer.

The order is the promise of the theorem (`core.allowance`): the journal is on disk, the database
has committed, and only then the answer leaves. Moments and new names are arguments; keys are
handed in. HTTP, TLS and rate limits are the door's business, not ours.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row

from agentspend.core.allowance.accounts import Place
from agentspend.core.allowance.messages import (
    NOTHING,
    AddDevice,
    Decide,
    DrawReserve,
    Hello,
    Look,
    RaiseRequest,
    Sync,
)
from agentspend.wire import signing
from agentspend.wire.team import Message, Sealed, seal
from sync_server import (
    catching_up,
    enrolment,
    leaving,
    machines,
    orders,
    policies,
    quotas,
    raises,
    senders,
    verdicts,
)
from sync_server.acts.act import Act, Address, Done, Plan
from sync_server.acts.reserves import draw
from sync_server.allowance import incarnations
from sync_server.allowance.case import Office
from sync_server.allowance.desk import Outcome, serve
from sync_server.allowance.journal import Acted, Began, Filed, Granted, Line, Ranked, Served
from sync_server.allowance.replay import opened, replay
from sync_server.allowance.sizing import Crowd, Sizing
from sync_server.allowance.windows import due
from sync_server.burning import Counts
from sync_server.clock import in_doubt, is_due, trusted_us
from sync_server.crowds import Crowds
from sync_server.enrolment import Names
from sync_server.journal_file import JournalFile
from sync_server.overview import At, overview
from sync_server.roles import SPENDS, Role
from sync_server.store import cases, earlier, ledgers, logs, opening, people, spending

ACTIVE_US = 30 * 60 * 1_000_000
ALONE = Crowd(1, 1)
Order = TypeVar("Order", Decide, DrawReserve)


@dataclass(frozen=True, slots=True)
class Service:
    """One organisation's server. `private_key` signs what it answers; `entries_per_day` is how much
    it takes of one device, 0 for any number. It `watches_clock` where that is a machine's own: then
    one that has jumped ends no window (`sync_server.clock`)."""

    engine: Engine
    org: str
    private_key: bytes
    sizing: Sizing
    journal: JournalFile | None = None
    crowds: Crowds = field(default_factory=Crowds)
    counts: Counts = field(default_factory=Counts)
    entries_per_day: int = 0
    watches_clock: bool = False

    def sync(self, device: str, sealed: Sealed, now_us: int) -> Sealed:
        """Take a report in, grant, and answer. Raises `UnknownDevice`, `NotSigned`, `NotCanonical`
        or `TooMuch`; nothing has changed then."""
        with self._deciding(now_us) as (conn, org):
            sender = senders.sender(conn, device)
            sync = asked = senders.said(conn, Sync, device, sealed, sender)
            loaded = cases.Loaded(conn, self.org, sync.inc, (device, sender))
            belongs = loaded.case.belongs
            if org.frozen or belongs.frozen:
                may = [] if org.frozen else [w for w in sync.wants if belongs.may_want(w.pool)]
                asked = replace(sync, wants=tuple(may))
            known = loaded.case.incarnation
            hash_at = ledgers.hashes(conn, sync, known.end if known is not None else NOTHING)
            office = self._office(conn, org, now_us, sender.member, belongs.teams)
            loaded.keep_back(org.rules)
            if sender.left_us or not Role(sender.role).may(SPENDS):
                loaded.looks_only()
            terms_of = loaded.terms_of(trusted_us(org.clock_us, now_us), org.zone)
            proved = partial(ledgers.proved, conn, sync.inc)
            outcome = serve(loaded.case, asked, hash_at, office, terms_of, proved)
            kept = quotas.weight(outcome, len(sealed.body))
            full_us = quotas.taken(sender.full_us, kept, now_us, self.entries_per_day)
            people.seen(conn, device, now_us, full_us)
            self._write(conn, org, outcome.journal)
            loaded.save()
            answer = self._sealed(outcome.answer)
            self._keep(conn, sync, sealed, outcome, answer, now_us)
            if not outcome.forked:
                spending.add(conn, sync.inc, outcome.entries, belongs.known)
            if not sender.left_us and leaving.says_so(loaded.case.incarnation, outcome):
                lines, act = leaving.noted(conn, device, sender.member, now_us)
                self._decided(conn, cases.lock(conn, self.org), lines, act, now_us)
        return answer

    def holders(self, device: str, place: Place) -> tuple[int, list[tuple[str, int]]]:
        """How much of a pool's rights lies on a device, and on which others how much; the richest
        first."""
        with self.engine.begin() as conn:
            return people.lies(conn, device, *place), people.holders(conn, device, *place)

    def hello(self, device: str, sealed: Sealed, new_inc: str, now_us: int) -> Sealed:
        """Begin a new incarnation, once for each nonce. Raises as `sync` does."""
        with self._deciding(now_us) as (conn, org):
            hello = senders.said(conn, Hello, device, sealed)
            senders.speaker(conn, device)
            office = self._office(conn, org, now_us)
            answered = people.inc_of_nonce(conn, hello.nonce)
            if answered is not None:
                if not any(each.inc == answered for each in cases.incarnations_of(conn, device)):
                    raise senders.UnknownDevice(f"{device} asks by a name that is another's")
                return self._sealed(incarnations.welcome(answered, hello, office))
            old = cases.find_incarnation(conn, hello.old_inc)
            known = cases.incarnations_of(conn, device)
            answer, lines = incarnations.succeed(old, hello, new_inc, office, known)
            if answer is None:
                raise senders.UnknownDevice(f"{device} named a ledger of another")
            self._apply(conn, org, lines)
            return self._sealed(answer)

    def enrol(self, sealed: Sealed, names: Names, now_us: int) -> Sealed:
        """Let a new device in. Raises `NotInvited`, `NotSigned` or `NotCanonical`."""
        asked = enrolment.opened(sealed)
        with self._deciding(now_us) as (conn, org):
            office = self._office(conn, org, now_us)
            server_key = signing.public_key(self.private_key)
            certificate, lines = enrolment.enrol(conn, asked, names, office, server_key)
            if lines:
                act = {"who": certificate.member, "what": "enrol", "device": certificate.device}
                self._decided(conn, org, lines, act, now_us)
            return self._sealed(certificate)

    def decide(self, lines: Sequence[Line], act: dict[str, object], now_us: int) -> None:
        """A person's decision, with its place in the audit chain."""
        with self._deciding(now_us) as (conn, org):
            self._decided(conn, org, lines, act, now_us)

    def act(self, plan: Plan, now_us: int) -> Done:
        """Read and decide in one transaction: what `plan` finds is so until it is done."""
        with self._deciding(now_us) as (conn, org):
            done = plan(conn, org)
            lines = list(done.lines)
            if done.policy or done.org:
                lines.append(policies.next_version(org, done.org))
            if lines or done.words:
                self._decided(conn, org, lines, done.words, now_us)
        return done

    def look(self, plan: Plan) -> Done:
        """Read, beside decisions where the database can; what it sees is one moment."""
        with opening.looking(self.engine) as conn:
            return plan(conn, cases.org_row(conn, self.org))

    def do(self, act: Act, plan: Plan, now_us: int) -> Done:
        """Do an act by its kind."""
        return self.look(plan) if act.looks else self.act(plan, now_us)

    def policy(self, device: str, version: int | None = None) -> Sealed | None:
        """The policy of one device, signed; None when it has this version already."""
        with opening.looking(self.engine) as conn:
            org = cases.org_row(conn, self.org)
            if org.policy == version:
                return None
            body = policies.document(conn, org, device)
        return Sealed(body, signing.sign(self.private_key, policies.DOMAIN, body))

    def policy_number(self) -> int:
        """The newest policy's number: proof that the database answers."""
        with self.engine.begin() as conn:
            return int(cases.org_row(conn, self.org).policy)

    def request(self, device: str, sealed: Sealed, now_us: int) -> dict[str, object]:
        """Note that a device asks for a raise, once for each nonce, and answer how it stands.
        Raises as `sync` does."""
        with self._deciding(now_us) as (conn, org):
            asked = senders.said(conn, RaiseRequest, device, sealed)
            senders.spender(conn, device)
            line, answer = raises.asked(conn, org, asked, now_us)
            if line is not None:
                self._apply(conn, org, [line])
            return answer

    def overview(self, device: str, sealed: Sealed, now_us: int) -> Sealed:
        """How the team stands, for a device's screen. Raises as `sync` does."""
        with opening.looking(self.engine) as conn:
            look = senders.said(conn, Look, device, sealed)
            who, org = senders.speaker(conn, device), cases.org_row(conn, self.org)
            at = At(now_us, self._crowd(conn, now_us, org=self.org).enrolled)
            return self._sealed(overview(conn, org, who, look, self.counts, at))

    def verdict(self, device: str, sealed: Sealed, now_us: int) -> Done:
        """A lead answers a question from a device. Raises as `sync` does, and as the act."""
        return self._order(Decide, device, sealed, now_us, verdicts.decided)

    def draw_reserve(self, device: str, sealed: Sealed, now_us: int) -> Done:
        """A developer draws an emergency reserve. Raises as `sync` does, and `NotDrawn`."""
        return self._order(DrawReserve, device, sealed, now_us, draw)

    def _order(
        self,
        kind: type[Order],
        device: str,
        sealed: Sealed,
        now_us: int,
        does: Callable[[Connection, Row[Any], people.Speaker, Order, int], Done],
    ) -> Done:
        """What a person orders from a device, once for each message."""

        def plan(conn: Connection, org: Row[Any]) -> Done:
            asked = senders.said(conn, kind, device, sealed)
            who = senders.speaker(conn, device)
            carry_out = partial(does, conn, org, who, asked, now_us)
            return orders.once(conn, sealed.body, asked, now_us, carry_out)

        return self.act(plan, now_us)

    def add_device(
        self, device: str, sealed: Sealed, address: Address, now_us: int
    ) -> Mapping[str, object]:
        """A member lets another machine in. Raises as `sync` does, and `machines.TooMany`."""
        secret = machines.secret_of(self.private_key, sealed.body)

        def plan(conn: Connection, _: Row[Any]) -> Done:
            senders.said(conn, AddDevice, device, sealed)
            who = senders.speaker(conn, device)
            return machines.added(conn, who, device, secret, address, now_us)

        return self.act(plan, now_us).answer

    def catch_up(self) -> int:
        """At every start: make the journal's lines true that the database lacks.

        After a restore from a backup that is everything decided since. Answers how many.
        """
        if self.journal is None:
            return 0
        with self.engine.begin() as conn:
            org = cases.lock(conn, self.org)
            missing = catching_up.missing(conn, org, self.journal)
            self._play(conn, missing)
            logs.append_journal(conn, self.org, org.journal_seq, missing)
        return len(missing)

    def take_over(self, act: dict[str, object], now_us: int) -> int:
        """After a restore: what the old server still says is ignored by whoever heard of this.

        Answers the new server's number.
        """
        self.catch_up()
        with self._deciding(now_us) as (conn, org):
            self._decided(conn, org, [Served(org.server_inc + 1)], act, now_us)
            people.put_back(conn, self.org, now_us)
            return int(org.server_inc) + 1

    @contextmanager
    def _deciding(self, now_us: int) -> Iterator[tuple[Connection, Row[Any]]]:
        """A transaction with the organisation locked and its windows up to date."""
        with self.engine.begin() as conn:
            org = cases.lock(conn, self.org)
            at_us = trusted_us(org.clock_us, now_us)
            lines = due(people.ended_pools(conn, self.org, at_us), at_us, org.zone)
            if self.watches_clock and is_due(org.clock_us, now_us):
                people.note_clock(conn, self.org, now_us)
            if lines:
                self._apply(conn, org, lines)
                org = cases.lock(conn, self.org)
            yield conn, org

    def keep_time(self, now_us: int) -> bool:
        """Note that the organisation is served now, and begin the windows that are due, while
        nobody asks for anything. Answers whether the clock may be believed."""
        with self._deciding(now_us) as (_, org):
            return not in_doubt(org.clock_us, now_us)

    def _apply(self, conn: Connection, org: Row[Any], lines: Sequence[Line]) -> None:
        """Journal lines first, then make them true."""
        self._write(conn, org, lines)
        self._play(conn, lines)

    def _decided(
        self,
        conn: Connection,
        org: Row[Any],
        lines: Sequence[Line],
        act: Mapping[str, object],
        now_us: int,
    ) -> None:
        """What people decided, and the record of it: both come back after a restore."""
        record = logs.audit_record((org.audit_seq, org.audit_hash), now_us, act)
        self._apply(conn, org, [*lines, Acted(record)])

    def _write(self, conn: Connection, org: Row[Any], lines: Sequence[Line]) -> None:
        if self.journal is not None:
            self.journal.append(org.journal_seq, lines)
        logs.append_journal(conn, self.org, org.journal_seq, lines)

    def _play(self, conn: Connection, lines: Sequence[Line]) -> None:
        """Make lines true in the database."""
        fresh: set[str] = set()
        for line in lines:
            if isinstance(line, Filed):
                if line.table == "pool" and earlier.begins(conn, line.row):
                    fresh.add(str(line.row["id"]))
                elif line.table == "pool" and earlier.ends(conn, line.row):
                    state = cases.pool_state(conn, str(line.row["id"]))
                    cases.save_pool(conn, earlier.uncounted(conn, state))
                people.file(conn, line)
                if line.table in ("device", "member"):
                    self.crowds.forget()
            elif isinstance(line, Granted | Began | Ranked):
                if isinstance(line, Began):
                    cases.save_incarnation(conn, incarnations.begun(line), new=True)
                    continue
                loaded = cases.Loaded(conn, self.org, line.inc)
                replay(loaded.case, line)
                loaded.save()
            elif isinstance(line, Acted):
                logs.append_audit(conn, self.org, line.body)
            elif isinstance(line, Served):
                people.served(conn, self.org, line.server_inc)
            else:
                state = opened(cases.pool_state(conn, line.pool), line)
                if line.pool in fresh:
                    fresh.remove(line.pool)
                    state = earlier.counted(conn, state)
                cases.save_pool(conn, state)

    def _office(
        self, conn: Connection, org: Row[Any], now_us: int,
        member: str = "", teams: Collection[str] = (),
    ) -> Office:  # fmt: skip
        """What the rules know of this moment; `member` and `teams`: whose report is answered."""
        return Office(
            server_inc=org.server_inc,
            server_seq=org.journal_seq,
            now_us=now_us,
            crowd=self._crowd(conn, now_us, org=self.org),
            sizing=self.sizing,
            policy=org.policy,
            policy_sha256=org.policy_sha256,
            audit=org.audit_hash,
            crowds={} if not member else {
                **{f"team {name}": self._crowd(conn, now_us, team=name) for name in teams},
                "member": self._crowd(conn, now_us, member=member),
                "device": ALONE,
            },
        )  # fmt: skip

    def _crowd(self, conn: Connection, now_us: int, **whose: str) -> Crowd:
        since_us = now_us - ACTIVE_US
        return self.crowds.at(now_us, str(whose), lambda: people.crowd(conn, since_us, **whose))

    def _keep(
        self,
        conn: Connection,
        sync: Sync,
        sealed: Sealed,
        outcome: Outcome,
        answer: Sealed,
        now_us: int,
    ) -> None:
        """The proofs: what the device signed, and what we did."""
        if outcome.forked:
            ledgers.keep_evidence(conn, sync, sealed, now_us)
            return
        ledgers.append(conn, sync.inc, outcome.entries)
        if outcome.entries:
            ledgers.keep_upload(conn, sync, sealed, outcome.answer.acked.seq)
        if outcome.entries or outcome.journal:
            ledgers.keep_receipt(conn, outcome.answer, answer)

    def _sealed(self, message: Message) -> Sealed:
        return seal(message, lambda domain, body: signing.sign(self.private_key, domain, body))
