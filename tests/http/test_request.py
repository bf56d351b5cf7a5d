"""What a client asked, as it came and as it is meant."""

import pytest

from agentspend.http.request import Request


class _Nobody:
    peer = ("127.0.0.1", 9)

    def hold(self, on: bool) -> None:
        """Nothing to hold."""


def asked(target: bytes, *headers: tuple[bytes, bytes]) -> Request:
    """A request."""
    return Request(_Nobody(), "POST", target, headers, 0)  # type: ignore[arg-type]


def test_the_path_is_read_and_the_target_kept() -> None:
    """Decoded once; the query stays as it came, also one with a question mark in it."""
    request = asked(b"/s/a%2Fb%252F/caf%C3%A9%E9%3F?x=%2F?y")

    assert request.path == "/s/a/b%2F/caf\u00e9\udce9?"
    assert request.query == "x=%2F?y"
    assert request.target.encode() == b"/s/a%2Fb%252F/caf%C3%A9%E9%3F?x=%2F?y"


def test_headers_are_found_in_either_case_and_keep_their_order() -> None:
    """Empty ones, doubles and odd bytes too."""
    request = asked(b"/", (b"X-A", b""), (b"x-b", b"\xe9"), (b"X-a", b"2"))

    assert list(request.headers.items()) == [("X-A", ""), ("x-b", "\udce9"), ("X-a", "2")]
    assert request.headers.getall("x-a") == ["", "2"]


@pytest.mark.parametrize(
    ("name", "value", "has"),
    [
        (b"A", b"b", False),
        (b"Content-Length", b"0", False),
        (b"Content-Length", b"00", False),
        (b"Content-Length", b"10", True),
        (b"Transfer-Encoding", b"chunked", True),
    ],
)
def test_whether_a_body_was_announced(name: bytes, value: bytes, has: bool) -> None:
    """By a length or by chunks."""
    assert asked(b"/", (name, value)).has_body == has
