"""The stored provider keys in this process's memory: read when asked, off the event loop."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from agentspend.config.secrets import KeyStore
from agentspend.core.errors import KeyStoreError
from agentspend.daemon.log import log


class Vault:
    """Fills `keys` ({provider: key}) from the safe places; `locked`: a passphrase is needed.

    `variables` are asked for each time: the configured providers with their key's variable.
    """

    def __init__(
        self, data: Path, keys: dict[str, str], variables: Callable[[], Mapping[str, str]]
    ) -> None:
        self._data = data
        self._variables = variables
        self._keys = keys
        self._passphrase = ""
        self._opened = False
        self._turn = asyncio.Lock()
        self.locked = False

    async def ready(self) -> None:
        """Have the keys read once, as far as no person is needed; a failure goes to the log.

        A keyring that failed is not asked again until `open` is: it could cost its time limit.
        """
        async with self._turn:
            if self._opened:
                return
            self._opened = True
            try:
                await self.open()
            except KeyStoreError as error:
                log("keys_unreadable", error=error.message)

    async def open(self, passphrase: str = "") -> list[str]:
        """Read every stored key again; returns the providers that have one.

        Raises `KeyStoreError` and keeps what was known, also of the passphrase.
        """
        wanted = passphrase or self._passphrase
        found, self.locked = await asyncio.to_thread(self._read, wanted)
        self._passphrase = wanted
        self._keys.clear()
        self._keys.update(found)
        return self.providers

    @property
    def providers(self) -> list[str]:
        """The providers that have a stored key."""
        return sorted(self._keys)

    def _read(self, passphrase: str) -> tuple[dict[str, str], bool]:
        variables = self._variables()
        store = KeyStore(self._data, dict(os.environ), passphrase, variables=variables)
        found = {provider: store.read(provider) for provider in store.names()}
        return {name: key for name, key in found.items() if key}, store.locked()
