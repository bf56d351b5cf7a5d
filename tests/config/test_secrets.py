"""`KeyStore`: which place counts, what falls back to what, and that no key ever shows."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import keyring.core
import pytest

from agentspend.config import secret_file
from agentspend.config.secrets import KeyStore, NoKeyringError, PassphraseError
from agentspend.core.errors import KeyStoreError
from tests.config.test_secrets_keyring import SAFE, Memory, backend

KEY = "sk-ant-api03-canary-4711"
PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypted files that open at once."""
    monkeypatch.setattr(secret_file, "COST_LOG2", 4)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A keyring to trust."""
    found = backend(SAFE)
    monkeypatch.setattr(keyring.core, "_keyring_backend", found)
    return found


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session without a keyring."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend("keyring.backends.fail"))


def store(data: Path, passphrase: str = "", **env: str) -> KeyStore:
    return KeyStore(data, env, passphrase, 5)


def put(path: Path, text: str = f"{KEY}\n", mode: int = 0o400) -> Path:
    """A file that somebody else made."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_empty_store_asks_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stored nothing is never asked to unlock a keyring."""
    monkeypatch.setattr(keyring.core, "get_keyring", None)
    monkeypatch.setattr(keyring, "get_keyring", None)
    empty = store(tmp_path)
    assert empty.read("anthropic") is None
    assert empty.stored() == []
    assert not empty.locked()
    assert list(tmp_path.iterdir()) == []


def test_keyring_comes_first(tmp_path: Path, memory: Memory) -> None:
    """With a keyring to trust nothing of the key is on disk, passphrase or not."""
    for passphrase in ("", PASSPHRASE):
        kept = store(tmp_path, passphrase)
        assert kept.write("anthropic", f" {KEY}\n") == "the OS keyring (SecretService)"
        assert kept.read("anthropic") == KEY
        assert kept.stored() == [("anthropic", "the OS keyring (SecretService)")]
    assert list(memory.kept.values()) == [KEY]
    assert [path.read_text() for path in (tmp_path / "keys").iterdir()] == ["SecretService\n"]


def test_stored_unlocks_nothing(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saying where a key is does not touch the keyring that holds it."""
    store(tmp_path).write("anthropic", KEY)
    monkeypatch.setattr(keyring, "get_keyring", None)
    assert store(tmp_path).stored() == [("anthropic", "the OS keyring (SecretService)")]


def test_two_homes_do_not_share_a_key(tmp_path: Path, memory: Memory) -> None:
    """A second AGENTSPEND_HOME neither sees, overwrites nor removes the first one's key."""
    first, second = store(tmp_path / "a"), store(tmp_path / "b")
    first.write("anthropic", KEY)
    assert second.read("anthropic") is None
    second.write("anthropic", f"{KEY}-b")
    assert first.read("anthropic") == KEY
    assert second.remove("anthropic") == ["the OS keyring (SecretService)"]
    assert first.read("anthropic") == KEY


def test_without_keyring_a_passphrase_encrypts(tmp_path: Path, nobody: None) -> None:
    """The encrypted file is for its owner only, and opens for its passphrase only."""
    kept = store(tmp_path / "new", PASSPHRASE)
    path = tmp_path / "new/keys/anthropic.encrypted"
    assert kept.write("anthropic", KEY) == f"the encrypted file {path}"
    assert kept.read("anthropic") == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert KEY.encode() not in path.read_bytes()


def test_headless_user_gets_every_option(tmp_path: Path, nobody: None) -> None:
    """Without keyring and passphrase nothing is written, and one message says what can be done."""
    with pytest.raises(NoKeyringError) as raised:
        store(tmp_path).write("anthropic", KEY)
    assert raised.value.message == (
        "anthropic's key was not stored: there is no OS keyring in this session"
    )
    for option in ("gnome-keyring-daemon", "agentspend keys set anthropic",
                   "AGENTSPEND_ANTHROPIC_KEY_FILE=", "systemd-creds encrypt",
                   "--plain-file"):  # fmt: skip
        assert option in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_encrypted_key_waits_for_its_passphrase(tmp_path: Path, nobody: None) -> None:
    """`locked` until the right passphrase is known; a wrong one is an error, none is no key."""
    store(tmp_path, PASSPHRASE).write("anthropic", KEY)
    assert store(tmp_path).locked()
    assert store(tmp_path, "wrong").locked()
    assert not store(tmp_path, PASSPHRASE).locked()
    assert store(tmp_path).read("anthropic") is None
    with pytest.raises(PassphraseError, match="does not open"):
        store(tmp_path, "wrong").read("anthropic")


def test_damaged_file_is_not_locked(tmp_path: Path, nobody: None) -> None:
    """No passphrase mends a damaged file, so none is asked for; reading says what to do."""
    kept = store(tmp_path, PASSPHRASE)
    kept.write("anthropic", KEY)
    put(tmp_path / "keys/anthropic.encrypted", "not ours")
    assert not kept.locked()
    with pytest.raises(KeyStoreError, match="is damaged") as raised:
        kept.read("anthropic")
    assert raised.value.hint == "agentspend keys set anthropic stores the key anew"


def test_a_file_is_opened_once(
    tmp_path: Path, nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`locked` and then `read` pay for one scrypt, and a file replaced since is opened anew."""
    kept = store(tmp_path, PASSPHRASE)
    kept.write("anthropic", KEY)
    assert not kept.locked()
    with monkeypatch.context() as patched:
        patched.setattr(secret_file, "_derive", None)
        assert kept.read("anthropic") == KEY
    store(tmp_path, PASSPHRASE).write("anthropic", f"{KEY}-2")
    assert kept.read("anthropic") == f"{KEY}-2"


def test_writing_leaves_no_older_key_behind(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key has one place of ours: what is written last is what is read."""
    kept = store(tmp_path, PASSPHRASE)
    kept.write_encrypted("anthropic", f"{KEY}-1")
    kept.write("anthropic", f"{KEY}-2")
    assert kept.places("anthropic") == ["the OS keyring (SecretService)"]
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend("keyring.backends.fail"))
    kept.write("anthropic", f"{KEY}-3")
    assert kept.read("anthropic") == f"{KEY}-3"
    assert len(kept.places("anthropic")) == 1


def test_order_of_places(tmp_path: Path, memory: Memory) -> None:
    """What the machine's owner hands in comes first: file, variable, systemd; then what is kept."""
    secret = put(tmp_path / "secret", "from-file")
    put(tmp_path / "agentspend-anthropic", "from-systemd")
    env = {
        "AGENTSPEND_ANTHROPIC_KEY_FILE": str(secret),
        "AGENTSPEND_ANTHROPIC_KEY": "from-variable",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    data = tmp_path / "data"
    store(data).write("anthropic", "from-keyring")
    sealed = KeyStore(tmp_path / "other", {}, PASSPHRASE)
    sealed.write_encrypted("anthropic", "from-encrypted")
    (tmp_path / "other/keys/anthropic.encrypted").rename(data / "keys/anthropic.encrypted")
    found = []
    while (kept := KeyStore(data, env, PASSPHRASE)).stored():
        found.append((kept.read("anthropic"), kept.stored()[0][1]))
        if env:
            env.pop(next(iter(env)))
        elif len(found) == 4:
            (data / "keys/anthropic.keyring").unlink()
        else:
            (data / "keys/anthropic.encrypted").unlink()
    assert found == [
        ("from-file", f"{secret} (AGENTSPEND_ANTHROPIC_KEY_FILE)"),
        ("from-variable", "AGENTSPEND_ANTHROPIC_KEY"),
        ("from-systemd", "systemd's credential agentspend-anthropic"),
        ("from-keyring", "the OS keyring (SecretService)"),
        ("from-encrypted", f"the encrypted file {data}/keys/anthropic.encrypted"),
    ]


def test_a_place_that_fails_does_not_fall_through(tmp_path: Path, memory: Memory) -> None:
    """A key file that is missing is an error, not a reason to bill another key."""
    store(tmp_path).write("anthropic", KEY)
    missing = tmp_path / "missing"
    with pytest.raises(KeyStoreError, match=r"missing .* cannot be read: No such file"):
        store(tmp_path, AGENTSPEND_ANTHROPIC_KEY_FILE=str(missing)).read("anthropic")


def test_empty_variables_are_unset(tmp_path: Path) -> None:
    """An empty variable is as good as none, as in a shell."""
    env = {"AGENTSPEND_ANTHROPIC_KEY_FILE": "", "AGENTSPEND_ANTHROPIC_KEY": "",
           "CREDENTIALS_DIRECTORY": ""}  # fmt: skip
    assert store(tmp_path, **env).read("anthropic") is None


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o600, 0o664])
def test_container_secret_is_read(tmp_path: Path, mode: int) -> None:
    """A secret that others may read, as containers mount them, is taken; so is a link to one."""
    put(tmp_path / "..data", mode=mode)
    (tmp_path / "secret").symlink_to("..data")
    path = str(tmp_path / "secret")
    assert store(tmp_path, AGENTSPEND_ANTHROPIC_KEY_FILE=path).read("anthropic") == KEY


def test_key_file_that_all_may_write_is_refused(tmp_path: Path) -> None:
    """Whoever can write the file decides where prompts are billed."""
    path = str(put(tmp_path / "secret", mode=0o602))
    with pytest.raises(KeyStoreError, match="can be changed by everybody") as raised:
        store(tmp_path, AGENTSPEND_ANTHROPIC_KEY_FILE=path).read("anthropic")
    assert raised.value.hint == f"chmod o-w {path}"


def test_key_file_must_be_a_file(tmp_path: Path) -> None:
    """A folder or a pipe that nobody writes is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(KeyStoreError, match="is not a regular file"):
            store(tmp_path, AGENTSPEND_ANTHROPIC_KEY_FILE=str(path)).read("anthropic")


@pytest.mark.parametrize(
    ("key", "said"),
    [("", "it is empty"), (" \r\n", "it is empty"), ("sk ant", "more than a key"),
     (f"{KEY}\nuser: me", "more than a key"), ("x" * 4097, "longer than 4096"),
     ("sk-ant-ключ", "a character that no key has"), ("sk-ant-\x1b[0m", "a character that no key"),
     ("\ufeffsk-ant", "a character that no key"), ("sk-ant-oat01-x", "a subscription login")],
)  # fmt: skip
def test_what_is_no_key_is_refused(tmp_path: Path, memory: Memory, key: str, said: str) -> None:
    """The same check stands before every place, coming and going, and does not repeat the text."""
    with pytest.raises(KeyStoreError, match=said) as raised:
        store(tmp_path).write("anthropic", key)
    assert memory.kept == {}
    path = put(tmp_path / "secret", key)
    with pytest.raises(KeyStoreError, match=said) as from_file:
        store(tmp_path, AGENTSPEND_ANTHROPIC_KEY_FILE=str(path)).read("anthropic")
    for error in (raised.value, from_file.value):
        assert not key.strip() or key.strip() not in error.message + error.hint


def test_binary_key_file_is_refused_without_its_content(tmp_path: Path) -> None:
    """Bytes that are no text are an error that holds none of them."""
    (tmp_path / "secret").write_bytes(KEY.encode() + b"\xff")
    with pytest.raises(KeyStoreError, match="a character that no key has") as raised:
        store(tmp_path, AGENTSPEND_ANTHROPIC_KEY_FILE=f"{tmp_path}/secret").read("anthropic")
    assert not leaks(raised.value)


def test_key_gone_from_the_keyring_is_told(tmp_path: Path, memory: Memory) -> None:
    """A key deleted behind our back is an error with the way out, until it is set or removed."""
    kept = store(tmp_path)
    kept.write("anthropic", KEY)
    memory.kept.clear()
    with pytest.raises(KeyStoreError, match=r"not in the OS keyring \(SecretService\) any more"):
        kept.read("anthropic")
    assert kept.remove("anthropic") == ["the OS keyring (SecretService)"]
    assert kept.read("anthropic") is None


def test_keyring_out_of_reach_is_told(tmp_path: Path, memory: Memory, nobody: None) -> None:
    """A daemon without the session's keyring says so; removing forgets, and owns up to the rest."""
    put(tmp_path / "note")
    (tmp_path / "keys").mkdir()
    put(tmp_path / "keys/anthropic.keyring", "SecretService\n")
    with pytest.raises(NoKeyringError, match="cannot be read: there is no OS keyring"):
        store(tmp_path).read("anthropic")
    with pytest.raises(KeyStoreError, match=r"SecretService\) may still hold it: there is no OS"):
        store(tmp_path).remove("anthropic")
    assert store(tmp_path).read("anthropic") is None
    assert store(tmp_path).remove("anthropic") == []


def test_remove_finds_a_key_without_a_note(tmp_path: Path, memory: Memory) -> None:
    """A write that reached the keyring after it was given up is found when it is to go."""
    store(tmp_path).write("anthropic", KEY)
    (tmp_path / "keys/anthropic.keyring").unlink()
    assert store(tmp_path).remove("anthropic") == ["the OS keyring"]
    assert memory.kept == {}


def test_remove_deletes_the_encrypted_file(tmp_path: Path, nobody: None) -> None:
    """No passphrase is needed to forget a key."""
    store(tmp_path, PASSPHRASE).write("anthropic", KEY)
    path = tmp_path / "keys/anthropic.encrypted"
    assert store(tmp_path).remove("anthropic") == [f"the encrypted file {path}"]
    assert not path.exists()


def test_full_or_read_only_disk_is_told(tmp_path: Path, nobody: None) -> None:
    """A folder that cannot be written becomes a sentence."""
    put(tmp_path / "file")
    with pytest.raises(KeyStoreError, match="cannot be written: "):
        store(tmp_path / "file", PASSPHRASE).write("anthropic", KEY)


def test_no_key_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `repr` nor any error, with all it was raised from, holds a key or passphrase."""
    env: Mapping[str, str] = {"AGENTSPEND_ANTHROPIC_KEY": KEY}
    kept = KeyStore(tmp_path, env, KEY)
    kept.write_encrypted("anthropic", KEY)
    assert kept.read("anthropic") == KEY
    assert not KeyStore(tmp_path, {}, KEY).locked()
    assert KEY not in repr(kept) + str(kept) + repr(kept.stored())

    def refuse(*_: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr(keyring.core, "_keyring_backend", backend(SAFE, set_password=refuse))
    with pytest.raises(NoKeyringError) as raised:
        store(tmp_path).write("anthropic", KEY)
    assert not leaks(raised.value)


def leaks(error: BaseException | None) -> bool:
    """Whether a key stands in an error or in any error behind it."""
    while error is not None:
        if KEY in f"{error!r} {error} {vars(error)}":
            return True
        error = error.__cause__ or error.__context__
    return False


def test_any_provider_by_name(tmp_path: Path, nobody: None) -> None:
    """A configured one has its key in our variable, in the one it names, or in its own file."""
    variables = {"gateway": "CORP_KEY", "my-vllm": ""}
    named = KeyStore(tmp_path, {"CORP_KEY": KEY}, variables=variables)
    assert named.places("gateway") == ["CORP_KEY"]
    assert named.read("gateway") == KEY
    assert KeyStore(tmp_path, {"CORP_KEY": KEY}).read("gateway") is None
    ours = {"AGENTSPEND_GATEWAY_KEY": f"{KEY}-2", "CORP_KEY": KEY}
    assert KeyStore(tmp_path, ours, variables=variables).read("gateway") == f"{KEY}-2"
    assert store(tmp_path, AGENTSPEND_MY_VLLM_KEY=KEY).read("my-vllm") == KEY
    sealed = store(tmp_path, PASSPHRASE)
    sealed.write_encrypted("gone-since", KEY)
    assert "gone-since" in sealed.names()
    assert {"deepseek", "gateway", "my-vllm"} <= set(named.names())
    assert dict(sealed.stored())["gone-since"].endswith("gone-since.encrypted")
