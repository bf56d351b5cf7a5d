"""The server over a real database: signed in, signed out, and nothing lost in between."""

from dataclasses import replace

import pytest

from agentspend.core.allowance.messages import Link, Status
from agentspend.wire.canonical import NotCanonical
from agentspend.wire.chain import verify_chain
from agentspend.wire.team import NotSigned, Sealed
from sync_server.allowance.journal import Filed
from sync_server.senders import UnknownDevice
from sync_server.store import ledgers, tables
from tests.sync_server.made import Chain
from tests.sync_server.office import ACT, DAY_US, MEMBER, NOON_US, Office, by_device, needs

JANUARY = 2026 * 12


def place(chain: Chain, amount: int, window: int = JANUARY) -> Chain:
    """A charge in the organisation's pool."""
    return chain.add("settle", [("org", window, amount)], amount, counted="billed")


def test_a_report_is_stored_and_receipted(office: Office) -> None:
    """Entries, the device's signed word on them, our signed answer, and the rights granted."""
    chain = place(Chain(), 30)
    answer = office.sync(chain, needs("org", 60))
    assert (answer.acked, answer.status) == (chain.end, Status.ACTIVE)
    assert [(told.pool, told.window, told.granted_nusd) for told in answer.accounts] == [
        ("org", JANUARY, 130)
    ]
    with office.service.engine.begin() as conn:
        verdict = verify_chain(ledgers.page(conn, "i_1", 0, 9), inc="i_1")
    assert (verdict.ok, verdict.head, verdict.totals.billed_nusd) == (True, chain.end.hash, 30)
    assert [row.seq for row in office.rows(tables.uploads)] == [2]
    assert [row.seq for row in office.rows(tables.receipts)] == [2]
    assert office.state().committed_nusd == 130


def test_a_repeated_report_changes_nothing(office: Office) -> None:
    """However often it comes."""
    chain = place(Chain(), 30)
    first = office.sync(chain, needs("org", 60))
    before = (office.state(), office.rows(tables.entries), office.rows(tables.journal))
    again = office.sync(chain, needs("org", 60))
    assert again == first
    assert (office.state(), office.rows(tables.entries), office.rows(tables.journal)) == before


def test_only_what_is_new_is_stored(office: Office) -> None:
    """Overlapping reports, a gap, and an old one."""
    chain = place(place(Chain(), 5), 6)
    office.sync(Chain())
    assert office.sync(place(place(Chain(), 5), 6), after=2).resend
    office.sync(chain, after=1)
    late = Chain()
    assert office.sync(late).acked == chain.end
    assert [row.seq for row in office.rows(tables.entries)] == [1, 2, 3]


def test_a_fork_is_proved_and_ends_the_ledger(office: Office) -> None:
    """The report that contradicts is kept as it was signed; no rights are given any more."""
    office.sync(place(Chain(), 30), needs("org", 60))
    other = place(Chain(), 25)
    answer = office.sync(other, needs("org", 900))
    assert (answer.status, answer.accounts) == (Status.FORKED, ())
    assert len(office.rows(tables.evidence)) == 1
    assert [row.status for row in office.rows(tables.incarnations)] == ["forked"]
    assert office.state().late_nusd == 25
    assert len(office.rows(tables.entries)) == 2


def test_both_branches_of_a_fork_count_once_in_every_cap(office: Office) -> None:
    """Also what was spent in a pool without a right there, also after the fork was proved, and
    however often it is told."""
    office.service.decide(office.pool("day", 1_000, "day"), ACT, NOON_US)
    ours, other = Chain(), Chain()
    ours.ts_us = other.ts_us = NOON_US
    office.sync(place(ours, 30), needs("org", 60))
    place(other, 25)
    for _ in range(2):
        office.sync(other)
        assert (office.state().late_nusd, office.state("day").late_nusd) == (25, 30 + 25)
    place(other, 7)
    for _ in range(2):
        assert office.sync(other).status is Status.FORKED
        assert (office.state().late_nusd, office.state("day").late_nusd) == (32, 30 + 32)
    place(ours, 4)
    for _ in range(2):
        assert office.sync(ours).status is Status.FORKED
        assert (office.state().late_nusd, office.state("day").late_nusd) == (32, 34 + 32)
    assert len(office.rows(tables.evidence)) == 2
    assert len(office.rows(tables.entries)) == 3
    assert office.state().committed_nusd == 130


def test_a_branch_that_parts_at_an_unknown_place_counts(office: Office) -> None:
    """Its first entry names a predecessor that the server never had."""
    other = place(place(Chain(), 25), 6)
    office.sync(place(Chain(), 30), needs("org", 60))
    assert office.sync(other, after=2).status is Status.FORKED
    assert office.state().late_nusd == 6


def test_what_is_not_signed_by_the_device_changes_nothing(office: Office) -> None:
    """Another key, another's name, a changed body, an unknown device, entries that are none."""
    chain = place(Chain(), 30)
    good = by_device(chain.sync(needs("org", 60)))
    before = office.rows(tables.accounts)
    other = by_device(chain.sync(), key=bytes(32))
    changed = Sealed(good.body.replace(b'"seq":2', b'"seq":3'), good.signature)
    for sealed in (other, changed):
        with pytest.raises(NotSigned):
            office.service.sync("d_1", sealed, NOON_US)
    with pytest.raises(UnknownDevice):
        office.service.sync("d_9", good, NOON_US)
    with pytest.raises(UnknownDevice):
        office.service.sync("d_1", by_device(chain.sync(device="d_2")), NOON_US)
    with pytest.raises(NotCanonical):
        office.sync(chain, entries=("{}",), end=Link(1, "x"))
    assert office.rows(tables.accounts) == before
    assert office.rows(tables.entries) == []


def test_a_hello_is_answered_once_for_each_question(office: Office) -> None:
    """The same incarnation again, and the old one may only report."""
    office.sync(Chain(), needs("org", 60))
    assert office.hello("i_1", "n_2", "i_2").inc == "i_2"
    assert office.hello("i_1", "n_2", "i_3").inc == "i_2"
    answer = office.sync(Chain(), needs("org", 900))
    assert answer.status is Status.SUPERSEDED
    assert answer.accounts[0].granted_nusd == 100
    assert office.sync(Chain("i_2"), needs("org", 50)).accounts[0].granted_nusd == 100


@pytest.mark.parametrize("status", [Status.REVOKED, Status.LOST])
def test_an_expelled_device_reports_and_does_not_come_back(office: Office, status: Status) -> None:
    """Its entries count; it gets no rights and no new ledger."""
    office.sync(Chain(), needs("org", 60))
    office.expel(status)
    answer = office.sync(place(Chain(), 30), needs("org", 900))
    assert (answer.status, answer.acked.seq) == (status, 2)
    assert office.state().committed_nusd == 100
    assert office.state().outstanding_nusd == (70 if status is Status.REVOKED else 0)
    with pytest.raises(UnknownDevice):
        office.hello("i_1", "n_2", "i_2")
    with pytest.raises(UnknownDevice):
        office.hello("i_none", "n_3", "i_3")


def test_a_new_month_begins_on_the_servers_clock(office: Office) -> None:
    """What is outstanding is held back, and given free when the device has closed."""
    office.sync(Chain(), needs("org", 600))
    later = NOON_US + 31 * DAY_US
    answer = office.sync(Chain(), needs("org", 300), now=later)
    assert {(told.window, told.granted_nusd) for told in answer.accounts} == {
        (JANUARY, 600), (JANUARY + 1, 300),
    }  # fmt: skip
    assert office.state().available_nusd == 1_000 - 600 - 300
    chain = place(Chain(), 200).add("close", [("org", JANUARY, 0)])
    answer = office.sync(chain, now=later)
    assert [told.window for told in answer.accounts] == [JANUARY + 1]
    assert office.state().available_nusd == 1_000 - 200 - 300


def test_a_lowered_cap_stops_grants_and_asks_rights_back(office: Office) -> None:
    """It is told to the device, and what it returns makes room."""
    office.sync(Chain(), needs("org", 600))
    office.cap("org", 300)
    answer = office.sync(Chain())
    assert answer.accounts[0].keep_nusd == 0
    office.sync(Chain().add("return", [("org", JANUARY, 600)]))
    assert office.state().available_nusd == 300


def test_every_matching_pool_is_told_apart(office: Office) -> None:
    """Of everybody, of its team, of its member; not of others. A project's when it is asked for.
    Of none much more than the member's own cap can give."""
    lines = [
        *office.pool("team", 400, team="t_1"),
        Filed("member", {**MEMBER, "id": "bert", "name": "Bert"}),
        *office.pool("other", 400, scope='{"member":"bert"}', member="bert"),
        *office.pool("own", 50, kind="day", scope='{"member":"anna"}', member="anna"),
        *office.pool("elsewhere", 50, scope='{"device":"d_7"}'),
        *office.pool("web", 70, scope='{"project":"acme/web"}'),
    ]
    office.service.decide(lines, ACT, NOON_US)
    wants = [needs(name, 60) for name in ("org", "team", "other", "own", "web", "elsewhere")]
    answer = office.sync(Chain(), *wants)
    assert {told.pool: told.granted_nusd for told in answer.accounts} == {
        "org": 100, "team": 100, "own": 50, "web": 58,
    }  # fmt: skip


def test_who_changes_teams_pays_into_the_old_pool_no_more(office: Office) -> None:
    """No rights there any more; those it has are asked back, and what it spent still counts."""
    office.service.decide(office.pool("team", 400, team="t_1"), ACT, NOON_US)
    office.sync(Chain(), needs("team", 60))
    lines = [
        Filed("team", {"id": "t_2", "org": "o_1", "name": "Frontend"}),
        Filed("member", {**MEMBER, "team": "t_2"}),
    ]
    office.service.decide(lines, ACT, NOON_US)
    chain = Chain().add("settle", [("team", JANUARY, 30)], 30)
    answer = office.sync(chain, needs("team", 300))
    assert [(told.pool, told.granted_nusd, told.keep_nusd) for told in answer.accounts] == [
        ("team", 100, 0)
    ]
    office.sync(chain.add("return", [("team", JANUARY, 70)]))
    state = office.state("team")
    assert (state.committed_nusd, state.outstanding_nusd) == (30, 0)


def test_a_server_that_takes_over_has_the_next_number(office: Office) -> None:
    """What the old one still says is older than that."""
    assert office.sync(Chain()).server_inc == 1
    office.backup()
    office.restore()
    assert office.service.take_over(ACT, NOON_US) == 2
    assert office.sync(Chain()).server_inc == 2


def test_a_restored_server_stands_where_it_stood(office: Office) -> None:
    """Grants, caps, ledgers and expelled devices since the backup come back from the journal."""
    office.sync(Chain(), needs("org", 60))
    office.backup()
    chain = place(Chain(), 30)
    office.sync(chain, needs("org", 300))
    office.hello("i_1", "n_2", "i_2")
    office.sync(Chain("i_2"), needs("org", 50))
    office.cap("org", 700)
    before = (office.state(), office.rows(tables.journal))
    assert office.restore() > 0
    after = office.state()
    assert office.rows(tables.journal) == before[1]
    assert after.available_nusd <= before[0].available_nusd
    assert (after.cap_nusd, after.committed_nusd) == (700, before[0].committed_nusd)
    answer = office.sync(chain)
    assert (answer.status, answer.acked) == (Status.SUPERSEDED, chain.end)
    assert office.state() == before[0]
    begun = {row.inc: row.begun_us for row in office.rows(tables.incarnations)}
    assert begun["i_2"] == NOON_US


def test_a_restored_server_knows_who_is_in_which_teams(office: Office) -> None:
    """Those that were joined and those that were left since the backup, and the rights in them."""
    data = [Filed("team", {"id": name, "org": "o_1", "name": name}) for name in ("t_2", "t_3")]
    office.service.decide(data, ACT, NOON_US)
    office.backup()
    for further in ('["t_3"]', '["t_2"]'):
        office.service.decide([Filed("member", {**MEMBER, "further": further})], ACT, NOON_US)
    office.service.decide(office.pool("data", 400, team="t_2"), ACT, NOON_US)
    assert office.sync(Chain(), needs("data", 60)).accounts[0].granted_nusd == 100
    before = office.rows(tables.memberships), office.state("data")
    assert sorted((row.team, row.active) for row in before[0]) == [
        ("t_1", True), ("t_2", True), ("t_3", False),
    ]  # fmt: skip
    assert office.restore() > 0
    assert (office.rows(tables.memberships), office.state("data")) == before
    assert office.sync(Chain(), needs("data", 60)).accounts[0].granted_nusd == 100


def test_a_crash_between_journal_and_commit_forgets_nothing(office: Office) -> None:
    """The line is there, nobody was answered: at the next start it is made true."""
    chain = place(Chain(), 30)
    sealed = by_device(chain.sync(needs("org", 60), server_seq=0))
    office.sync(Chain())
    dying = replace(office.service, private_key=b"")
    with pytest.raises(ValueError, match="32 bytes"):
        dying.sync("d_1", sealed, NOON_US)
    assert office.state().committed_nusd == 0
    office.close()
    office.start()
    assert office.service.catch_up() == 1
    assert office.state().committed_nusd == 130
    assert office.service.catch_up() == 0


def test_peoples_acts_are_a_chain_whose_head_every_device_sees(office: Office) -> None:
    """One record for each decision, linked, in every receipt."""
    head = office.sync(Chain()).audit
    office.cap("org", 500)
    acts = office.rows(tables.audit)
    assert [row.seq for row in acts] == [1, 2]
    assert head == acts[0].hash
    assert f'"prev":"{head}"' in acts[1].body
    assert office.sync(Chain()).audit == acts[1].hash
