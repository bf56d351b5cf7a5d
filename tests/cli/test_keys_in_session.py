"""`agentspend keys` as a program: a real GNOME keyring, terminal and `keyring` plug-in.

Each test has a home and a D-Bus session of its own, which end with it.
"""

import fcntl
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

KEY = "sk-ant-api03-canary-4711"
PASSPHRASE = "correct horse battery"
KEYS = [sys.executable, "-m", "agentspend", "keys"]
IN_KEYRING = "the OS keyring (SecretService)"
WITHIN_S = 30
UNLOCKED = "printf pw | gnome-keyring-daemon --unlock --components=secrets"
LOCKED = "gnome-keyring-daemon --start --components=secrets </dev/null"

needs_keyring = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="gnome-keyring or dbus is not installed here",
)

PLAINTEXT = """
from keyring.backend import KeyringBackend

class PlaintextKeyring(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        return None

    def set_password(self, service, username, password):
        with open("{leak}", "a") as file:
            file.write(password)

    def delete_password(self, service, username):
        pass
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A home with nothing in it, and no session bus."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AGENTSPEND_HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "COLUMNS": "200",
    }


@pytest.fixture
def plaintext(tmp_path: Path, env: dict[str, str]) -> Path:
    """`keyrings.alt` as it installs itself, before everything else; the file it would write."""
    site, leak = tmp_path / "site", tmp_path / "leak"
    (site / "keyrings/alt").mkdir(parents=True)
    (site / "keyrings/alt/file.py").write_text(PLAINTEXT.format(leak=leak))
    info = site / "keyrings.alt-5.0.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: keyrings.alt\nVersion: 5.0.2\n")
    (info / "entry_points.txt").write_text("[keyring.backends]\nfile = keyrings.alt.file\n")
    env["PYTHONPATH"] = str(site)
    return leak


def run(
    env: dict[str, str], *words: str, said: str = "", session: str = ""
) -> subprocess.CompletedProcess[str]:
    """One command without a terminal. `session` starts the keyring of a D-Bus session first."""
    command = [*KEYS, *words]
    if session:
        quoted = ' "$@"'
        command = ["dbus-run-session", "--", "sh", "-c", f"{session} >/dev/null; exec{quoted}",
                   "sh", *command]  # fmt: skip
    done = subprocess.run(command, env=env, input=said, capture_output=True, text=True,
                          timeout=WITHIN_S, start_new_session=True)  # fmt: skip
    assert KEY not in done.stdout + done.stderr
    return done


@needs_keyring
def test_key_lives_in_the_real_keyring(env: dict[str, str], tmp_path: Path) -> None:
    """A piped key survives the session in the keyring, and nowhere else; then it is removed."""
    done = run(env, "set", "anthropic", said=f"{KEY}\n", session=UNLOCKED)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"stored anthropic's key in {IN_KEYRING}" in done.stderr
    listed = run(env, "list", "--json")
    place = {"provider": "anthropic", "where": IN_KEYRING, "used": True}
    assert json.loads(listed.stdout) == {"v": 1, "keys": [place]}
    read = (
        "import os, pathlib; from agentspend.config.secrets import KeyStore\n"
        "data = pathlib.Path(os.environ['AGENTSPEND_HOME'])\n"
        f"assert KeyStore(data, {{}}).read('anthropic') == {KEY!r}\n"
    )
    inside = f'{UNLOCKED} >/dev/null; exec "{sys.executable}" -c "{read}"'
    subprocess.run(["dbus-run-session", "--", "sh", "-c", inside], env=env, check=True,
                   timeout=WITHIN_S)  # fmt: skip
    for path in tmp_path.rglob("*"):
        assert not (path.is_file() and KEY.encode() in path.read_bytes()), path
    done = run(env, "remove", "anthropic", session=UNLOCKED)
    assert f"removed anthropic's key from {IN_KEYRING}" in done.stderr
    assert json.loads(run(env, "list", "--json").stdout)["keys"] == []


@needs_keyring
def test_plain_backend_is_passed_over_for_the_real_keyring(
    env: dict[str, str], plaintext: Path
) -> None:
    """With `keyrings.alt` chained in front, the key still goes to the GNOME keyring."""
    done = run(env, "set", "anthropic", said=KEY, session=UNLOCKED)
    assert f"stored anthropic's key in {IN_KEYRING}" in done.stderr
    assert not plaintext.exists()


@needs_keyring
def test_locked_keyring_is_told(env: dict[str, str]) -> None:
    """With nobody to unlock it, a locked keyring is a clear error, not a wait."""
    run(env, "set", "anthropic", said=KEY, session=UNLOCKED)
    assert IN_KEYRING in run(env, "list", session=LOCKED).stdout
    done = run(env, "set", "anthropic", said=KEY, session=LOCKED)
    assert done.returncode == 1
    assert "anthropic's key was not stored: the OS keyring failed: KeyringLocked" in done.stderr
    assert "Traceback" not in done.stderr


def test_headless_machine_with_a_plain_backend(env: dict[str, str], plaintext: Path) -> None:
    """Where `keyrings.alt` is all there is, nothing is written, and the options are told."""
    done = run(env, "set", "anthropic", said=KEY)
    assert done.returncode == 1
    assert "the keyring here, keyrings.alt.file.PlaintextKeyring, is not known to" in done.stderr
    assert "AGENTSPEND_ANTHROPIC_KEY_FILE=" in done.stderr
    assert not plaintext.exists()


def test_argument_is_not_repeated(env: dict[str, str]) -> None:
    """A key on the command line is a usage error that does not show it again."""
    done = run(env, "set", "anthropic", KEY)
    assert done.returncode == 2
    assert "is not taken from the command line" in done.stderr


def test_terminal_shows_neither_key_nor_passphrase(env: dict[str, str]) -> None:
    """On a terminal without a keyring: hidden key, hidden passphrase twice, an encrypted file."""
    answers = [("key for anthropic", KEY), ("new passphrase", PASSPHRASE), ("again", PASSPHRASE)]
    shown, code = on_terminal(env, answers, *KEYS, "set", "anthropic")
    path = f"{env['AGENTSPEND_HOME']}/keys/anthropic.encrypted"
    assert code == 0
    assert f"stored anthropic's key in the encrypted file {path}" in shown
    assert KEY not in shown
    assert PASSPHRASE not in shown
    assert Path(path).stat().st_mode & 0o777 == 0o600


def on_terminal(
    env: dict[str, str], answers: list[tuple[str, str]], *command: str
) -> tuple[str, int]:
    """Run on a terminal, answering each prompt once it shows; returns all that showed."""
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    child = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
                             start_new_session=True, preexec_fn=take_terminal)  # fmt: skip
    os.close(theirs)
    shown, seen, ends = "", 0, time.monotonic() + WITHIN_S
    try:
        while select.select([ours], [], [], max(0, ends - time.monotonic()))[0]:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            shown += part.decode()
            if answers and answers[0][0] in shown[seen:] and shown.endswith(": "):
                seen = len(shown)
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
            if not part:
                break
        return shown.replace("\r\n", "\n"), child.wait(max(1, ends - time.monotonic()))
    finally:
        child.kill()
        os.close(ours)
