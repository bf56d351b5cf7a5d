"""`agentspend keys` as people use it: pipe or hidden prompt, real keyring or none, no key shown."""

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring.core
import pytest

from agentspend.cli import access, keys
from agentspend.cli.diagnostics import UsageError
from agentspend.config import secret_file
from agentspend.config.secrets import KeyStore, NoKeyringError, PassphraseError
from agentspend.core.errors import AgentspendError, DaemonUnreachable, KeyStoreError
from tests.config.test_secrets_keyring import SAFE, Memory, backend

KEY = "sk-ant-api03-canary-4711"
PASSPHRASE = "correct horse battery"
IN_KEYRING = "the OS keyring (SecretService)"


class Daemon:
    """Stands where a running daemon would answer, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.error: AgentspendError | None = None

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        self.asked.append((op, fields))
        if self.error:
            raise self.error
        return {"stored_keys": []}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with encrypted files that open at once."""
    for name in [name for name in os.environ if name.startswith("AGENTSPEND_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("AGENTSPEND_HOME", str(tmp_path))
    monkeypatch.setattr(secret_file, "COST_LOG2", 4)
    return tmp_path


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A keyring to trust."""
    found = backend(SAFE)
    monkeypatch.setattr(keyring.core, "_keyring_backend", found)
    return found


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, memory: Memory) -> None:
    """A session without a keyring."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend("keyring.backends.fail"))


@pytest.fixture(autouse=True)
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """A daemon that runs."""
    found = Daemon()
    monkeypatch.setattr(access, "ask", found.ask)
    monkeypatch.setattr(access, "daemon", lambda: found.asked.append(("start", {})))
    return found


@pytest.fixture(autouse=True)
def canary(capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Whatever a test does not read itself holds no key."""
    yield capfd
    assert KEY not in "".join(capfd.readouterr())


def pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What comes through the pipe."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[str]:
    """A terminal, and what a person types at its hidden prompts; returns the prompts."""
    prompts: list[str] = []
    left = list(lines)

    def typed(prompt: str) -> str:
        prompts.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    monkeypatch.setattr("getpass.getpass", typed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    return prompts


def test_key_from_a_pipe(
    monkeypatch: pytest.MonkeyPatch, memory: Memory, daemon: Daemon, canary: Any
) -> None:
    """A piped key is stored, and the running daemon reads its keys anew."""
    pipe(monkeypatch, f"{KEY}\n")
    keys.set_key("anthropic")
    assert list(memory.kept.values()) == [KEY]
    assert daemon.asked == [("keys.changed", {"passphrase": ""})]
    assert canary.readouterr() == ("", f"stored anthropic's key in {IN_KEYRING}\n")


def test_key_from_a_prompt(monkeypatch: pytest.MonkeyPatch, memory: Memory) -> None:
    """On a terminal the key is asked for without showing it."""
    prompts = type_in(monkeypatch, KEY)
    keys.set_key("anthropic")
    assert prompts == ["key for anthropic (not shown): "]
    assert list(memory.kept.values()) == [KEY]


def test_nothing_typed(monkeypatch: pytest.MonkeyPatch, memory: Memory, daemon: Daemon) -> None:
    """The end of input at the prompt changes nothing."""
    type_in(monkeypatch)
    with pytest.raises(UsageError, match="nothing was typed"):
        keys.set_key("anthropic")
    assert (memory.kept, daemon.asked) == ({}, [])


def test_key_as_an_argument_is_refused(memory: Memory) -> None:
    """A key on the command line is not taken, and not repeated either."""
    with pytest.raises(UsageError, match="is not taken from the command line") as raised:
        keys.set_key("anthropic", [KEY])
    assert KEY not in raised.value.message + raised.value.hint
    with pytest.raises(UsageError, match="no provider of that name is known; known: anthropic"):
        keys.set_key(KEY)
    assert memory.kept == {}


@pytest.mark.parametrize("command", [keys.set_key, keys.remove_key])
def test_unknown_provider(command: Any) -> None:
    """A misspelt provider is answered with the nearest one."""
    with pytest.raises(UsageError, match="no provider 'antropic' is known") as raised:
        command("antropic")
    assert raised.value.hint == "did you mean anthropic?"


def test_login_token_is_refused(monkeypatch: pytest.MonkeyPatch, memory: Memory) -> None:
    """A subscription's token is not an API key, and needs no storing."""
    pipe(monkeypatch, "sk-ant-oat01-canary")
    with pytest.raises(KeyStoreError, match="a subscription login") as raised:
        keys.set_key("anthropic")
    assert "passed through" in raised.value.hint
    assert memory.kept == {}


def test_key_of_another_shape_is_stored_with_a_word(
    monkeypatch: pytest.MonkeyPatch, memory: Memory, canary: Any
) -> None:
    """A gateway's keys look otherwise: they are stored, and what looks odd is said."""
    pipe(monkeypatch, "gateway-key")
    keys.set_key("anthropic")
    assert list(memory.kept.values()) == ["gateway-key"]
    assert "those begin with sk-ant-\n→ agentspend keys set" in canary.readouterr().err


def test_a_plain_file_is_kept_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, home: Path, nobody: None, daemon: Daemon, canary: Any
) -> None:
    """With a warning that says who can read it; nobody is asked, now or later."""
    pipe(monkeypatch, KEY)
    keys.set_key("anthropic", plain_file=True)
    path = home / "keys/anthropic.plain"
    out, err = canary.readouterr()
    assert out == ""
    assert f"the unencrypted file {path} hides nothing: whatever runs as you can read" in err
    assert f"stored anthropic's key in the unencrypted file {path}" in err
    assert path.read_text().strip() == KEY
    assert daemon.asked == [("keys.changed", {"passphrase": ""})]


def test_passphrase_is_offered_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, home: Path, nobody: None, daemon: Daemon
) -> None:
    """Without a keyring a passphrase typed twice encrypts, and the daemon learns it."""
    prompts = type_in(monkeypatch, KEY, PASSPHRASE, PASSPHRASE)
    keys.set_key("anthropic")
    assert len(prompts) == 3
    assert KeyStore(home, {}, PASSPHRASE).read("anthropic") == KEY
    assert daemon.asked == [("keys.changed", {"passphrase": PASSPHRASE})]


@pytest.mark.parametrize(
    ("typed", "said"),
    [([""], "there is no OS keyring"), (["short"], "at least 8 characters"),
     ([PASSPHRASE, PASSPHRASE + "x"], "differ"), ([], "nothing was typed")],
)  # fmt: skip
def test_passphrase_that_will_not_do(
    monkeypatch: pytest.MonkeyPatch, home: Path, nobody: None, typed: list[str], said: str
) -> None:
    """None, a short one, or two that differ: nothing is stored."""
    type_in(monkeypatch, KEY, *typed)
    with pytest.raises(AgentspendError, match=said):
        keys.set_key("anthropic")
    assert KeyStore(home, {}).stored() == []


def test_without_terminal_the_options_are_told(
    monkeypatch: pytest.MonkeyPatch, nobody: None, daemon: Daemon
) -> None:
    """A script on a machine without a keyring gets the message, and is asked nothing."""
    pipe(monkeypatch, KEY)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with pytest.raises(NoKeyringError) as raised:
        keys.set_key("anthropic")
    assert "AGENTSPEND_ANTHROPIC_KEY_FILE" in raised.value.hint
    assert daemon.asked == []


def test_no_daemon_is_no_matter(
    monkeypatch: pytest.MonkeyPatch, daemon: Daemon, canary: Any
) -> None:
    """A key can be stored before anything runs."""
    daemon.error = DaemonUnreachable("not running")
    pipe(monkeypatch, KEY)
    keys.set_key("anthropic")
    assert canary.readouterr().err == f"stored anthropic's key in {IN_KEYRING}\n"


def test_daemon_that_cannot_read_the_key(
    monkeypatch: pytest.MonkeyPatch, daemon: Daemon, canary: Any
) -> None:
    """The key is stored all the same, and what the daemon says is passed on."""
    daemon.error = AgentspendError("its keyring is locked", "unlock it")
    pipe(monkeypatch, KEY)
    keys.set_key("anthropic")
    said = canary.readouterr().err
    assert "cannot use the change: its keyring is locked\n→ unlock it" in said


def test_key_in_the_shade_is_told(monkeypatch: pytest.MonkeyPatch, canary: Any) -> None:
    """A stored key that a variable outranks is not used, and that is said."""
    monkeypatch.setenv("AGENTSPEND_ANTHROPIC_KEY", KEY)
    pipe(monkeypatch, KEY)
    keys.set_key("anthropic")
    assert "it is not used: AGENTSPEND_ANTHROPIC_KEY comes first" in canary.readouterr().err


def test_list(monkeypatch: pytest.MonkeyPatch, canary: Any) -> None:
    """Every place that has a key is shown, and which of them counts; never a key."""
    pipe(monkeypatch, KEY)
    keys.set_key("anthropic")
    monkeypatch.setenv("AGENTSPEND_ANTHROPIC_KEY", KEY)
    canary.readouterr()
    keys.list_keys()
    rows = [line.split("  ") for line in canary.readouterr().out.splitlines()[1:]]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["anthropic", "AGENTSPEND_ANTHROPIC_KEY"],
        ["anthropic", IN_KEYRING, "not used: the first one counts"],
    ]
    keys.list_keys(as_json=True)
    assert json.loads(canary.readouterr().out) == {
        "v": 1,
        "keys": [
            {"provider": "anthropic", "where": "AGENTSPEND_ANTHROPIC_KEY", "used": True},
            {"provider": "anthropic", "where": IN_KEYRING, "used": False},
        ],
    }
    assert keys.stored() == [("anthropic", "AGENTSPEND_ANTHROPIC_KEY")]


def test_list_of_none(canary: Any) -> None:
    """No key is said on stderr; stdout has no data, and JSON an empty list."""
    keys.list_keys()
    said = canary.readouterr()
    assert said.out == ""
    assert said.err.endswith("→ agentspend keys set anthropic\n")
    keys.list_keys(as_json=True)
    assert json.loads(canary.readouterr().out) == {"v": 1, "keys": []}


def test_remove(
    monkeypatch: pytest.MonkeyPatch, memory: Memory, daemon: Daemon, canary: Any
) -> None:
    """What was removed is said, the daemon forgets it, and a second time there is nothing."""
    pipe(monkeypatch, KEY)
    keys.set_key("anthropic")
    canary.readouterr()
    keys.remove_key("anthropic")
    assert canary.readouterr().err == f"removed anthropic's key from {IN_KEYRING}\n"
    assert (memory.kept, len(daemon.asked)) == ({}, 2)
    keys.remove_key("anthropic")
    assert canary.readouterr().err == "no key of anthropic was stored\n"


def test_remove_names_what_is_not_ours(monkeypatch: pytest.MonkeyPatch, canary: Any) -> None:
    """A key that the environment hands in stays, and that is said."""
    monkeypatch.setenv("AGENTSPEND_ANTHROPIC_KEY", KEY)
    keys.remove_key("anthropic")
    assert "anthropic's key still comes from AGENTSPEND_ANTHROPIC_KEY" in canary.readouterr().err


def test_unlock(monkeypatch: pytest.MonkeyPatch, home: Path, daemon: Daemon, canary: Any) -> None:
    """The right passphrase goes to the daemon, started where none runs; a wrong one does not."""
    keys.unlock_keys()
    assert canary.readouterr().err == "no key waits for a passphrase\n"
    KeyStore(home, {}, PASSPHRASE).write_encrypted("anthropic", KEY)
    pipe(monkeypatch, "wrong\n")
    with pytest.raises(PassphraseError, match="does not open"):
        keys.unlock_keys()
    assert daemon.asked == []
    pipe(monkeypatch, f"{PASSPHRASE}\n")
    keys.unlock_keys()
    assert daemon.asked == [("start", {}), ("keys.changed", {"passphrase": PASSPHRASE})]
