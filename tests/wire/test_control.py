"""The local control protocol: one line is one message, whatever arrives."""

import pytest

from agentspend.core.errors import AgentspendError
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
        read_answer(write_error("no such request", "agentspend log"))

    assert (raised.value.message, raised.value.hint) == ("no such request", "agentspend log")


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
