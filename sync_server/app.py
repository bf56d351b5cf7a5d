"""The team server's HTTP application, over TLS and over the socket in its folder."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from agentspend.core.errors import AgentspendError
from sync_server import certificate
from sync_server.doors import devices, people
from sync_server.doors.answers import HALL, errors
from sync_server.doors.devices import MOST_BYTES
from sync_server.doors.hall import Hall
from sync_server.doors.links import PATIENCE, Links, Patience, raise_file_limit
from sync_server.doors.neighbours import Neighbours
from sync_server.folder import Folder

GRACE_S = 5
KEEP_TIME_EVERY_S = 3_600


def application(hall: Hall, patience: Patience, *, owner: bool = False) -> web.Application:
    """All routes. `owner`: whoever reaches this application is the server's owner."""
    app = web.Application(middlewares=[errors], client_max_size=MOST_BYTES)
    app[HALL] = hall
    app[PATIENCE] = patience
    app[people.OWNER] = owner
    app.add_routes([*devices.routes(), *people.routes()])
    return app


class Server:
    """The application listening, by the settings of a folder."""

    def __init__(self, folder: Folder, hall: Hall, patience: Patience | None = None) -> None:
        """`patience` is by the settings, when not given."""
        self._folder = folder
        self._hall = hall
        self._patience = patience
        self._runners: list[web.AppRunner] = []
        self._neighbours: Neighbours | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen. Raises `AgentspendError` when the port is taken."""
        settings = self._folder.settings()
        tls = None
        if settings.certificate:
            path = self._folder.path
            tls = certificate.context(path / settings.certificate, path / settings.key)
        patience = self._patience or Patience(links=settings.connections_per_address)
        runner = await self._runner(patience, owner=False)
        assert runner.server is not None
        Links(patience.links).watch(runner.server)
        site = web.TCPSite(runner, settings.listen, settings.port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise AgentspendError(
                f"port {settings.port} on {settings.listen} cannot be had: {error.strerror}",
                f"give it another one in {self._folder.path / 'server.toml'}",
            ) from error
        self.port = runner.addresses[0][1]
        if self._hall.service.engine.dialect.name == "postgresql":
            self._neighbours = Neighbours(self._hall, asyncio.get_running_loop())
            self._hall.tell_others = self._neighbours.tell
        owner = await self._runner(patience, owner=True)
        await web.SockSite(owner, _own_socket(self._folder.socket)).start()

    async def stop(self) -> None:
        """Hang up on everybody, then let what is being done end."""
        self._hall.lines.close()
        if self._neighbours is not None:
            self._hall.tell_others = None
            await asyncio.to_thread(self._neighbours.close)
        for runner in self._runners:
            await runner.cleanup()
        self._folder.socket.unlink(missing_ok=True)

    async def _runner(self, patience: Patience, *, owner: bool) -> web.AppRunner:
        app = application(self._hall, patience, owner=owner)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=GRACE_S, keepalive_timeout=patience.head_s
        )
        await runner.setup()
        self._runners.append(runner)
        return runner


def _own_socket(path: Path) -> socket.socket:
    """A socket only the folder's owner can open: the folder is 0700, and so is the socket."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(str(path))
    except OSError as error:
        made.close()
        raise AgentspendError(
            f"{path} cannot be opened: {error}", "a path of at most 100 letters is needed"
        ) from error
    path.chmod(0o600)
    return made


async def serve(folder: Folder, hall: Hall, ready: Callable[[int], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told the port."""
    server = Server(folder, hall)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    raise_file_limit()
    await server.start()
    try:
        ready(server.port)
        while not ended.is_set():
            await keep_time(hall)
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_TIME_EVERY_S):
                    await ended.wait()
    finally:
        await server.stop()


async def keep_time(hall: Hall) -> None:
    """While nobody asks for anything: windows begin, and the clock is known to go on. A database
    that is away is no reason to stop: there is a next time."""
    with suppress(Exception):
        await hall.work(lambda: hall.service.keep_time(hall.now_us()))
