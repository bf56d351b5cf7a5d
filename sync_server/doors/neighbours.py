"""Servers that share one PostgreSQL tell each other whom to push to (`LISTEN`, `NOTIFY`).

A notice that is lost costs its devices nothing but time: they hear of the change when they sync.
"""

import asyncio
import json
import secrets
import threading

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from sync_server.acts.act import EVERYONE
from sync_server.doors.hall import Hall

CHANNEL = "agentspend"
LOOK_S = 0.5
AGAIN_S = 2.0
MOST_BYTES = 7_999
"""Of one notice. More teams than it has room for are everybody."""


class Neighbours:
    """Listens in a thread of its own, for as long as the server serves."""

    def __init__(self, hall: Hall, loop: asyncio.AbstractEventLoop) -> None:
        self._engine: Engine = hall.service.engine
        self._hall = hall
        self._loop = loop
        self._self = secrets.token_hex(8)
        self._ended = threading.Event()
        self.listening = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="agentspend-listen", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._ended.set()
        self._thread.join()

    def tell(self, teams: frozenset[str], devices: frozenset[str]) -> None:
        """Have the others push to the devices of these teams, and to these."""
        said = self._said(teams, devices)
        if len(said) > MOST_BYTES:
            said = self._said(EVERYONE, frozenset())
        with self._engine.begin() as conn:
            conn.execute(text("SELECT pg_notify(:channel, :said)"),
                         {"channel": CHANNEL, "said": said})  # fmt: skip

    def _said(self, teams: frozenset[str], devices: frozenset[str]) -> str:
        told = {"from": self._self, "teams": sorted(teams), "devices": sorted(devices)}
        return json.dumps(told)

    def _listen(self) -> None:
        import psycopg

        while not self._ended.is_set():
            try:
                self._follow()
            except (psycopg.Error, SQLAlchemyError):
                self.listening.clear()
                self._ended.wait(AGAIN_S)

    def _follow(self) -> None:
        """One connection, until it breaks."""
        raw = self._engine.raw_connection()
        try:
            driver = raw.driver_connection
            assert driver is not None
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
            self.listening.set()
            while not self._ended.is_set():
                for notice in driver.notifies(timeout=LOOK_S, stop_after=1):
                    self._heard(notice.payload)
        finally:
            raw.detach()
            raw.close()

    def _heard(self, said: str) -> None:
        told = json.loads(said)
        if told["from"] != self._self:
            telling = self._hall.tell_here(frozenset(told["teams"]))
            asyncio.run_coroutine_threadsafe(telling, self._loop)
            self._loop.call_soon_threadsafe(self._hall.lines.tell, told.get("devices", ()))
