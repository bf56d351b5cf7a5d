"""The server's folder: its settings, database, journal, keys and certificate, for its owner only.

`server.toml` is written by `init` and may be edited; whatever else is in the folder is the
server's own. Light: who only asks a running server needs no more than this.
"""

import json
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from agentspend.core.errors import ConfigError

SETTINGS = "server.toml"
SOCKET = "admin.sock"
_FIELDS = {"name": str, "url": str, "listen": str, "port": int, "database": str,
           "certificate": str, "key": str}  # fmt: skip
_BOUNDS = {"connections_per_address": int, "entries_per_day": int}
"""Those that `init` leaves out: they are as they should be for nearly everybody."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `server.toml` says. `certificate` and `key` "" is plain http, on this machine only; of
    `connections_per_address` and of one device's `entries_per_day` 0 is any number."""

    name: str
    url: str
    listen: str
    port: int
    database: str
    certificate: str = "server.crt"
    key: str = "server.key"
    connections_per_address: int = 2_000
    entries_per_day: int = 200_000

    def check(self) -> None:
        """Without a certificate nothing leaves this machine. Raises `ConfigError`."""
        if not self.certificate and not is_loopback(self.listen):
            raise ConfigError(
                f"without a certificate the server would speak in the clear on {self.listen}",
                'give it a certificate and key, or listen = "127.0.0.1"',
            )

    def text(self) -> str:
        """The file as `init` writes it: TOML, which knows no surrogates and no bare DEL."""
        said = {name: json.dumps(getattr(self, name), ensure_ascii=False) for name in _FIELDS}
        return "".join(f"{name} = {each}\n" for name, each in said.items()).replace(
            "\x7f", "\\u007f"
        )


@dataclass(frozen=True, slots=True)
class Folder:
    """Where everything is."""

    path: Path

    @property
    def socket(self) -> Path:
        """Where a running server answers its own machine's owner."""
        return self.path / SOCKET

    def settings(self) -> Settings:
        """Read the settings. Raises `ConfigError`."""
        import tomllib

        file = self.path / SETTINGS
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            raise ConfigError(
                f"there is no {SETTINGS} in {self.path}",
                "agentspend-server init --org NAME, or go to the server's folder",
            ) from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file}: {error}", "mend the file") from error
        known = {**_FIELDS, **_BOUNDS}
        wrong = [name for name in found if type(found[name]) is not known.get(name)]
        wrong += [name for name in _BOUNDS if not wrong and found.get(name, 0) < 0]
        if wrong:
            raise ConfigError(f"{file}: {wrong[0]} cannot be read", f"known: {', '.join(known)}")
        try:
            settings = Settings(**found)
        except TypeError as error:
            raise ConfigError(f"{file}: {error}", "add what is missing") from error
        settings.check()
        return settings


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
