"""Starting a daemon: it says itself that it is ready, or why it cannot be."""

import sys
from pathlib import Path

import pytest

from agentspend.control import start
from agentspend.core.errors import AgentspendError, DaemonSilent, DaemonUnreachable


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """In place of the daemon: a program of the test's own; the file to write it to."""
    script = tmp_path / "child.py"
    real = start.subprocess.Popen

    def spawn(words: list[str], **settings: object) -> object:
        assert words[1:] == ["-m", "agentspend", "daemon", "run"]
        return real([sys.executable, str(script)], **settings)  # type: ignore[call-overload]

    monkeypatch.setattr(start.subprocess, "Popen", spawn)
    return script


SAY = "import os\nos.write(int(os.environ['AGENTSPEND_READY_FD']), {!r})\n"


def begin(tmp_path: Path) -> object:
    """Start it, with its log beside it."""
    return start.start_daemon(tmp_path / "s", tmp_path / "log")


def test_its_own_words_when_it_cannot_start(child: Path, tmp_path: Path) -> None:
    """An error it can put into words is the command's error, with its hint."""
    child.write_text(SAY.format(b'{"error":"port 4141 is taken","hint":"use another"}\n'))
    with pytest.raises(AgentspendError, match="port 4141 is taken") as raised:
        begin(tmp_path)
    assert raised.value.hint == "use another"


def test_it_dies_without_a_word(child: Path, tmp_path: Path) -> None:
    """A crash before it can speak points to the log, which holds its last words."""
    child.write_text("raise SystemExit('no such library')")
    with pytest.raises(DaemonUnreachable, match="did not start") as raised:
        begin(tmp_path)
    assert str(tmp_path / "log") in raised.value.hint
    assert "no such library" in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_one_that_does_not_answer_is_not_started_over(
    child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the ledger: another one could only wait for it, as long again."""
    child.write_text("raise SystemExit('started')")

    def silent(*_: object) -> object:
        raise DaemonSilent("the daemon did not answer")

    monkeypatch.setattr(start, "call", silent)
    with pytest.raises(DaemonSilent):
        start.ensure_daemon(tmp_path / "s", tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_it_never_gets_ready(child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs is given up, not waited for."""
    monkeypatch.setattr(start, "READY_WITHIN_S", 0.1)
    child.write_text("import time\ntime.sleep(5)\n")
    with pytest.raises(DaemonUnreachable, match="did not start"):
        begin(tmp_path)


def test_another_one_keeps_the_ledger_and_is_silent(
    child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that somebody holds without answering ends in an error, after a while."""
    monkeypatch.setattr(start, "READY_WITHIN_S", 0.5)
    child.write_text(SAY.format(b'{"taken":true}\n'))
    with pytest.raises(DaemonUnreachable):
        begin(tmp_path)


def test_another_one_keeps_the_ledger_and_answers(
    child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands that start a daemon at once both end up with the one that won."""
    child.write_text(SAY.format(b'{"taken":true}\n'))
    answers = iter([None, {"pid": 7}])

    def ping(*_: object) -> object:
        found = next(answers)
        if found is None:
            raise DaemonUnreachable("not yet")
        return found

    monkeypatch.setattr(start, "call", ping)
    assert begin(tmp_path) == {"pid": 7}


def test_it_inherits_no_key(child: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider key of whoever starts it gets into its environment; its own key files do."""
    for name in start.SECRETS:
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("AGENTSPEND_ANTHROPIC_KEY_FILE", "/run/key")
    found = start._environment(dict(start.os.environ))
    assert "canary" not in found.values()
    assert found["AGENTSPEND_ANTHROPIC_KEY_FILE"] == "/run/key"
