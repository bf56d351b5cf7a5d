"""What may knock at all: the Host, Origin and shape checks aiohttp does not make itself.

Loopback is shared by every user and every web page on the machine (protocol study §5.1–5.2), so a
request must name us exactly, come from no browser page, and carry JSON.
"""

from aiohttp import web

from agentspend.core.limits import MAX_HEADER_BYTES


def rejection(request: web.Request, port: int) -> tuple[int, str] | None:
    """The status and plain message for a request that must not come in, or None."""
    host = request.headers.get("Host", "")
    if host not in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        return 403, f"agentspend answers only as 127.0.0.1:{port}, not as {host[:80]!r}"
    if "Origin" in request.headers:
        return 403, "agentspend does not answer web pages (the request has an Origin header)"
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return 403, "agentspend does not answer web pages (cross-site request)"
    if "://" in request.raw_path.partition("?")[0] or request.method == "CONNECT":
        return 400, "agentspend is a reverse proxy: it takes paths, not whole addresses"
    if "Upgrade" in request.headers:
        return 426, "agentspend speaks plain HTTP here"
    if sum(len(name) + len(value) for name, value in request.raw_headers) > MAX_HEADER_BYTES:
        return 431, f"the headers are larger than {MAX_HEADER_BYTES:,} bytes"
    if request.method == "POST" and request.content_type != "application/json":
        return 415, "send the request as application/json"
    return None
