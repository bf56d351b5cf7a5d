"""A port for a program that must find it free again after it was down for a moment."""

import secrets
import socket
from contextlib import suppress

LOWEST, HIGHEST = 20_000, 32_000
"""Below those that Linux (from 32,768) and macOS (from 49,152) give to whoever asks for any."""


def free_port() -> int:
    """One that nobody listens on now, and that no other test is given by the system."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
