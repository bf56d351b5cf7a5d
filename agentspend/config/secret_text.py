"""What a provider key looks like, and reading one from a file. No error text holds any of a key."""

import os
import stat
from pathlib import Path

from agentspend.config.ready_providers import READY
from agentspend.core.errors import KeyStoreError

MAX_KEY_CHARS = 4096
"""Far above any provider's keys, and below the 8,190 bytes aiohttp takes for a header."""
MAX_FILE_BYTES = 4 * MAX_KEY_CHARS
KEY_BEGINS = {each.name: each.key_begins for each in READY.values() if each.key_begins}
"""How a provider's own keys begin; a gateway in front of it may have others."""
LOGIN_BEGINS = {"anthropic": "sk-ant-oat"}
"""How a subscription's login tokens begin (`claude setup-token` prints one)."""


def checked_key(provider: str, text: str, source: str) -> str:
    """The key in `text`, without the blanks around it; `source` names where it came from.

    A key travels in a header, where only visible ASCII is safe (RFC 9110 §5.5).
    """
    key = text.strip()
    if not key:
        raise KeyStoreError(
            f"{source} holds no key: it is empty",
            f"agentspend keys set {provider}    asks for it on a terminal, or takes it from a pipe",
        )
    if len(key) > MAX_KEY_CHARS:
        raise KeyStoreError(f"{source} holds no key: it is longer than {MAX_KEY_CHARS} characters")
    if any(char.isspace() for char in key):
        raise KeyStoreError(
            f"{source} holds more than a key: there is a blank or a new line inside",
            "where the key is the first line:  pass show NAME | head -n1 |"
            f" agentspend keys set {provider}",
        )
    if not (key.isascii() and key.isprintable()):
        raise KeyStoreError(
            f"{source} holds a character that no key has", "copy the key again, as plain text"
        )
    if provider in LOGIN_BEGINS and key.startswith(LOGIN_BEGINS[provider]):
        raise KeyStoreError(
            f"{source} holds the token of a subscription login ({LOGIN_BEGINS[provider]}…),"
            " not an API key",
            "nothing to store: a logged-in agent brings its own token, and it is passed through",
        )
    return key


def looks_right(provider: str, key: str) -> bool:
    """Whether a key begins as this provider's own keys do."""
    return key.startswith(KEY_BEGINS.get(provider, ""))


def key_in_file(provider: str, path: Path, source: str) -> str:
    """The key in a file that somebody else put there, such as a container's secret.

    Those are often root's and readable by all (0444), so who may read it is not ours to judge.
    Who may write it is: whoever can put another key there decides where prompts are billed.
    """
    try:
        content = _content(path, source)
    except OSError as error:
        raise KeyStoreError(
            f"{source} cannot be read: {error.strerror}", f"ls -l {path}"
        ) from error
    return checked_key(provider, content.decode("utf-8", "replace"), source)


def own_key_in_file(provider: str, path: Path, source: str) -> str:
    """The key in a file of ours, which nobody but its owner may read."""
    try:
        found = path.stat()
        content = _content(path, source)
    except OSError as error:
        raise KeyStoreError(
            f"{source} cannot be read: {error.strerror}", f"ls -l {path}"
        ) from error
    if found.st_uid != os.getuid():
        raise KeyStoreError(f"{source} is another user's", f"ls -l {path}")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyStoreError(
            f"{source} is open to other users of this machine, so the key may be known to them",
            f"replace the key at the provider; then agentspend keys set {provider} --plain-file",
        )
    return checked_key(provider, content.decode("utf-8", "replace"), source)


def _content(path: Path, source: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise KeyStoreError(f"{source} is not a regular file", "name a file that holds the key")
        if mode & stat.S_IWOTH:
            raise KeyStoreError(f"{source} can be changed by everybody here", f"chmod o-w {path}")
        return os.read(handle, MAX_FILE_BYTES)
    finally:
        os.close(handle)
