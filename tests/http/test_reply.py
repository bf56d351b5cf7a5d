"""A whole answer of our own."""

from agentspend.http.reply import Reply, first_line, plain


def test_its_head_has_its_length_and_the_hour() -> None:
    """And what this connection adds; no header of the reply counts against its length."""
    head = Reply(402, {"A": "b", "Content-Length": "9"}, b"caf\xc3\xa9").head(("C", "d"))

    assert head.startswith(b"HTTP/1.1 402 Payment Required\r\nA: b\r\nContent-Length: 5\r\nDate: ")
    assert head.endswith(b" GMT\r\nC: d\r\n\r\n")


def test_a_status_that_http_has_no_words_for() -> None:
    """The provider's own, or none."""
    assert first_line(529, "Overloaded") == "HTTP/1.1 529 Overloaded"
    assert first_line(529) == "HTTP/1.1 529 "


def test_a_sentence_that_is_no_text_is_said_all_the_same() -> None:
    """A request's own odd bytes may stand in it."""
    assert plain(404, "no \udce9").body == b"no ?\n"
