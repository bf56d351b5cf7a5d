"""What may knock at all: the Host, Origin and shape checks an HTTP parser does not make.

Loopback is shared by every user and every web page on the machine (protocol study §5.1–5.2), so a
request must name us exactly, come from no browser page, and carry JSON. A name beyond loopback is
one of ours only where a person configured it.
"""

from collections.abc import Collection

from agentspend.core.limits import MAX_HEADER_BYTES
from agentspend.http.request import Request

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def names_of(hosts: Collection[str], port: int) -> frozenset[str]:
    """The `Host` headers that mean us: loopback's names, and these, as a client writes them."""
    return frozenset(f"{host.lower()}:{port}" for host in (*LOOPBACK, *hosts))


def rejection(request: Request, names: Collection[str]) -> tuple[int, str] | None:
    """The status and plain message for a request that must not come in, or None.

    `names` are the `Host` headers that mean us.
    """
    host = request.headers.get("Host", "")
    if host.lower() not in names:
        ours = next((name for name in names if name.startswith(LOOPBACK[0])), "loopback")
        return 403, (
            f"agentspend answers only as {ours}, not as {host[:80]!r}; [daemon] hosts in the"
            " configuration names others"
        )
    if "Origin" in request.headers:
        return 403, "agentspend does not answer web pages (the request has an Origin header)"
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return 403, "agentspend does not answer web pages (cross-site request)"
    if "://" in request.target.partition("?")[0] or request.method == "CONNECT":
        return 400, "agentspend is a reverse proxy: it takes paths, not whole addresses"
    if "Upgrade" in request.headers:
        return 426, "agentspend speaks plain HTTP here"
    if request.head_size > MAX_HEADER_BYTES:
        return 431, f"the headers are larger than {MAX_HEADER_BYTES:,} bytes"
    if request.method == "POST" and _kind(request) != "application/json":
        return 415, "send the request as application/json"
    return None


def _kind(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
