"""The stories of requests: found by the beginning of their id, the newest kept."""

from sqlite3 import Connection

import pytest

from agentspend.store import requests


def put(conn: Connection, rid: str, at_us: int = 1, outcome: str = "settled") -> None:
    """Keep a story."""
    requests.put(conn, rid, at_us, outcome, "s1", rid.encode())


@pytest.mark.parametrize("rid", ["r_100%", "r_1*", "r_1[2]", "r_1'", "r_1é", "r_1?\\"])
def test_an_id_with_any_characters_is_found_by_its_beginning(conn: Connection, rid: str) -> None:
    """None of them is a wildcard."""
    for other in ("r_1", "r_1000", "r_1x", "r_2", "R_1", rid):
        put(conn, other)
    assert [row[0] for row in requests.find(conn, rid)] == [rid]
    assert rid in [row[0] for row in requests.find(conn, "r_1")]
    assert "r_2" not in [row[0] for row in requests.find(conn, "r_1")]
    assert requests.find(conn, f"{rid}!") == []


def test_at_most_ten_are_named(conn: Connection) -> None:
    """Enough to say that more of the id is needed."""
    for number in range(30):
        put(conn, f"r_{number:02d}")
    assert [row[0] for row in requests.find(conn, "r_")] == [f"r_{n:02d}" for n in range(10)]


def test_the_last_word_on_a_request_stands(conn: Connection) -> None:
    """A story is replaced, not doubled."""
    put(conn, "r1", 1, "refused")
    put(conn, "r1", 2, "settled")
    assert requests.find(conn, "r1") == [("r1", 2, "settled", b"r1")]
    assert requests.count(conn, "s1", "refused") == 0
    put(conn, "r1", 3, "released")
    assert requests.count(conn, "s1", "released") == 1
    assert requests.count(conn, "s1", "refused") == requests.count(conn, "s2", "released") == 0


def test_the_oldest_are_forgotten(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as many stay as are kept; trimming a short list does nothing."""
    monkeypatch.setattr(requests, "KEPT", 3)
    put(conn, "r1", 1)
    requests.trim(conn)
    for number in range(2, 7):
        put(conn, f"r{number}", number)
    requests.trim(conn)
    assert [row[0] for row in requests.find(conn, "r")] == ["r4", "r5", "r6"]
