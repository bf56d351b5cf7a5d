"""A client that adds as little as possible: blocking sockets, one request after the other.

`python -m tests.bench.client HOST PORT PATH COUNT BODY_FILE` prints the latencies in µs as JSON,
so that several can run at once as processes of their own.
"""

import json
import socket
import sys
import time
from pathlib import Path


class Client:
    """One kept connection."""

    def __init__(self, port: int, path: str, body: bytes, headers: dict[str, str]) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request_bytes(port, path, body, headers)

    def ask(self) -> bytes:
        """Send the request and read the whole answer."""
        self._socket.sendall(self._request)
        data = b""
        while not _whole(data):
            piece = self._socket.recv(262_144)
            if not piece:
                raise ConnectionError(data[:300])
            data += piece
        if b" 200 " not in data[:20]:
            raise ConnectionError(data[:500])
        return data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def request_bytes(port: int, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as it is sent."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}",
             "Content-Type: application/json", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in headers.items())]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _whole(data: bytes) -> bool:
    head, gap, body = data.partition(b"\r\n\r\n")
    if not gap:
        return False
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return body.endswith(b"0\r\n\r\n")
    at = lower.find(b"content-length:")
    return len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])


def latencies_us(client: Client, count: int, think_s: float = 0.0) -> list[float]:
    """How long each of `count` requests took; before each the client thinks for so long."""
    found = []
    for _ in range(count):
        if think_s:
            time.sleep(think_s)
        start = time.perf_counter()
        client.ask()
        found.append((time.perf_counter() - start) * 1e6)
    return found


if __name__ == "__main__":
    port, path, count, body_file, headers = sys.argv[1:]
    one = Client(int(port), path, Path(body_file).read_bytes(), json.loads(headers))
    sys.stdin.readline()
    print(json.dumps(latencies_us(one, int(count))))
