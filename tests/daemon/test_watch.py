"""The watch stream: what is, then what happens."""

from agentspend.control.client import Connection, Message
from tests.daemon.helpers import ask, paths, session
from tests.support.process import Home


def watch(home: Home) -> Connection:
    """Start watching; the snapshot is the first thing to read."""
    line = Connection(paths(home).socket)
    line.send("watch")
    return line


def until_event(line: Connection, kind: str) -> list[Message]:
    """Everything up to the first event of this kind, which is the last."""
    found: list[Message] = []
    for message in line.answers():
        found.append(message)
        if message["event"] == kind:
            return found
    raise AssertionError(f"the daemon hung up before a {kind}: {found}")


def test_the_snapshot_comes_first_and_then_every_step_of_a_request(home: Home) -> None:
    """snapshot, hold, settle in this order, with the amounts that the ledger has."""
    home.run("daemon", "start")
    with watch(home) as line, session(home) as way:
        (snapshot,) = until_event(line, "snapshot")
        way.post().read()
        events = until_event(line, "settle")

    assert [b["name"] for b in snapshot["budgets"]] == ["daily"]
    kinds = [event["event"] for event in events if event["event"] in ("hold", "settle")]
    assert kinds == ["hold", "settle"]
    held, settled = (next(e for e in events if e["event"] == kind) for kind in ("hold", "settle"))
    assert held["rid"] == settled["rid"]
    assert 0 < settled["amount_nusd"] <= held["held_nusd"]
    entry = next(e for e in home.json("log") if e["kind"] == "settle")
    assert (entry["seq"], entry["amount_nusd"]) == (settled["seq"], settled["amount_nusd"])


def test_who_comes_later_starts_from_what_is_by_then(home: Home) -> None:
    """A second watcher's snapshot holds what the first one saw happen; both then hear the same."""
    home.run("daemon", "start")
    with watch(home) as first, session(home) as way:
        until_event(first, "snapshot")
        way.post().read()
        (*_, settled) = until_event(first, "settle")
        with watch(home) as second:
            (snapshot,) = until_event(second, "snapshot")
            way.post().read()
            heard = [until_event(line, "settle")[-1]["rid"] for line in (first, second)]

    assert snapshot["budgets"][0]["spent_nusd"] == settled["amount_nusd"]
    assert heard[0] == heard[1]


def test_a_watcher_that_hangs_up_is_no_trouble(home: Home) -> None:
    """The daemon goes on for everyone else."""
    home.run("daemon", "start")
    with watch(home) as line:
        until_event(line, "snapshot")
    with session(home) as way:
        assert way.post().status == 200
    assert ask(home, "ping")["running"]
