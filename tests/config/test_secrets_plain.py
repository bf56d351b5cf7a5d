"""A key in a file that only its owner can read, for machines where nobody can be asked."""

import os
import stat
from pathlib import Path

import pytest

from agentspend.core.errors import KeyStoreError
from tests.config.test_secrets import KEY, PASSPHRASE, cheap, memory, store
from tests.config.test_secrets_keyring import Memory

__all__ = ["cheap", "memory"]


def test_a_plain_file_is_its_owners_alone(tmp_path: Path, memory: Memory) -> None:
    """Kept because somebody asked for it: mode 0600 in a folder of 0700, and read without a word
    from anybody. What was kept elsewhere before is not read any more."""
    kept = store(tmp_path / "new", PASSPHRASE)
    kept.write("anthropic", f"{KEY}-1")
    kept.write_encrypted("anthropic", f"{KEY}-2")
    path = tmp_path / "new/keys/anthropic.plain"
    assert kept.write_plain("anthropic", KEY) == f"the unencrypted file {path}"
    assert path.read_text() == f"{KEY}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    headless = store(tmp_path / "new")
    assert headless.places("anthropic") == [f"the unencrypted file {path}"]
    assert (headless.read("anthropic"), headless.locked()) == (KEY, False)
    kept.write("anthropic", f"{KEY}-3")
    assert not path.exists()
    assert kept.read("anthropic") == f"{KEY}-3"
    kept.write_plain("anthropic", KEY)
    assert kept.remove("anthropic")[0] == f"the unencrypted file {path}"
    assert kept.read("anthropic") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_plain_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """They may know the key by now; and no other key is used in its place."""
    kept = store(tmp_path)
    kept.write_plain("anthropic", KEY)
    path = tmp_path / "keys/anthropic.plain"
    path.chmod(mode)
    with pytest.raises(KeyStoreError, match="open to other users") as raised:
        kept.read("anthropic")
    assert "--plain-file" in raised.value.hint
    assert KEY not in raised.value.message


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_a_plain_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Whoever can put another key there decides where prompts are billed."""
    kept = store(tmp_path)
    kept.write_plain("anthropic", KEY)
    os.chown(tmp_path / "keys/anthropic.plain", 65_534, 65_534)
    with pytest.raises(KeyStoreError, match="another user's"):
        kept.read("anthropic")
