"""The least that any proxy of this kind must cost: aiohttp both ways, two durable commits.

`python -m tests.bench.bare UPSTREAM_PORT FOLDER` prints its port. It passes a request on after one
commit with an fdatasync, and commits a second time once the answer is out; it reads, checks, meters
and prices nothing. What agentspend adds is held against it, on the same machine in the same run.
"""

import asyncio
import sqlite3
import sys
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

SCHEMA = "CREATE TABLE hold (id INTEGER PRIMARY KEY, nusd INTEGER NOT NULL) STRICT"


def opened(path: Path) -> sqlite3.Connection:
    """A database that commits as ours does: WAL, every commit on disk."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute(SCHEMA)
    return conn


class Bare:
    """Hold, pass on, settle; each a commit of its own."""

    def __init__(self, session: aiohttp.ClientSession, origin: str, conn: sqlite3.Connection):
        self._session, self._origin, self._conn = session, origin, conn

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        body = await request.read()
        held = self._conn.execute("INSERT INTO hold (nusd) VALUES (1)").lastrowid
        headers = {"Content-Type": "application/json"}
        url = self._origin + request.path_qs
        async with self._session.post(url, data=body, headers=headers) as answer:
            kept = {"Content-Type": answer.headers["Content-Type"]}
            stream = web.StreamResponse(status=answer.status, headers=kept)
            stream.content_length = answer.content_length
            await stream.prepare(request)
            async for chunk in answer.content.iter_any():
                await stream.write(chunk)
        await stream.write_eof()
        self._conn.execute("UPDATE hold SET nusd = 0 WHERE id = ?", (held,))
        return stream


async def main(upstream_port: int, folder: Path) -> None:
    """Serve until killed."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        bare = Bare(session, f"http://127.0.0.1:{upstream_port}", opened(folder / "bare.db"))
        server = web.Server(bare.handle)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
