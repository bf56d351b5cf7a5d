"""The daemon's process: hardened, alone with its ledger, and heard when it cannot start."""

import asyncio
import sys
import time
import traceback

from agentspend.config.load import load_with_zone
from agentspend.config.paths import Paths
from agentspend.control.service import TAKEN_EXIT_CODE
from agentspend.core.errors import AgentspendError
from agentspend.daemon import lifecycle
from agentspend.daemon.app import Daemon, build
from agentspend.daemon.first_port import settle_port
from agentspend.daemon.identity import load_device
from agentspend.daemon.log import log
from agentspend.db import refuse_network_filesystem

EXIT_FAILED = 1
LOCK_TRIES = 10
LOCK_AGAIN_S = 0.05


def main() -> int:
    """Serve until told to stop; returns the exit code."""
    lifecycle.harden()
    lifecycle.keep_room()
    paths = Paths.find()
    try:
        paths.make()
        refuse_network_filesystem(paths.ledger)
        lock = _lock(paths)
    except lifecycle.LedgerTaken:
        lifecycle.tell_starter(taken=True)
        print("agentspend: another daemon keeps this ledger", file=sys.stderr)
        return TAKEN_EXIT_CODE
    except AgentspendError as error:
        return _failed(error)
    assert lock >= 0
    try:
        loaded, told = settle_port(paths, load_with_zone(paths))
        daemon = build(paths, loaded, load_device(paths.device_key))
        _run(daemon, told)
    except AgentspendError as error:
        return _failed(error)
    except OSError as error:
        return _failed(AgentspendError(f"the daemon cannot start: {error}", "agentspend doctor"))
    return 0


def _lock(paths: Paths) -> int:
    """The ledger's lock; a command that reads it at this moment is waited for."""
    for _ in range(LOCK_TRIES):
        try:
            return lifecycle.take_lock(paths.lock)
        except lifecycle.LedgerTaken:
            time.sleep(LOCK_AGAIN_S)
    return lifecycle.take_lock(paths.lock)


def _run(daemon: Daemon, told: str) -> None:
    async def serve() -> None:
        await daemon.start()
        lifecycle.collect_rarely()
        lifecycle.tell_starter(ready=True, told=told)
        await daemon.run()

    if sys.platform == "win32":
        asyncio.run(serve())
        return
    import uvloop

    uvloop.run(serve())


def _failed(error: AgentspendError) -> int:
    """Say why, to whoever started us and to the log."""
    lifecycle.tell_starter(error=error.message, hint=error.hint)
    log("cannot_start", error=error.message)
    if error.__cause__ is not None and not isinstance(error.__cause__, OSError):
        traceback.print_exception(error.__cause__, file=sys.stderr)
    return EXIT_FAILED
