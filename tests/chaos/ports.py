"""Ports that are still free when a killed program comes back to them.

The system hands out ports from 32768 on for outgoing connections; those below stay ours.
"""

import secrets
import socket

LOWEST, HIGHEST = 15_000, 32_000
_given: set[int] = set()


def fixed_port() -> int:
    """A port nobody listens on, and nobody is likely to take."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
