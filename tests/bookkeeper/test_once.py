"""A question that was not answered keeps its name; another one gets a fresh name."""

from agentspend.bookkeeper import once
from tests.bookkeeper.conftest import Desk


def test_the_same_question_keeps_its_name_until_it_is_answered(desk: Desk) -> None:
    """Each kind for itself."""
    conn = desk.books.conn

    def name(kind: str, asked: str, fresh: str) -> str:
        return desk.do(lambda: once.name_of(conn, kind, asked, fresh))

    assert [name("a", "20", "n1"), name("a", "20", "n2")] == ["n1", "n1"]
    assert name("b", "20", "n3") == "n3"
    assert [name("a", "30", "n4"), name("a", "20", "n5")] == ["n4", "n5"]
    desk.do(lambda: once.answered(conn, "a"))
    assert [name("a", "20", "n6"), name("b", "20", "n7")] == ["n6", "n3"]
