"""`init`, `serve`, `backup`, `restore`: what is done on the server's own machine."""

import itertools
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from agentspend.core.errors import AgentspendError
from sync_server.cli import output, seat
from sync_server.cli.helping import UsageError
from sync_server.cli.shown import now_us
from sync_server.folder import Folder, Settings, is_loopback

Json = Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")]
PORT = 4747
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
Host = Annotated[str, typer.Option(metavar="HOST", help="The name or address devices reach it by.")]
Port = Annotated[int, typer.Option(metavar="PORT", min=1, max=65_535)]
Zone = Annotated[str, typer.Option(metavar="ZONE", help="Where days begin, e.g. Europe/Berlin.")]
Database = Annotated[
    str, typer.Option(metavar="URL", help="postgresql://… instead of SQLite in the folder.")
]
Clear = Annotated[bool, typer.Option("--clear", help="Plain http, for this machine only.")]


def init(
    org: Annotated[str, typer.Option(metavar="NAME", help="Your organisation's name.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where everything goes.")] = Path(
        "agentspend-server"
    ),
    host: Host = "",
    port: Port = PORT,
    zone: Zone = "",
    database: Database = "",
    clear: Clear = False,
    as_json: Json = False,
) -> None:
    """Make a server: its folder, database, keys, certificate, and the first lead's token."""
    import socket

    from sync_server.founding import create

    name = host or ("localhost" if clear else socket.gethostname())
    _check(org, name, database, zone)
    listen = "127.0.0.1" if is_loopback(name) else "0.0.0.0"  # noqa: S104 - devices must reach it
    files = ("", "") if clear else ("server.crt", "server.key")
    shown = f"[{name}]" if ":" in name else name
    url = f"{'http' if clear else 'https'}://{shown}:{port}"
    settings = Settings(org, url, listen, port, database, *files)
    made, token = create(folder.resolve(), settings, zone or _zone(), now_us())
    if as_json:
        output.answer({"folder": str(made.path), "url": url, "token": token})
        return
    output.line(token)
    output.say("this is your token, a lead's; it is shown once, and only its hash is kept")
    output.say(f"→ cd {folder} && agentspend-server serve")
    output.say(f"from another machine: export {seat.URL}={url} {seat.TOKEN}=…")


def _check(org: str, host: str, database: str, zone: str) -> None:
    """Refuse what would only fail later, in the middle."""
    from zoneinfo import ZoneInfo

    example = "agentspend-server init --org Acme --host spend.acme.example"
    if not org.strip():
        raise UsageError("the organisation has no name", example)
    if org.encode(errors="replace").decode() != org:
        raise UsageError("the organisation's name is not text in UTF-8", example)
    if not _HOST.fullmatch(host):
        raise UsageError(f"{host!r} is not the name or address of a machine", example)
    try:
        ZoneInfo(zone or "UTC")
    except (KeyError, ValueError):
        raise UsageError(f"{zone!r} is no time zone", f"{example} --zone Europe/Berlin") from None
    if database and not database.startswith(("postgresql://", "postgresql+psycopg://")):
        raise UsageError(
            f"{database!r} is no PostgreSQL address",
            f"{example} --database postgresql://USER@HOST/NAME    or without --database: SQLite",
        )


def org_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The organisation's name.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where everything goes.")] = Path(
        "agentspend-server"
    ),
    host: Host = "",
    port: Port = PORT,
    zone: Zone = "",
    database: Database = "",
    clear: Clear = False,
    as_json: Json = False,
) -> None:
    """Make another organisation: a server of its own, as `init` does."""
    init(name, folder, host, port, zone, database, clear, as_json)


def serve() -> None:
    """Serve devices and people until it is stopped (SIGTERM, Ctrl-C)."""
    import asyncio

    from sync_server import app
    from sync_server.doors.hall import Hall
    from sync_server.open_folder import address_of, opened

    folder = seat.here()
    with opened(folder) as service:
        hall = Hall(service, address_of(folder))
        if not service.keep_time(now_us()):
            output.say("! this machine's clock is in doubt, and no cap begins anew")
            output.say("→ agentspend-server org show")

        async def main() -> None:
            await app.serve(folder, hall, lambda port: output.say(_serves(folder, port)))

        try:
            _run(asyncio, main)
        finally:
            hall.close()


def _run(asyncio: Any, main: Any) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())


def _serves(folder: Folder, port: int) -> str:
    settings = folder.settings()
    return f"agentspend-server serves {settings.name} at {settings.url} (port {port})"


def backup(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    as_json: Json = False,
) -> None:
    """Copy the database while the server runs; keep the journal safe, too, on another disk."""
    folder = seat.here()
    if folder.settings().database:
        raise AgentspendError("this server's database is PostgreSQL", "use pg_dump")
    if to.exists():
        raise AgentspendError(f"{to} exists already", "give the copy another name")
    if not to.absolute().parent.is_dir():
        raise AgentspendError(f"there is no folder {to.absolute().parent}", f"mkdir -p {to.parent}")
    _copy(folder.path / "server.db", to)
    if as_json:
        output.answer({"backup": str(to)})
    else:
        output.say(f"the database is in {to}")


def restore(
    backup: Annotated[Path, typer.Argument(metavar="FILE", help="A copy made by backup.")],
    as_json: Json = False,
) -> None:
    """Put a copy in the database's place, and make the journal true again."""
    from sync_server.open_folder import alone, opened

    folder = seat.here()
    if folder.settings().database:
        raise AgentspendError("this server's database is PostgreSQL", "use pg_restore")
    _check_copy(backup)
    own = folder.path / "server.db"
    with alone(folder):
        fresh = folder.path / "restoring.db"
        fresh.unlink(missing_ok=True)
        _copy(backup, fresh)
        before = _before(folder.path)
        for path in folder.path.glob("server.db*"):
            path.rename(path.with_name(f"{before}{path.name}"))
        fresh.rename(own)
    with opened(folder) as service:
        server_inc = service.take_over({"who": "restore", "what": "restore"}, now_us())
    if as_json:
        output.answer({"server": server_inc})
    else:
        output.say(f"restored, with all the journal says; this is server {server_inc} now")
        output.say(f"what was there before is {before}server.db")
        output.say(
            "what devices reported after the copy was made they report again when they are next"
            " heard: until then report says how many are missing"
        )
        output.say("→ agentspend-server verify, then agentspend-server serve")


def _copy(database: Path, to: Path) -> None:
    """All that is in a database, also what its log has not yet brought into the file.

    Read beside the server's one writer: it never writes or checkpoints.
    """
    import sqlite3

    source = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    target = sqlite3.connect(to)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
    to.chmod(0o600)


def _before(folder: Path) -> str:
    """What the names of the files begin with that are put aside: nothing of it is there yet."""
    for number in itertools.count(1):
        found = f"before-restore-{number}-"
        if not any(folder.glob(f"{found}*")):
            break
    return found


def _check_copy(path: Path) -> None:
    import sqlite3

    if not path.is_file():
        raise UsageError(f"there is no {path}", "agentspend-server restore FILE")
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        sound = conn.execute("PRAGMA quick_check").fetchone()[0]
        conn.execute("SELECT journal_seq FROM org")
    except sqlite3.DatabaseError as error:
        raise AgentspendError(f"{path} is no copy of a server: {error}", "try another") from error
    finally:
        conn.close()
    if sound != "ok":
        raise AgentspendError(f"{path} is damaged: {sound}", "try another copy")


def _zone() -> str:
    from tzlocal import get_localzone_name

    return str(get_localzone_name() or "UTC")
