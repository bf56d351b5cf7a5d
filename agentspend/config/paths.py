"""Where everything of one user lies: configuration, ledger, socket, logs.

`AGENTSPEND_HOME` puts all of it under one folder; otherwise the platform's own places are used.
The socket lies beside the ledger: a runtime folder is another one, or none, in cron and over ssh,
and there a second daemon would be looked for.
"""

import os
import stat
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from agentspend.core.errors import AgentspendError

HOME = "AGENTSPEND_HOME"
MAX_SOCKET_BYTES = 100
"""A Unix socket's path may hold 108 bytes on Linux and 104 on macOS."""


def settle_home(env: MutableMapping[str, str]) -> None:
    """Name the folder of `AGENTSPEND_HOME` from the root on: the daemon, and whatever an agent
    starts, work elsewhere."""
    if env.get(HOME):
        env[HOME] = str(Path(env[HOME]).expanduser().absolute())


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders and files; none needs to exist. Folders are made 0700 by `make`."""

    config: Path
    data: Path
    run: Path
    logs: Path

    @classmethod
    def find(cls, env: Mapping[str, str] | None = None) -> "Paths":
        """The places for this environment."""
        found = os.environ if env is None else env
        home = found.get(HOME, "")
        if home:
            root = Path(home).expanduser().absolute()
            return cls(root / "config.toml", root, _short(root / "run"), root)
        import platformdirs

        dirs = platformdirs.PlatformDirs("agentspend", appauthor=False)
        data = Path(dirs.user_data_dir)
        return cls(
            config=Path(dirs.user_config_dir) / "config.toml",
            data=data,
            run=_short(data / "run"),
            logs=Path(dirs.user_log_dir),
        )

    @property
    def told(self) -> Path:
        """What `run` has said once and need not say again."""
        return self.data / "told.txt"

    @property
    def ledger(self) -> Path:
        """The ledger's database."""
        return self.data / "ledger.db"

    @property
    def lock(self) -> Path:
        """Held by the one daemon that keeps the ledger."""
        return self.data / "ledger.lock"

    def price_table(self, sha256: str) -> Path | None:
        """The file of a price table that `prices update` took over; None for the vendored one."""
        return self.data / f"prices-{sha256[:16]}.json" if sha256 else None

    @property
    def device_key(self) -> Path:
        """The device's private key, 32 bytes."""
        return self.data / "device.key"

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.run / "control.sock"

    @property
    def scratch(self) -> Path:
        """Folders of running sessions, gone with them."""
        return self.run / "sessions"

    def plain(self, agent: str) -> Path:
        """What is known of the files that lead a plain agent here, and backups of them."""
        return self.data / "plain" / agent

    @property
    def log(self) -> Path:
        """The daemon's log."""
        return self.logs / "daemon.log"

    def made(self) -> list[Path]:
        """The folders that are made, and written to."""
        return list(dict.fromkeys((self.config.parent, self.data, self.logs, self.run)))

    def make(self) -> None:
        """Create the folders, for this user only. Raises `AgentspendError` for a foreign one."""
        for folder in self.made():
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise AgentspendError(
                    f"the folder {folder} cannot be made: {error.strerror}",
                    f"make it writable, or set {HOME} to a folder of your own",
                ) from error
        found = self.run.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise AgentspendError(
                f"the folder {self.run} is a link, which another user may have laid",
                f"rm {self.run}, or set {HOME} to a folder of your own",
            )
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise AgentspendError(
                f"the folder {self.run} is open to other users of this machine",
                f"chmod 700 {self.run}, or set {HOME} to a folder of your own",
            )


def _short(run: Path) -> Path:
    """The folder for the socket, elsewhere when its path would be too long for one."""
    if len(os.fsencode(run / "control.sock")) <= MAX_SOCKET_BYTES:
        return run
    import hashlib
    import tempfile

    name = hashlib.sha256(os.fsencode(run)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"agentspend-{os.getuid()}-{name}"
