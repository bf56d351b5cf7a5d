"""The local control protocol: one line is one message, whatever arrives."""

import pytest

from agentspend.core.errors import AgentspendError, Kind
from agentspend.wire.control import (
    Op,
    read_answer,
    read_request,
    write_answer,
    write_error,
    write_request,
)


def test_a_request_is_one_line_and_reads_back() -> None:
    """Fields with newlines and foreign letters stay one line."""
    line = write_request(Op.WHY, {"rid": "r_1\nä"})

    assert line.count(b"\n") == 1
    assert read_request(line) == ("why", {"rid": "r_1\nä"})


def test_an_answer_reads_back() -> None:
    """What the daemon sends is what the command gets, with the version."""
    assert read_answer(write_answer({"budgets": []})) == {"v": 1, "budgets": []}


def test_an_error_arrives_as_an_error_with_its_way_out() -> None:
    """The command raises what the daemon refused."""
    with pytest.raises(AgentspendError) as raised:
        read_answer(write_error(AgentspendError("no such", "agentspend log", Kind.UNKNOWN_NAME)))

    assert (raised.value.message, raised.value.hint) == ("no such", "agentspend log")
    assert raised.value.kind == "unknown_name"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "--team web, and you are not in it"}, Kind.TEAM),
        ({"message": "unknown operation 'x'"}, Kind.UNKNOWN_OPERATION),
        ({"message": "the daemon cannot read this request: KeyError()"}, Kind.UNREADABLE),
        ({"message": "no room"}, Kind.OTHER),
        ({"message": "--team web, and it sleeps", "kind": "asleep"}, "asleep"),
    ],
)
def test_the_errors_of_other_versions_have_a_kind(error: dict[str, str], kind: str) -> None:
    """Of a daemon older than kinds by how it says them; a newer one's word stays as it is."""
    with pytest.raises(AgentspendError) as raised:
        read_answer(write_answer({"error": error}))

    assert (raised.value.kind, raised.value.message) == (kind, error["message"])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b'"op"\n',
        b'{"op":"status"}\n',
        b'{"v":2,"op":"status"}\n',
        b'{"v":1}\n',
        b'{"v":1,"op":7}\n',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=range(11),
)
def test_a_foreign_line_is_an_error_never_a_crash(line: bytes) -> None:
    """Whatever is not a request of this version is refused in words."""
    with pytest.raises(AgentspendError) as raised:
        read_request(line)

    assert raised.value.message
