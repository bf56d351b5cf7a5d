"""The journal on disk: what was answered is in it, whatever happens to the server."""

from pathlib import Path

import pytest

from agentspend.core.errors import AgentspendError
from sync_server import journal_file
from sync_server.allowance.journal import Granted, Line, Opened
from sync_server.journal_file import KEPT, JournalFile


def lines(*sums: int) -> list[Line]:
    """Grants of these sums."""
    return [Granted("i_1", "p", 1, each) for each in sums]


def sums(journal: JournalFile, after_seq: int = 0) -> list[tuple[int, int]]:
    """Numbers and sums as they are read back."""
    return [(seq, line.granted_nusd) for seq, line in journal.lines(after_seq)
            if isinstance(line, Granted)]  # fmt: skip


def test_lines_are_read_back_in_order(tmp_path: Path) -> None:
    """Also by the next server, and from a number on."""
    journal = JournalFile(tmp_path / "j")
    journal.append(0, lines(5, 6))
    journal.append(2, [])
    journal.append(2, lines(7))
    journal.close()
    again = JournalFile(tmp_path / "j")
    assert sums(again) == [(1, 5), (2, 6), (3, 7)]
    assert sums(again, 2) == [(3, 7)]
    assert (tmp_path / "j").stat().st_mode & 0o777 == 0o600


def test_a_command_in_the_folder_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`serve` right behind `team set-cap` starts, as soon as that has ended."""
    command = JournalFile(tmp_path / "j")
    monkeypatch.setattr(journal_file.time, "sleep", lambda _: command.close())
    JournalFile(tmp_path / "j").close()


def test_two_servers_cannot_write_one_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second says so at its start, and may start once the first has ended."""
    monkeypatch.setattr(journal_file, "LOCK_AGAIN_S", 0)
    first = JournalFile(tmp_path / "j")
    with pytest.raises(AgentspendError, match="another server"):
        JournalFile(tmp_path / "j")
    first.close()
    JournalFile(tmp_path / "j").close()


def test_what_a_failed_transaction_wrote_is_taken_back(tmp_path: Path) -> None:
    """Its numbers are given again, and nothing of it comes back after a restart."""
    journal = JournalFile(tmp_path / "j")
    journal.append(0, lines(1))
    journal.append(1, [Opened("p", 500, 1), *lines(2)])
    journal.append(3, lines(3))
    journal.append(1, [Opened("p", 100, 1)])
    assert [line for _, line in journal.lines()] == [*lines(1), Opened("p", 100, 1)]


def test_even_the_first_lines_can_be_taken_back(tmp_path: Path) -> None:
    """However many came before them, in this life or an earlier one."""
    journal = JournalFile(tmp_path / "j")
    journal.append(0, lines(1))
    journal.close()
    journal = JournalFile(tmp_path / "j")
    journal.append(1, lines(2))
    journal.append(1, lines(3))
    for seq in range(2, 3 * KEPT):
        journal.append(seq, lines(seq))
        journal.append(seq, lines(seq + 1))
    assert sums(journal) == [(1, 1), (2, 3), *((seq, seq) for seq in range(3, 3 * KEPT + 1))]


def test_a_torn_line_was_never_answered(tmp_path: Path) -> None:
    """The power went in the middle of it: it is cut off."""
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append(0, lines(1))
    journal.append(1, lines(2))
    journal.close()
    path.write_bytes(path.read_bytes()[:-5])
    journal = JournalFile(path)
    assert sums(journal) == [(1, 1)]
    journal.append(1, lines(9))
    assert sums(journal) == [(1, 1), (2, 9)]


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_what_was_decided_together_counts_together_or_not_at_all(
    tmp_path: Path, whole: int
) -> None:
    """A cap's definition without its amount would be a cap of nothing, and nobody was answered."""
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append(0, lines(1))
    before = path.stat().st_size
    journal.append(1, [Opened("p", 500, 1), *lines(2, 3)])
    journal.close()
    rows = path.read_bytes()[before:].splitlines(keepends=True)
    torn = b"".join(rows[:whole]) + rows[whole][:-1]
    path.write_bytes(path.read_bytes()[:before] + torn)
    journal = JournalFile(path)
    assert [line for _, line in journal.lines()] == lines(1)
    journal.append(1, lines(2, 3))
    assert sums(journal) == [(1, 1), (2, 2), (3, 3)]


def test_a_journal_of_an_older_server_is_read_as_it_is(tmp_path: Path) -> None:
    """Its lines do not say whether more follows."""
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append(0, lines(1, 2, 3))
    journal.close()
    path.write_bytes(path.read_bytes().replace(b'"more":true,', b""))
    assert sums(JournalFile(path)) == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("change", [(b'"seq":2', b'"seq":3'), (b"granted", b"grunted")])
def test_a_damaged_journal_is_refused(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """A gap or a line nobody wrote: without the journal no cap is safe."""
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append(0, lines(1, 2))
    path.write_bytes(path.read_bytes().replace(*change))
    with pytest.raises(AgentspendError, match="damaged"):
        list(journal.lines())


def test_a_gap_is_found_among_lines_that_nobody_reads(tmp_path: Path) -> None:
    """At a start only the newest are read; a lost line before them shows in the numbers."""
    path = tmp_path / "j"
    journal = JournalFile(path)
    journal.append(0, lines(1, 2, 3, 4))
    assert (sums(journal, 3), journal.length()) == ([(4, 4)], 4)
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:1] + rows[2:]))
    with pytest.raises(AgentspendError, match="damaged"):
        list(journal.lines(3))


def test_a_full_disk_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half written is taken back, and later lines follow the good ones."""
    journal = JournalFile(tmp_path / "j")
    journal.append(0, lines(1))
    with monkeypatch.context() as patch:
        patch.setattr("sync_server.journal_file.os.write", _half)
        with pytest.raises(AgentspendError, match="could not be written"):
            journal.append(1, lines(2))
    journal.append(1, lines(3))
    assert sums(journal) == [(1, 1), (2, 3)]


def _half(handle: int, text: bytes) -> int:
    import posix

    return posix.write(handle, text[: len(text) // 2])
