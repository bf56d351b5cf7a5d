"""The mark beside a ledger: read as it was written, and never more than an older truth."""

from pathlib import Path

from agentspend.bookkeeper.rights import Mark
from agentspend.sync.mark import MarkFile


def test_what_was_marked_is_read_again(tmp_path: Path) -> None:
    """Also by the next daemon; nothing to mark leaves it as it is."""
    kept = MarkFile(tmp_path / "ledger.db")
    assert kept.read() is None
    kept.write(Mark("i_1", 7, "ab"))
    kept.write(None)
    assert MarkFile(tmp_path / "ledger.db").read() == Mark("i_1", 7, "ab")


def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    """A power cut may leave an empty file: it proves nothing."""
    (tmp_path / "ledger.mark").write_bytes(b"")
    assert MarkFile(tmp_path / "ledger.db").read() is None
