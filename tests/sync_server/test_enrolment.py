"""A device joins with an invite, once."""

import pytest

from agentspend.core.allowance.messages import Certificate, Enrol, Status
from agentspend.wire import signing
from agentspend.wire.canonical import NotCanonical
from agentspend.wire.invite import write_code
from agentspend.wire.team import NotSigned, Sealed, unseal
from sync_server.enrolment import Names, NotInvited
from sync_server.store import tables
from tests.sync_server.made import Chain
from tests.sync_server.office import DAY_US, NOON_US, SERVER_KEY, Office, by_device, by_server

SECRET, KEY = bytes(range(16)), bytes(range(7, 39))
NAMES = Names("d_2", "i_2")


def asked(
    nonce: str = "n_2", key: bytes = KEY, secret: bytes = SECRET, label: str = "x1"
) -> Sealed:
    """What a new device sends."""
    public = signing.public_key(key).hex()
    return by_device(Enrol(write_code(secret), label, nonce, public), key)


def invited(office: Office, member: str = "anna") -> Office:
    """A lead has made an invite for a day."""
    office.invite(SECRET, member, NOON_US + DAY_US)
    return office


def test_an_invited_device_gets_a_certificate_and_a_ledger(office: Office) -> None:
    """It may report at once; the act is in the audit chain."""
    sealed = invited(office).service.enrol(asked(), NAMES, NOON_US)
    found = unseal(Certificate, sealed, by_server)
    assert (found.team, found.member, found.device, found.inc) == ("t_1", "anna", "d_2", "i_2")
    assert found.server_key == signing.public_key(SERVER_KEY).hex()
    report = by_device(Chain("i_2").sync(device="d_2", server_seq=0), KEY)
    office.service.sync("d_2", report, NOON_US)
    assert '"what":"enrol"' in office.rows(tables.audit)[-1].body


def test_the_same_request_gets_the_same_certificate(office: Office) -> None:
    """Its answer may have been lost."""
    invited(office)
    first = unseal(Certificate, office.service.enrol(asked(), NAMES, NOON_US), by_server)
    sealed = office.service.enrol(asked(), Names("d_3", "i_3"), NOON_US)
    again = unseal(Certificate, sealed, by_server)
    assert (again.device, again.inc, again.member) == (first.device, first.inc, first.member)
    assert len(office.rows(tables.devices)) == 2


def test_a_label_holds_nothing_that_a_terminal_obeys(office: Office) -> None:
    """Leads read it on their screens."""
    sealed = invited(office).service.enrol(asked(label="\x1b]0;x\x07"), NAMES, NOON_US)
    assert unseal(Certificate, sealed, by_server).label == "?]0;x?"
    assert office.rows(tables.devices)[-1].label == "?]0;x?"


def test_a_code_works_once(office: Office) -> None:
    """Also after the server was restored from before it was used."""
    invited(office)
    office.backup()
    office.service.enrol(asked(), NAMES, NOON_US)
    office.restore()
    with pytest.raises(NotInvited):
        office.service.enrol(asked("n_3", bytes(32)), Names("d_3", "i_3"), NOON_US)
    assert [row.id for row in office.rows(tables.devices)] == ["d_1", "d_2"]


def test_every_refusal_looks_the_same(office: Office) -> None:
    """Expired, unknown, mistyped."""
    invited(office)
    public = signing.public_key(KEY).hex()
    late = NOON_US + DAY_US
    mistyped = by_device(Enrol("ASPD-0000", "x1", "n_2", public), KEY)
    said = set()
    for sealed, now in (
        (asked(), late),
        (asked(secret=bytes(16)), NOON_US),
        (mistyped, NOON_US),
    ):
        with pytest.raises(NotInvited) as refused:
            office.service.enrol(sealed, NAMES, now)
        said.add(str(refused.value))
    assert len(said) == 1
    assert len(office.rows(tables.devices)) == 1


def test_the_key_of_a_device_that_was_sent_away_is_not_taken_again(office: Office) -> None:
    """Whoever has a good invite is told so, and how to make a new key: it is not the code."""
    invited(office)
    office.expel(Status.REVOKED)
    with pytest.raises(NotInvited, match="key of this device") as refused:
        office.service.enrol(asked("n_9", bytes(range(1, 33))), NAMES, NOON_US)
    assert "device.key" in refused.value.hint
    office.service.enrol(asked("n_9"), NAMES, NOON_US)


def test_a_device_that_left_may_come_back(office: Office) -> None:
    """With an invite of its member, on a new ledger; its old one gets nothing more."""
    taken = asked("n_9", bytes(range(1, 33)))
    found = unseal(Certificate, invited(office).service.enrol(taken, NAMES, NOON_US), by_server)
    assert (found.device, found.inc, found.member) == ("d_1", "i_2", "anna")
    assert {row.inc: row.status for row in office.rows(tables.incarnations)} == {
        "i_1": Status.SUPERSEDED,
        "i_2": Status.ACTIVE,
    }
    assert len(office.rows(tables.devices)) == 1
    with pytest.raises(NotInvited):
        office.service.enrol(asked("n_8", bytes(range(1, 33))), NAMES, NOON_US)


def test_a_key_that_is_not_ones_own_is_refused(office: Office) -> None:
    """The request is signed by the key it names."""
    invited(office)
    stolen = Enrol(write_code(SECRET), "x1", "n_2", signing.public_key(bytes(32)).hex())
    with pytest.raises(NotSigned):
        office.service.enrol(by_device(stolen, KEY), NAMES, NOON_US)
    with pytest.raises(NotCanonical):
        office.service.enrol(by_device(Enrol("x", "x1", "n", "xyz"), KEY), NAMES, NOON_US)


def test_an_expelled_member_enrols_nothing_new(office: Office) -> None:
    """Revoking a device does not revoke its member; leaving does."""
    invited(office)
    office.expel(Status.REVOKED)
    office.service.enrol(asked(), NAMES, NOON_US)
    assert [row.active for row in office.rows(tables.devices)] == [False, True]
