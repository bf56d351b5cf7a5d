"""A message's head in bytes: nothing in it can begin another line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.http.head import READ, BadHead, head_bytes, is_chunked, written


@pytest.mark.parametrize("bad", ["a\r\nB: c", "a\nb", "a\rb", "\r\n", "\n\r"])
def test_a_line_break_makes_no_header(bad: str) -> None:
    """In the first line, a name or a value."""
    for first, name, value in ((bad, "A", "b"), ("GET", bad, "b"), ("GET", "A", bad)):
        with pytest.raises(BadHead):
            head_bytes(first, [(name, value)])


@given(st.binary())
def test_odd_bytes_come_out_as_they_went_in(raw: bytes) -> None:
    """Whatever a value is made of, or it is refused."""
    value = str(raw, *READ)
    if b"\r" in raw or b"\n" in raw:
        with pytest.raises(BadHead):
            head_bytes("GET", [("A", value)])
    else:
        assert head_bytes("GET", [("A", value)]) == b"GET\r\nA: " + raw + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("/v1/messages", "/v1/messages"),
        ("/v1beta/models/a-1.5:generateContent", "/v1beta/models/a-1.5:generateContent"),
        ("/a b\r\nX: y", "/a%20b%0D%0AX:%20y"),
        ("/a?b#c%2F", "/a%3Fb%23c%252F"),
        ("/caf\u00e9\udce9", "/caf%C3%A9%E9"),
    ],
)
def test_a_path_can_stand_in_a_first_line(read: str, expected: str) -> None:
    """Without a space, a query or a line of its own."""
    assert written(read) == expected


def test_who_says_where_a_body_ends() -> None:
    """Chunks, in any case, alone or behind another coding."""
    assert is_chunked({"Transfer-Encoding": "gzip, Chunked"})
    assert not is_chunked({"Transfer-Encoding": "gzip"})
    assert not is_chunked({})
