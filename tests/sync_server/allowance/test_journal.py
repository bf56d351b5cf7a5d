"""The journal's lines: golden for ever, and the lock of two servers."""

import pytest

from agentspend.core.allowance.messages import Status
from agentspend.wire.canonical import NotCanonical
from sync_server.allowance.journal import (
    Began,
    Filed,
    Granted,
    Line,
    Opened,
    Ranked,
    Served,
    may_write,
    read_line,
    write_line,
)


def test_only_the_newest_server_may_write() -> None:
    """A server that was replaced cannot grant out of its own database any more."""
    assert may_write(2, 2)
    assert may_write(3, 2)
    assert not may_write(1, 2)


LINES: list[Line] = [
    Granted("i_1", "p_1", 24_310, 9_000_000_000),
    Began("i_2", "d_1", "n_1"),
    Began("i_3", "d_1", "n_2", "i_2", 1_767_225_600_000_000),
    Ranked("i_1", Status.SUPERSEDED),
    Opened("p_1", 500_000_000_000, 24_311, 1_767_225_600_000_000),
    Served(2),
    Filed("team", {"id": "t_1", "org": "o_1", "name": "Zürich"}),
]
GOLDEN = [
    '{"granted_nusd":9000000000,"inc":"i_1","kind":"granted","pool":"p_1","window":24310}',
    '{"device":"d_1","inc":"i_2","kind":"began","nonce":"n_1"}',
    (
        '{"at_us":1767225600000000,"device":"d_1","inc":"i_3","kind":"began","nonce":"n_2",'
        '"parent":"i_2"}'
    ),
    '{"inc":"i_1","kind":"ranked","status":"superseded"}',
    (
        '{"cap_nusd":500000000000,"ends_us":1767225600000000,"kind":"opened","pool":"p_1",'
        '"window":24311}'
    ),
    '{"kind":"served","server_inc":2}',
    '{"kind":"filed","row":{"id":"t_1","name":"Zürich","org":"o_1"},"table":"team"}',
]


@pytest.mark.parametrize(("line", "golden"), [*zip(LINES, GOLDEN, strict=True)])
def test_golden_lines_hold(line: Line, golden: str) -> None:
    """A journal written today is read by every later server."""
    assert write_line(line) == golden
    assert read_line(golden) == line


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind":"granted"}', '{"kind":"spent"}', "x"])
def test_what_is_no_line_is_refused(text: str) -> None:
    """Nothing is guessed from a journal."""
    with pytest.raises(NotCanonical):
        read_line(text)
