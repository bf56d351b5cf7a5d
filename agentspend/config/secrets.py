"""Where provider keys are kept, and how they are read back: `KeyStore`.

A key goes into the OS keyring (`secret_keyring`), or into a file encrypted with a passphrase
(`secret_file`), or, where a person asks for just that, into a file that only its owner can read;
what a machine's owner hands in by variable, file or systemd comes before all three. The folder
`keys` beside the ledger holds the files, and a note for each key in the keyring: so that nobody
without a stored key is ever asked to unlock a keyring, and `stored` asks nobody.
No key is printed, logged, or part of a `repr`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agentspend.config import secret_file, secret_keyring
from agentspend.config.ready_providers import READY, key_variable
from agentspend.config.secret_file import PassphraseError
from agentspend.config.secret_keyring import NoKeyringError
from agentspend.config.secret_text import checked_key, key_in_file, own_key_in_file
from agentspend.core.errors import KeyStoreError

__all__ = ["KeyStore", "NoKeyringError", "PassphraseError"]

KEYRING_WITHIN_S = 10.0
_KINDS = (".keyring", ".encrypted", ".plain")


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The provider keys of one user. `data` is the ledger's folder. Reading may block.

    `variables` are the configured providers with the variable that each says may hold its key, or
    "". A name that is only ready counts like a configured one: its key may be stored first.
    """

    data: Path
    env: Mapping[str, str] = field(repr=False)
    passphrase: str = field(default="", repr=False)
    keyring_within_s: float = KEYRING_WITHIN_S
    variables: Mapping[str, str] = field(default_factory=dict)
    _opened: dict[bytes, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def places(self, provider: str) -> list[str]:
        """Where this provider's key is, in words; the first is the one that is read."""
        return [where for where, _ in self._sources(provider)]

    def names(self) -> list[str]:
        """Every provider that may have a key: ready, configured, or with one that was stored."""
        folder = self.data / "keys"
        kept = [path.stem for kind in _KINDS for path in sorted(folder.glob(f"*{kind}"))]
        return list(dict.fromkeys([*READY, *self.variables, *kept]))

    def stored(self) -> list[tuple[str, str]]:
        """(provider, where) for every provider that has a key. Opens and unlocks nothing."""
        found = ((provider, self.places(provider)) for provider in self.names())
        return [(provider, places[0]) for provider, places in found if places]

    def read(self, provider: str) -> str | None:
        """The key; None when there is none, or when it waits for a first passphrase (`locked`).

        A place that should hold a key and does not is an error: nothing falls through to another
        key that nobody meant.
        """
        for _, read in self._sources(provider):
            try:
                return read()
            except PassphraseError:
                if self.passphrase:
                    raise
                return None
        return None

    def write(self, provider: str, key: str) -> str:
        """Keep a key in the OS keyring, else encrypted with the passphrase; returns where.

        `NoKeyringError` when there is no keyring to trust and no passphrase either.
        """
        checked = checked_key(provider, key, "this")
        try:
            name = secret_keyring.store(self._account(provider), checked, self.keyring_within_s)
        except NoKeyringError as error:
            if self.passphrase:
                return self.write_encrypted(provider, checked)
            raise NoKeyringError(
                f"{provider}'s key was not stored: {error.message}", _options(provider)
            ) from None
        self._save(self._note(provider), f"{name}\n".encode())
        self._only(self._note(provider))
        return _in_keyring(self._note(provider))

    def write_encrypted(self, provider: str, key: str) -> str:
        """Keep a key in a file encrypted with the passphrase; returns where."""
        checked = checked_key(provider, key, "this")
        if not self.passphrase:
            raise PassphraseError("an encrypted file needs a passphrase", _options(provider))
        path = self._sealed(provider)
        self._save(path, secret_file.seal(provider, checked, self.passphrase))
        self._only(path)
        return _in_file(path)

    def write_plain(self, provider: str, key: str) -> str:
        """Keep a key unencrypted, in a file that only this user can read; returns where.

        Never a fallback: a person has to ask for it.
        """
        path = self._plain(provider)
        self._save(path, f"{checked_key(provider, key, 'this')}\n".encode())
        self._only(path)
        return _in_plain(path)

    def remove(self, provider: str) -> list[str]:
        """Forget a key; returns where it was. What the machine's owner hands in is not ours.

        The keyring is asked even without a note of ours: a write that was given up may have
        reached it afterwards.
        """
        gone, note = [], self._note(provider)
        kept = ((self._sealed(provider), _in_file), (self._plain(provider), _in_plain))
        for path, called in kept:
            if path.exists():
                path.unlink()
                gone.append(called(path))
        noted = note.exists()
        where = _in_keyring(note)
        note.unlink(missing_ok=True)
        try:
            deleted = secret_keyring.delete(self._account(provider), self.keyring_within_s)
        except NoKeyringError as error:
            if noted:
                raise KeyStoreError(
                    f"{provider}'s key is not used any more, but {where} may still hold it:"
                    f" {error.message}",
                    f"unlock it, then once more: agentspend keys remove {provider}",
                ) from None
            deleted = False
        return [*gone, where] if deleted or noted else gone

    def locked(self) -> bool:
        """Whether a key waits in an encrypted file for a passphrase, or for another one."""
        return any(self._waits(provider) for provider in self.names())

    def _waits(self, provider: str) -> bool:
        path = self._sealed(provider)
        if self.places(provider)[:1] != [_in_file(path)]:
            return False
        try:
            self._unsealed(provider, path)
        except PassphraseError:
            return True
        except KeyStoreError:
            return False
        return False

    def _sources(self, provider: str) -> Iterator[tuple[str, Callable[[], str]]]:
        """Places that have a key, in words, with the way to read each; the first one counts."""
        variable = key_variable(provider)
        if named := self.env.get(f"{variable}_FILE"):
            where = f"{named} ({variable}_FILE)"
            yield where, partial(key_in_file, provider, Path(named), where)
        if key := self.env.get(variable):
            yield variable, partial(checked_key, provider, key, variable)
        own = self.variables.get(provider, "")
        if key := self.env.get(own):
            yield own, partial(checked_key, provider, key, own)
        if folder := self.env.get("CREDENTIALS_DIRECTORY"):
            credential = Path(folder) / f"agentspend-{provider}"
            where = f"systemd's credential {credential.name}"
            if credential.exists():
                yield where, partial(key_in_file, provider, credential, where)
        note = self._note(provider)
        if note.exists():
            where = _in_keyring(note)
            yield where, partial(self._from_keyring, provider, where)
        path = self._sealed(provider)
        if path.exists():
            yield _in_file(path), partial(self._unsealed, provider, path)
        plain = self._plain(provider)
        if plain.exists():
            yield _in_plain(plain), partial(own_key_in_file, provider, plain, _in_plain(plain))

    def _from_keyring(self, provider: str, where: str) -> str:
        try:
            key = secret_keyring.fetch(self._account(provider), self.keyring_within_s)
        except NoKeyringError as error:
            raise NoKeyringError(
                f"{provider}'s key in {where} cannot be read: {error.message}",
                "unlock the keyring, then restart the daemon from a session that reaches it:"
                "  agentspend daemon stop",
            ) from None
        if key is None:
            raise KeyStoreError(
                f"{provider}'s key is not in {where} any more",
                f"agentspend keys set {provider}, or agentspend keys remove {provider}",
            )
        return checked_key(provider, key, where)

    def _unsealed(self, provider: str, path: Path) -> str:
        """The key in an encrypted file, opened once: making the AES key takes half a second."""
        if not self.passphrase:
            raise PassphraseError(f"{provider}'s key waits for its passphrase")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise KeyStoreError(f"{path} cannot be read: {error.strerror}") from error
        if content not in self._opened:
            self._opened[content] = secret_file.unseal(provider, content, self.passphrase)
        return self._opened[content]

    def _account(self, provider: str) -> str:
        """The keyring's name for a key: two homes of one user (AGENTSPEND_HOME) do not share it."""
        return f"{provider} for {self.data.resolve()}"

    def _note(self, provider: str) -> Path:
        return self.data / "keys" / f"{provider}{_KINDS[0]}"

    def _sealed(self, provider: str) -> Path:
        return self.data / "keys" / f"{provider}{_KINDS[1]}"

    def _plain(self, provider: str) -> Path:
        return self.data / "keys" / f"{provider}{_KINDS[2]}"

    def _only(self, kept: Path) -> None:
        """A key has one place of ours: whatever an older one left behind goes."""
        for kind in _KINDS:
            path = kept.with_suffix(kind)
            if path != kept:
                path.unlink(missing_ok=True)

    def _save(self, path: Path, content: bytes) -> None:
        from agentspend.config.edit import write_whole

        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise KeyStoreError(f"{path} cannot be written: {error.strerror}") from error


def _in_keyring(note: Path) -> str:
    """The keyring a note speaks of, by the name people know it by."""
    name = note.read_text(errors="replace").strip() if note.exists() else ""
    return f"the OS keyring ({name})" if name else "the OS keyring"


def _in_file(path: Path) -> str:
    return f"the encrypted file {path}"


def _in_plain(path: Path) -> str:
    return f"the unencrypted file {path}"


def _options(provider: str) -> str:
    """What somebody without a keyring can do, in one message."""
    variable = f"{key_variable(provider)}_FILE"
    return (
        "any of these keeps it safe:\n"
        "  a keyring       start gnome-keyring-daemon or KWallet in this session, and try again\n"
        f"  a passphrase    agentspend keys set {provider}    on a terminal: it offers an encrypted"
        " file\n"
        f"  a secret's file {variable}=/run/secrets/…    in the daemon's environment\n"
        f"  systemd         LoadCredentialEncrypted=agentspend-{provider} in the daemon's unit;"
        " systemd-creds encrypt makes it\n"
        "or unencrypted, for you and whatever runs as you:\n"
        f"  a plain file    agentspend keys set {provider} --plain-file"
    )
