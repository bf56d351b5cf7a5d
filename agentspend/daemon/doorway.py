"""The second address the daemon answers on, for agents in containers; loopback is always the first.

A container network's address may not be there yet when the daemon starts at login. Nobody on this
machine has to wait for it: it is tried again until it can be had, and `doctor` says what is wrong.
"""

import asyncio
import ipaddress
import os
import socket
from contextlib import suppress

from agentspend.daemon.log import log
from agentspend.proxy.server import Proxy

TRY_AGAIN_S = 5.0


def free_port_after(port: int) -> int:
    """The next port of loopback that nobody has now, to be suggested."""
    for candidate in range(max(1024, port + 1), 65_536):
        with suppress(OSError), socket.create_server(("127.0.0.1", candidate)):
            return candidate
    return 0


class Doorway:
    """`address` is the one configured ("": none), `error` why it is not open ("": it is)."""

    def __init__(self, proxy: Proxy, address: str) -> None:
        self._proxy = proxy
        self.address = address
        self.error = ""

    async def open(self) -> bool:
        """Listen there; False, and `error` says why, when that cannot be done now."""
        if not self.address:
            return True
        try:
            await self._proxy.listen_also(self.address)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            if not self.error:
                log("cannot_listen", listen=self.address, error=why)
            self.error = why
            return False
        log("listening", listen=self.address, port=self._proxy.port)
        self.error = ""
        return True

    async def keep_trying(self) -> None:
        """Try again now and then while it is not open."""
        while self.error:
            await asyncio.sleep(TRY_AGAIN_S)
            await self.open()


def host_of(address: str) -> str:
    """An IP address as it stands in a `Host` header."""
    return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
