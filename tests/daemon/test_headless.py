"""A machine without a screen, a keyring or a terminal: one `keys set`, and no prompt after it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.helpers import KEY
from tests.support.process import ROOT, Home

ASK = """
import json, os, urllib.request as u
body = {"model": "claude-sonnet-5", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
head = {"content-type": "application/json", "x-api-key": os.environ["ANTHROPIC_API_KEY"]}
url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
print(u.urlopen(u.Request(url, json.dumps(body).encode(), head)).status)
"""  # noqa: E501


@pytest.fixture(autouse=True)
def _headless(home: Home) -> None:
    """As sshd leaves it: no display, no bus, and a keyring that is none."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
        home.env.pop(name, None)


def over_ssh(home: Home, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command without any terminal to ask on: a session of its own, and nothing to read."""
    return subprocess.run(
        [sys.executable, "-m", "agentspend", *words],
        env={**home.env, "PYTHONPATH": str(ROOT)}, cwd=home.user, stdin=subprocess.DEVNULL,
        start_new_session=True, text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def keys_of(home: Home) -> Path:
    """Where the kept keys lie."""
    return home.home / "keys"


def test_one_keys_set_and_then_no_prompt(home: Home) -> None:
    """Across restarts of the daemon; the key is in its memory and in no agent's environment."""
    done = home.run("keys", "set", "anthropic", "--plain-file", stdin=KEY)
    assert done.returncode == 0, done.stderr

    for _ in range(2):
        ran = over_ssh(home, "run", "--", sys.executable, "-c", ASK)
        assert (ran.returncode, ran.stdout) == (0, "200\n"), ran.stderr
        assert "passphrase" not in ran.stderr
        home.run("daemon", "stop")
    shown = over_ssh(home, "run", "--", "env")
    assert KEY not in shown.stdout + shown.stderr
    assert [path.name for path in keys_of(home).iterdir()] == ["anthropic.plain"]


def test_without_the_flag_nothing_is_kept_in_the_open(home: Home) -> None:
    """A pipe and no keyring: an error with every way, the plain file as the last of them."""
    done = home.run("keys", "set", "anthropic", stdin=KEY)

    assert done.returncode == 1
    assert "agentspend keys set anthropic --plain-file" in done.stderr
    assert not keys_of(home).exists()


def test_a_locked_key_is_told_where_nobody_can_be_asked(home: Home) -> None:
    """`run` does not hang on a prompt that nobody sees: it says what it goes on without."""
    from agentspend.config.secrets import KeyStore

    KeyStore(home.home, {}, "a long passphrase").write_encrypted("anthropic", KEY)
    ran = over_ssh(home, "run", "--", "echo", "went on")

    assert ran.stdout == "went on\n"
    assert "wait for their passphrase" in ran.stderr
    assert "--plain-file" in ran.stderr
