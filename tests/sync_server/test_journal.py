"""The journal is the lock of two servers."""

from sync_server.journal import may_write


def test_only_the_newest_server_may_write() -> None:
    """A server that was replaced cannot grant out of its own database any more."""
    assert may_write(2, 2)
    assert may_write(3, 2)
    assert not may_write(1, 2)
