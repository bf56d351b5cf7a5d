"""The vendored price table, and how a table file is read.

Owns table.json (compiled by `scripts/compile_prices.py`), its content hash, and the one place that
decodes it. Knows nothing of what prices mean: that is `agentspend.core.pricebook`.
"""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from agentspend.core.errors import AgentspendError
from agentspend.core.price_overrides import Overrides
from agentspend.core.price_table import Table
from agentspend.core.pricebook import PriceBook

TABLE_PATH = Path(__file__).with_name("table.json")
SCHEMA = 2
_UPDATE_HINT = "get a table again with agentspend prices update"


def load_book(overrides: Overrides | None = None, path: Path | None = None) -> PriceBook:
    """Read the table at `path` (the vendored one by default) into a price book."""
    return PriceBook(load_table(path), overrides)


def load_table(path: Path | None = None, sha256: str = "") -> Table:
    """Read and check a table file (the vendored one by default).

    Raises AgentspendError when it cannot be read, is damaged, or is not the table of this hash.
    """
    source = path or TABLE_PATH
    try:
        data = source.read_bytes()
    except OSError as error:
        raise AgentspendError(
            f"the price table {source} cannot be read: {error.strerror}", _UPDATE_HINT
        ) from error
    table = read_table(data, str(source))
    if sha256 not in ("", table["sha256"]):
        raise AgentspendError(f"{source} is another price table than {sha256[:16]}", _UPDATE_HINT)
    return table


def read_table(data: bytes, name: str = "the price table") -> Table:
    """Decode a table and check its content hash: line 1 holds the hash of all that follows it."""
    head, _, body = data.partition(b"\n")
    try:
        table: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise AgentspendError(f"{name} is not a price table: {error}", _UPDATE_HINT) from error
    if table.get("schema") != SCHEMA:
        raise AgentspendError(
            f"{name} has schema {table.get('schema')!r}, this version reads {SCHEMA}",
            "update agentspend, or use a table made for this version",
        )
    digest = hashlib.sha256(body).hexdigest()
    if table.get("sha256") != digest or digest.encode() not in head:
        raise AgentspendError(f"{name} does not match its content hash", _UPDATE_HINT)
    return table
