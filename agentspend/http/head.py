"""A message's head in bytes, and in words."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

READ = ("utf-8", "surrogateescape")
"""How a head's bytes are read and written: what is no text comes out as it went in."""
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/:@!$&'()*+,;=~._-]*")
_SAFE = "/:@!$&'()*+,;=~"


class BadHead(ValueError):
    """A line break in a name or a value: it would make headers of its own."""


def head_bytes(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """A head with this first line. Raises `BadHead`."""
    lines = [first, *[f"{name}: {value}" for name, value in headers], "", ""]
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\r") != breaks or text.count("\n") != breaks:
        raise BadHead("a header has a line break in it")
    return text.encode(*READ)


def written(path: str) -> str:
    """A path that was read (%2F is "/"), as it may stand in a request's first line."""
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, _SAFE, *READ)


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether the body says itself where it ends."""
    return "chunked" in headers.get("Transfer-Encoding", "").lower()
