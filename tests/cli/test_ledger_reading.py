"""Pages of the ledger come in order and whole, whoever answers and however large their pages."""

from typing import Any

import pytest

from agentspend.cli.diagnostics import UsageError
from agentspend.cli.ledger_reading import own_id, pages, rows
from agentspend.core.errors import DaemonUnreachable
from agentspend.core.limits import READ_PAGE_ROWS


class Answers:
    """Who holds a ledger of `length` entries, and gives at most `most` of them at once."""

    def __init__(self, length: int, most: int, breaks_after: int = -1) -> None:
        self.length, self.most, self.breaks_after = length, most, breaks_after

    def __call__(self, op: str, **fields: Any) -> dict[str, Any]:
        after = int(fields["after"])
        if after == self.breaks_after:
            raise DaemonUnreachable("it hung up", "")
        last = min(self.length, after + min(fields["count"], self.most))
        return {"entries": [[seq, "h", f"{seq}"] for seq in range(after + 1, last + 1)]}


@pytest.mark.parametrize("most", [READ_PAGE_ROWS, 7])
@pytest.mark.parametrize("length", [0, 1, READ_PAGE_ROWS, READ_PAGE_ROWS + 1, 3 * READ_PAGE_ROWS])
def test_every_entry_comes_once(length: int, most: int) -> None:
    """Also where a page is exactly full, and from the middle on."""
    assert [seq for seq, _, _ in rows(Answers(length, most))] == list(range(1, length + 1))
    assert [body for _, _, body in rows(Answers(length, most), 1)] == [
        f"{seq}".encode() for seq in range(2, length + 1)
    ]


@pytest.mark.parametrize("words", ["", " ", "r_", "req_agentspend_"])
def test_what_every_id_begins_with_names_none(words: str) -> None:
    """With one request in the ledger it would be that one."""
    with pytest.raises(UsageError, match="names no request"):
        own_id(Answers(1, 1), words)


def test_a_number_that_no_entry_can_have() -> None:
    """It is looked for as an id would be: no store holds such a number."""

    def ask(_: str, **fields: Any) -> dict[str, Any]:
        assert int(fields.get("after", 0)) < 2**63
        return {"entries": []}

    for words in ("9" * 18, "9" * 19, "9" * 40):
        assert own_id(ask, words) == words


def test_who_stops_reading_asks_no_further() -> None:
    """One page ahead at most; and what breaks while it is fetched is told when its turn comes."""
    found = pages(Answers(3 * READ_PAGE_ROWS, READ_PAGE_ROWS, breaks_after=READ_PAGE_ROWS))
    assert len(next(found)) == READ_PAGE_ROWS
    with pytest.raises(DaemonUnreachable):
        next(found)
