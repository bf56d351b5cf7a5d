"""The OS keyring: the only import of `keyring`, backends on an allow-list, every call bounded.

`keyring` takes whatever backend it finds: with `keyrings.alt` installed on a machine without a
keyring it stores clear text and says nothing. So only the backends below are trusted; a class that
merely derives from one of them is not.

Backends ask D-Bus or the user's desktop and may wait for either without end (a locked keyring opens
a dialogue), so every call runs on a thread of its own and is given up after a while. The thread is
a daemon thread: it does not keep the process.
"""

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from agentspend.core.errors import KeyStoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "agentspend"
TRUSTED = {
    "keyring.backends.SecretService": "SecretService",
    "keyring.backends.libsecret": "libsecret",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Manager",
}
"""Modules of `keyring` whose stores a login encrypts, and what people call them."""
CHAINER = "keyring.backends.chainer"
NOBODY = ("keyring.backends.fail", "keyring.backends.null")


class NoKeyringError(KeyStoreError):
    """There is no OS keyring to trust, or it does not do what it is asked."""


def store(account: str, key: str, within_s: float) -> str:
    """Keep a key and see that it is there; returns what people call the keyring."""

    def work() -> str:
        backend = _trusted()
        backend.set_password(SERVICE, account, key)
        if backend.get_password(SERVICE, account) != key:
            raise NoKeyringError("the OS keyring did not keep the key")
        return _name(backend)

    return _bounded(work, within_s, key)


def fetch(account: str, within_s: float) -> str | None:
    """A key that was kept, None when the keyring has none."""
    return _bounded(lambda: _trusted().get_password(SERVICE, account), within_s)


def delete(account: str, within_s: float) -> bool:
    """Take a key out; False when there was none."""

    def work() -> bool:
        backend = _trusted()
        if backend.get_password(SERVICE, account) is None:
            return False
        backend.delete_password(SERVICE, account)
        return True

    return _bounded(work, within_s)


def _trusted() -> "KeyringBackend":
    """The backend the user has, or the first in a chain of them, that is on the allow-list."""
    import keyring

    active = keyring.get_keyring()
    chained = _module(active) == CHAINER
    members: list[KeyringBackend] = list(getattr(active, "backends", ())) if chained else [active]
    for backend in members:
        if _module(backend) in TRUSTED:
            return backend
    others = [name for name in map(_full_name, members) if not name.startswith(NOBODY)]
    if others:
        raise NoKeyringError(f"the keyring here, {', '.join(others)}, is not known to be safe")
    raise NoKeyringError("there is no OS keyring in this session")


def _module(backend: "KeyringBackend") -> str:
    return type(backend).__module__


def _name(backend: "KeyringBackend") -> str:
    return TRUSTED[_module(backend)]


def _full_name(backend: "KeyringBackend") -> str:
    return f"{_module(backend)}.{type(backend).__qualname__}"


def _bounded(work: Callable[[], T], within_s: float, secret: str = "") -> T:
    """Do it on another thread; its failure, or no answer in time, becomes `NoKeyringError`."""
    answer: queue.SimpleQueue[tuple[T, None] | tuple[None, str]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put((work(), None))
        except NoKeyringError as error:
            answer.put((None, error.message))
        except Exception as error:  # noqa: BLE001 - backends raise D-Bus, GLib and RuntimeErrors
            answer.put((None, f"the OS keyring failed: {_words(error, secret)}"))

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        value, trouble = answer.get(timeout=within_s)
    except queue.Empty:
        trouble = (
            f"the OS keyring did not answer within {within_s:.0f} s; it may be waiting for its"
            " password in another window"
        )
    if trouble is not None:
        raise NoKeyringError(trouble)
    return value  # type: ignore[return-value]


def _words(error: Exception, secret: str) -> str:
    """A foreign error's first line. A backend that quotes the key does not get it past here."""
    said = str(error)
    if secret:
        said = said.replace(secret, "…")
    first = said.strip().splitlines()[0] if said.strip() else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
