"""Who speaks is known by the key, before anything else is looked at."""

import pytest

from agentspend.core.allowance.messages import Look, Status
from agentspend.wire import team
from agentspend.wire.team import NotSigned, Sealed
from sync_server.senders import UnknownDevice, said, sender, speaker
from tests.sync_server.office import Office, by_device


def test_a_signed_message_is_read(office: Office) -> None:
    """By the device's own key, and only for itself."""
    with office.service.engine.begin() as conn:
        look = Look("t", "d_1", "n")
        assert said(conn, Look, "d_1", by_device(look)) == look
        with pytest.raises(UnknownDevice):
            said(conn, Look, "d_1", by_device(Look("t", "d_2", "n")))
        with pytest.raises(UnknownDevice):
            said(conn, Look, "d_2", by_device(look))
        with pytest.raises(NotSigned):
            said(conn, Look, "d_1", by_device(look, bytes(32)))


def test_what_nobody_signed_is_not_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is: reading costs more than checking."""

    def read(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(team, "read", read)
    with office.service.engine.begin() as conn, pytest.raises(NotSigned):
        said(conn, Look, "d_1", Sealed(b"[" * 9, bytes(64)))


def test_who_was_sent_away_may_report_and_say_nothing_else(office: Office) -> None:
    """Its key is still known."""
    with office.service.engine.begin() as conn:
        assert speaker(conn, "d_1").member == "anna"
    office.expel(Status.REVOKED)
    with office.service.engine.begin() as conn:
        assert sender(conn, "d_1").member == "anna"
        with pytest.raises(UnknownDevice):
            speaker(conn, "d_1")
        with pytest.raises(UnknownDevice):
            sender(conn, "d_9")
