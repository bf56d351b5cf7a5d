"""The port of a new home: 4141, or the next one that is free, which is then written down.

Only before there is a ledger: later, addresses that were given away (`enable`, virtual keys) hold
it, and a daemon that cannot have it says so instead of leaving them to whoever took it.
"""

import socket
from contextlib import suppress

from agentspend.config.load import Loaded, load_with_zone, read_text
from agentspend.config.paths import Paths
from agentspend.daemon.doorway import free_port_after
from agentspend.daemon.log import log


def settle_port(paths: Paths, loaded: Loaded) -> tuple[Loaded, str]:
    """The configuration with a port that can be had, and what to tell a person of that ("": nothing
    changed). One that is configured stays, and so does what cannot be written."""
    config = loaded.config
    named = "port" in config.raw.get("daemon", {})
    if named or paths.ledger.exists() or _free(config.port):
        return loaded, ""
    port = free_port_after(config.port)
    if not port:
        return loaded, ""
    from agentspend.config.edit import with_port, write_whole

    with suppress(OSError):
        write_whole(paths.config, with_port(read_text(paths), port).encode())
        log("port_taken", port=config.port)
        told = f"port {config.port} is taken, so yours is {port} (kept in {paths.config})"
        return load_with_zone(paths), told
    return loaded, ""


def _free(port: int) -> bool:
    """Whether the agents' door could be opened there now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
