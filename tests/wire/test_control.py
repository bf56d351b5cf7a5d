"""The control protocol: fixed shapes, and errors a person can act on."""

import json

import pytest

from agentspend.core.limits import MAX_CONTROL_LINE_BYTES
from agentspend.wire import control
from agentspend.wire.control import BudgetLine, Failure, SessionLine, Snapshot, WaitLine

BUDGET = BudgetLine(
    name="daily",
    scope={"agent": "claude"},
    window="day",
    mode="hard",
    limit_nusd=25_000_000_000,
    spent_nusd=20_000_000_000,
    held_nusd=6_000_000_000,
    resets_us=1_764_028_800_000_000,
)
SNAPSHOT = Snapshot(
    budgets=(BUDGET,),
    sessions=(SessionLine("s_1", "claude", started_us=1_764_000_000_000_000, requests=2),),
    waiting=(WaitLine("r_1", "s_1", "daily", 1_764_000_001_000_000, "2 requests are ahead"),),
    today_nusd=20_000_000_000,
    notes=("budget weekly waits for `agentspend budget confirm`",),
)


def test_the_status_shape_is_the_fixed_one() -> None:
    """`status --json` has the promised names; free is never negative, resets is ISO in UTC."""
    found = json.loads(json.dumps(SNAPSHOT.as_json()))

    assert (found["v"], found["today_nusd"]) == (1, 20_000_000_000)
    assert {
        "name": "daily",
        "scope": {"agent": "claude"},
        "window": "day",
        "mode": "hard",
        "limit_nusd": 25_000_000_000,
        "spent_nusd": 20_000_000_000,
        "held_nusd": 6_000_000_000,
        "free_nusd": 0,
        "resets_at": "2025-11-25T00:00:00Z",
    }.items() <= found["budgets"][0].items()
    assert found["sessions"][0]["id"] == "s_1"


def test_a_snapshot_survives_the_wire() -> None:
    """What the daemon shows is what a client reads."""
    assert Snapshot.from_json(json.loads(json.dumps(SNAPSHOT.as_json()))) == SNAPSHOT
    assert Snapshot.from_json(Snapshot().as_json()) == Snapshot()


def test_a_request_is_one_line_and_reads_back() -> None:
    """The operation and its arguments arrive as they were sent."""
    line = control.write_request(control.Op.WHY, rid="r_ä")

    assert line == '{"v":1,"op":"why","rid":"r_ä"}\n'.encode()
    assert control.read_request(line) == control.Request("why", {"rid": "r_ä"})


def test_answers_say_whether_more_follow() -> None:
    """Only the last line of an answer has no `more`."""
    first = control.read_answer(control.write_answer({"entry": 1}, more=True))
    last = control.read_answer(control.write_answer({"entry": 2}))

    assert first.get("more") is True
    assert "more" not in last


def test_an_error_arrives_as_an_error() -> None:
    """Message, hint and code of the daemon's error are the client's error."""
    line = control.write_failure("no budget 'x'", "agentspend budget list", "not_found")

    with pytest.raises(Failure) as caught:
        control.read_answer(line)

    assert json.loads(line)["error"]["code"] == "not_found"
    assert (caught.value.message, caught.value.hint) == ("no budget 'x'", "agentspend budget list")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense\n",
        b"[1]\n",
        b'{"op":"status"}\n',
        b'{"v":2,"op":"status"}\n',
        b'{"v":1}\n',
        b'{"v":1,"op":"' + b"x" * MAX_CONTROL_LINE_BYTES + b'"}',
        b"[" * 100_000,
        b"\xff",
    ],
    ids=range(9),
)
def test_a_malformed_request_is_a_usage_error(line: bytes) -> None:
    """Nothing on the socket can raise anything but an error with a message."""
    with pytest.raises(Failure) as caught:
        control.read_request(line)

    assert caught.value.code == control.Code.USAGE
    assert caught.value.message
