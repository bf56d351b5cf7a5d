"""This device in its team: which pools a request counts in, what it may take there, what is told.

Every method runs inside a transaction its caller began; what is kept in memory is read again after
a rollback. The rules are `core.allowance`'s; this applies them to the tables.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from agentspend.bookkeeper.closed import NO_ACCOUNT, closed
from agentspend.bookkeeper.earlier import left_behind, reported, taken_over
from agentspend.bookkeeper.joining import JOINED, Joined, begin, joined
from agentspend.bookkeeper.leaving import LEAVING, LeftToTell, left_to_tell, words_of
from agentspend.bookkeeper.membership import Membership, as_member
from agentspend.bookkeeper.pools import budget_of, in_flight, line_of
from agentspend.bookkeeper.rights import Mark, Rights, TeamChain, holds
from agentspend.bookkeeper.rooms import Seat
from agentspend.bookkeeper.team_policy import TeamPolicy, policy_of, turned
from agentspend.core.allowance.accounts import EMPTY, Place
from agentspend.core.allowance.device import Device, Draft
from agentspend.core.allowance.dryness import Dryness
from agentspend.core.allowance.hearing import (
    answered,
    doubt,
    opened,
    to_hello,
    to_sync,
    welcomed,
)
from agentspend.core.allowance.messages import Answer, Hello, Sync, Want, Welcome
from agentspend.core.allowance.pools import Pool
from agentspend.core.allowance.standing import Standing, State
from agentspend.core.budgets import Budget
from agentspend.core.scopes import NamesModel, Payer, same_text
from agentspend.store import team
from agentspend.store.accounts import Account
from agentspend.store.holds import all_open
from agentspend.wire.entries import LEFT


class Team:
    """The team's part of the books."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.names_model: NamesModel = same_text
        self._dryness = Dryness()
        self._loaded = False
        self._membership: Membership | None = None
        self._standing: Standing | None = None
        self._policy = TeamPolicy()
        self._budgets: dict[str, Budget] = {}
        self._turns: dict[str, int] = {}
        self._awaited: frozenset[str] | None = None
        self._joined = Joined()

    @property
    def membership(self) -> Membership | None:
        """The team this device is in, None without one."""
        self._load()
        return self._membership

    @property
    def standing(self) -> Standing | None:
        """Where this device stands with it."""
        self._load()
        return self._standing

    @property
    def leaves(self) -> bool:
        """Whether a person said that this device leaves: it spends for the team no more."""
        self._load()
        return self._awaited is not None

    @property
    def policy(self) -> TeamPolicy:
        """The policy in force, as it is applied; none of it to a device that leaves."""
        self._load()
        return self._policy

    @property
    def rules(self) -> Mapping[str, Any]:
        """The policy in force, whole."""
        kept = team.read(self._conn, "policy")
        found: dict[str, Any] = msgspec.json.decode(kept) if kept else {}
        return found

    @property
    def state(self) -> str:
        """How we stand with the server: active, retiring or doubt."""
        return self.standing.state.value if self.standing is not None else ""

    @property
    def gets_more(self) -> bool:
        """Whether the server may still grant us anything."""
        return self.standing is not None and self.standing.state is State.ACTIVE

    @property
    def queued(self) -> int:
        """How many reports the server has not acknowledged."""
        if self.standing is None:
            return 0
        return TeamChain(self._conn, self.standing.inc).end.seq - self.standing.acked_seq

    def turn(self, pool: str) -> int:
        """How often this pool's cap became another while we listened: what was said of one that is
        set back later was said of an earlier turn."""
        self._load()
        return self._turns.get(pool, 0)

    def forget(self) -> None:
        """A transaction was rolled back: read everything again when it is next needed."""
        self._loaded = False

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        words = ("membership", "standing", "policy", "turns", LEAVING, JOINED)
        kept = {name: team.read(self._conn, name) for name in words}
        found = kept["membership"], kept["standing"]
        self._membership = msgspec.json.decode(found[0], type=Membership) if found[0] else None
        self._standing = msgspec.json.decode(found[1], type=Standing) if found[1] else None
        self._awaited, self._joined = words_of(kept[LEAVING]), joined(kept[JOINED])
        told = kept["policy"] if self._awaited is None else None
        self._policy = policy_of(msgspec.json.decode(told) if told else {})
        self._budgets = {pool.id: budget_of(pool) for pool in self._policy.pools}
        self._turns = msgspec.json.decode(kept["turns"]) if kept["turns"] else {}

    def join(self, membership: Membership, inc: str, identity: str, now_us: int) -> None:
        """Begin as a member: a chain of its own, no rights yet."""
        team.write(self._conn, "membership", msgspec.json.encode(membership))
        begin(self._conn, now_us)
        self._dryness = Dryness()
        self._begin(Standing(membership.device, inc, identity), now_us)

    def retire(self, now_us: int) -> None:
        """Spend nothing more for the team, and close every account: what lies free goes back with
        the next report. What is in flight now is still told, and its accounts stay open till it
        ends; what begins from here on is none of the team's."""
        device = self._device()
        if device is None or self.leaves:
            return
        open_ones = {hold.rid for hold in all_open(self._conn)}
        flying = sorted(open_ones - self._joined.flying)
        team.write(self._conn, LEAVING, msgspec.json.encode(flying))
        if device.standing.state is State.ACTIVE:
            device.standing.state = State.RETIRING
            device.standing.reason = "this device leaves the team"
            self._tell(device.close() or Draft("close", ()), now_us, LEFT)
        self._keep(device.standing)

    @property
    def left_to_tell(self) -> LeftToTell:
        """What the team is still to hear of, before it may be left."""
        if (device := self._device()) is None:
            return LeftToTell()
        chain = TeamChain(self._conn, device.standing.inc)
        return left_to_tell(self._conn, device, chain, self._awaited or ())

    def leave(self) -> None:
        """Be nobody's member: team rights are used no more."""
        team.forget(self._conn)
        self.forget()

    def _begin(self, standing: Standing, now_us: int) -> None:
        self._keep(standing)
        chain = TeamChain(self._conn, standing.inc)
        if not chain.end.seq:
            chain.append("genesis", now_us, {"device": standing.device})

    def _keep(self, standing: Standing) -> None:
        team.write(self._conn, "standing", msgspec.json.encode(standing))
        self.forget()

    def adopt(self, policy: Mapping[str, Any]) -> None:
        """Put the server's policy in force; the caller has checked its signature. Where a cap was
        changed there may be more again."""
        self._dryness.forget()
        caps = self.policy.caps
        team.write(self._conn, "policy", msgspec.json.encode(policy))
        self.forget()
        turns = turned(caps, self.policy, self._turns)
        team.write(self._conn, "turns", msgspec.json.encode(turns))
        self.forget()
        if self.standing is not None:
            self._count_in_flight(self.standing)

    def _count_in_flight(self, standing: Standing) -> None:
        """Let what is in flight count in every hard pool it belongs to and was not held in: its
        cap came later. So its charge names the right, and until then nobody else takes the room."""
        member, windows = self._membership, standing.windows
        assert member is not None
        asked = [each for each in self._policy.pools if not each.warns and each.id in windows]
        rights = Rights(self._conn, standing.inc)

        def counts_in(pool: Pool, payer: Payer) -> bool:
            return self._counts_in(pool, as_member(payer, member))

        for pool, hold in in_flight(self._conn, standing.inc, asked, counts_in):
            if hold.rid not in self._joined.flying:
                rights.attach(Place(pool.id, windows[pool.id]), hold)

    def opened_at(self, identity: str, mark: Mark | None = None) -> None:
        """The ledger was opened here: elsewhere than before, its rights are not ours to use.
        Nor are they where it lacks an entry that it once had (`mark`)."""
        device = self._device()
        if device is None:
            return
        opened(device, identity)
        if mark is not None and team.hash_at(self._conn, mark.inc, mark.seq) != mark.hash:
            doubt(device.standing, "this ledger was put back to what it was before")
            device.standing.pending = None
        self._keep(device.standing)

    @property
    def mark(self) -> Mark | None:
        """The last entry of our chain; None without a team."""
        if self.standing is None:
            return None
        return Mark(self.standing.inc, *team.end(self._conn, self.standing.inc))

    def listens(self, *, line_open: bool) -> None:
        """Whether the server has a line on which it says when there may be more."""
        self._dryness.listens = line_open

    def away(self, mono_us: int) -> None:
        """The server is away: for some seconds nobody waits for more of any pool."""
        self._dryness.away(mono_us)

    def lacking(self, answer: Answer, needy: Sequence[Want], mono_us: int) -> int:
        """After an answer: for a while nobody waits for more of what still lacks what was asked
        for. Answers after how long to ask again (`Dryness.answered`); 0 for not at all."""
        free = {str(line["name"]): int(str(line["free_nusd"])) for line in self.lines()}
        return self._dryness.answered(answer, needy, free, mono_us, self.policy.version)

    def seats(self, payer: Payer, counted: str, mono_us: int) -> list[Seat]:
        """The rights this request must have, one for each pool it counts in: of its team's, and of
        those that are no team's alone."""
        if self.standing is None or counted != "billed":
            return []
        assert self._membership is not None
        who = self._policy.named(as_member(payer, self._membership))
        shut = closed(self._policy, self._membership.member, who.team)
        if shut is not None:
            return [shut]
        return [
            self._seat(pool, mono_us)
            for pool in self._policy.pools
            if not pool.warns and self._counts_in(pool, who)
        ]

    def _counts_in(self, pool: Pool, who: Payer) -> bool:
        return self._policy.concerns(pool, who) and pool.scope.matches(who, self.names_model)

    def _seat(self, pool: Pool, mono_us: int) -> Seat:
        """A pool's account now; where the server has not said which window runs, an empty one."""
        standing = self._standing
        assert standing is not None
        window = standing.windows.get(pool.id)
        row = self._row(pool, window) if window is not None else None
        if row is None:
            row = replace(NO_ACCOUNT, id=-1 - self._policy.pools.index(pool))
        if standing.state is not State.ACTIVE:
            row = replace(row, limit_nusd=row.spent_nusd + row.held_nusd)
        dryness, name = self._dryness, pool.id
        grows = standing.state is State.ACTIVE and not dryness.is_dry(name, mono_us)
        coming, scant = dryness.is_coming(name, mono_us), dryness.is_scant(name, mono_us)
        return Seat(self._budgets[name], row, grows=grows, coming=coming, scant=scant)

    def _row(self, pool: Pool, window: int) -> Account | None:
        """The account of a running window, opened empty where nothing was granted in it."""
        assert self._standing is not None
        rights, place = Rights(self._conn, self._standing.inc), Place(pool.id, window)
        if (row := rights.row(place)) is None:
            rights[place] = EMPTY
            row = rights.row(place)
        return row

    def settled(
        self, shares: Sequence[int], amount_nusd: int, now_us: int, words: Mapping[str, object]
    ) -> None:
        """Tell the team of a charge: in which of its accounts it counts (R2)."""
        if self.standing is None or not self._is_told(str(words["rid"]), now_us):
            return
        rights = []
        for account in shares:
            found = team.of_account(self._conn, account)
            if found is not None and found[0] == self.standing.inc:
                rights.append((found[1], found[2], amount_nusd))
        told = {**words, "rights": rights} if rights else dict(words)
        TeamChain(self._conn, self.standing.inc).append("settle", now_us, told)

    def _is_told(self, rid: str, settled_us: int) -> bool:
        """Whether a charge of this moment is the team's to hear of."""
        awaited = self._awaited
        return (awaited is None or rid in awaited) and self._joined.counts(rid, settled_us)

    def adjusted(self, now_us: int, words: Mapping[str, object], settled_us: int) -> bool:
        """Tell the team that a charge was an estimate, and too high; whether it had heard of it.

        It names no rights: what was used stays used (u only grows, and no device frees rights by
        its own word). The leads read it in their reports, and may give it back by a raise.
        """
        if self.standing is None or not self._is_told(str(words["rid"]), settled_us):
            return False
        TeamChain(self._conn, self.standing.inc).append("adjust", now_us, words)
        return True

    def report(self, nonce: str, wants: Sequence[Want]) -> Sync | None:
        """R6: what the server has not acknowledged yet, and what we would like to have."""
        device = self._device()
        if device is None or self._membership is None:
            return None
        inc = device.standing.inc
        bodies = reported(self._conn, inc, device.standing.acked_seq)
        return to_sync(
            device,
            TeamChain(self._conn, inc),
            team=self._membership.team,
            nonce=nonce,
            entries=[body.decode() for body in bodies],
            policy=self.policy.version,
            wants=wants,
        )

    def heard(self, answer: Answer, now_us: int) -> bool:
        """R9, R4, R5: take an answer in, give back what is asked for, close what is over.

        True when there is more to report: it brought us further, or we have just given back.
        """
        device = self._device()
        if device is None:
            return False
        before = device.standing.acked_seq
        chain, server_inc = TeamChain(self._conn, device.standing.inc), device.standing.server_inc
        keep_nusd = answered(device, chain, answer)
        taken_over(self._conn, server_inc, device.standing.server_inc)
        self._count_in_flight(device.standing)
        back = device.give_back(keep_nusd) if keep_nusd else None
        drafts = [back, device.close()]
        for draft in drafts:
            if draft is not None:
                self._tell(draft, now_us)
        if back is not None:
            self._dryness.returned(right.pool for right in back.rights)
        self._keep(device.standing)
        acked_seq = device.standing.acked_seq
        return acked_seq < chain.end.seq and (before < acked_seq or any(drafts))

    def _tell(self, draft: Draft, now_us: int, text: str = "") -> None:
        assert self._standing is not None
        chain, rights = TeamChain(self._conn, self._standing.inc), list(map(tuple, draft.rights))
        chain.append(draft.kind, now_us, {"rights": rights, "text": text})

    def hello(self, nonce: str, anchor_sha256: str) -> Hello | None:
        """R10: ask for a new incarnation when one is due; a device that leaves begins none."""
        device = self._device()
        if device is None or self._membership is None or self.leaves:
            return None
        chain = TeamChain(self._conn, device.standing.inc)
        name = self._membership.team
        found = to_hello(device, chain, team=name, nonce=nonce, anchor_sha256=anchor_sha256)
        self._keep(device.standing)
        return found

    def welcome(self, message: Welcome, now_us: int) -> bool:
        """Begin the new incarnation; False when the answer is to no question of ours."""
        if self.standing is None:
            return False
        fresh = welcomed(self.standing, message)
        if fresh is None:
            return False
        left_behind(self._conn, self.standing, fresh)
        self._begin(fresh, now_us)
        return True

    def lines(self) -> list[dict[str, object]]:
        """Each pool as people see it: its cap, and what of it this device has and took."""
        return [line_of(pool, seat.account) for seat, pool in self.every_seat()]

    def every_seat(self) -> list[tuple[Seat, Pool]]:
        """Every pool of the policy with its account now; none without a team."""
        if self.standing is None:
            return []
        return [(self._seat(pool, 0), pool) for pool in self._policy.pools]

    def _device(self) -> Device | None:
        """The pure rules over our tables."""
        if self.standing is None:
            return None
        inc = self.standing.inc
        standing = msgspec.convert(msgspec.to_builtins(self.standing), Standing)
        return Device(standing, Rights(self._conn, inc), dict(holds(self._conn, inc)))
