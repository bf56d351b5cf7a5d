"""`agentspend daemon`: the background process, for when you want to look after it yourself."""

import json
import sys
from typing import Annotated

import typer

from agentspend.cli import access, output
from agentspend.cli.diagnostics import ExitCode, say, warn
from agentspend.core.errors import DaemonSilent, DaemonUnreachable

SHOWN_LINES = 50
FOLLOW_EVERY_S = 0.5
STATUS_FIELDS = ("running", "pid", "port", "socket", "version")


def stop() -> None:
    """Let requests in flight end, then stop. Agents that run get clear errors until it is back."""
    try:
        with access.connection() as connection:
            answer = connection.ask("stop")
            if answer["sessions"]:
                count = answer["sessions"]
                warn(f"{count} session{'' if count == 1 else 's'} still open: their requests fail"
                     " until the daemon runs again", "agentspend daemon start")  # fmt: skip
            connection.wait_until_gone()
    except DaemonSilent:
        raise
    except DaemonUnreachable:
        say("daemon is not running")
        return
    say("daemon stopped")


def restart() -> None:
    """Stop the daemon and start it again; sessions that run go on with the new one."""
    from agentspend.cli import service
    from agentspend.control.start import stop_daemon

    access.config()  # One that cannot be read would let no daemon start again.
    folders = access.folders()
    stop_daemon(folders.socket)
    if service.keeps(folders):
        service.start()
    found = access.daemon()
    say(f"daemon started: pid {found['pid']}, port {found['port']}")
    if access.ask("keys.changed")["locked"]:
        warn("the stored provider keys wait for their passphrase", "agentspend keys unlock")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Versioned JSON on one line.")] = False,
) -> None:
    """Say whether the daemon runs, and where; exit code 3 when it does not."""
    folders = access.folders()
    try:
        found = access.ask("ping")
    except DaemonUnreachable as error:
        if as_json:
            output.answer({"running": False, "pid": 0, "port": access.config().port,
                           "socket": str(folders.socket), "version": ""})  # fmt: skip
            raise typer.Exit(ExitCode.DAEMON_UNREACHABLE) from None
        raise error from None
    if as_json:
        output.answer({name: found[name] for name in STATUS_FIELDS})
        return
    state = "stopping" if found.get("stopping") else "running "
    output.line(f"{state} pid {found['pid']}, version {found['version']}")
    output.line(f"agents   http://127.0.0.1:{found['port']}")
    output.line(f"control  {found['socket']}")
    output.line(f"sessions {found['sessions']}")
    if found["gate_closed"]:
        warn(f"no request may leave: {found['gate_closed']}", "agentspend doctor")
    if found["config_error"]:
        warn(f"the last good configuration is in force: {found['config_error']}",
             "agentspend config show")  # fmt: skip


def logs(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they are.")] = False,
    count: Annotated[
        int, typer.Option("-n", "--last", min=1, help="How many of the newest.")
    ] = SHOWN_LINES,
) -> None:
    """Show the daemon's own log: counts, ids and errors, never prompts or keys."""
    import time
    from collections import deque

    path = access.folders().log
    if not path.exists():
        say(f"there is no log yet ({path})")
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in deque(file, maxlen=min(count, sys.maxsize)):
            output.line(_readable(text, as_json))
        while follow:
            text = file.readline()
            if text:
                output.line(_readable(text, as_json))
            else:
                time.sleep(FOLLOW_EVERY_S)


def run() -> None:
    """Serve in the foreground, for service managers."""
    from agentspend.daemon.main import main

    raise typer.Exit(main())


def _readable(text: str, as_json: bool) -> str:
    """A log line as words; what is not JSON (a traceback) stays as it is."""
    text = text.rstrip("\n")
    if as_json:
        return text
    try:
        found = json.loads(text)
        head = f"{found.pop('ts')}  {found.pop('event')}"
    except (ValueError, KeyError, AttributeError, TypeError):
        return text
    return " ".join(
        [head, "", *(f"{name}={value}" for name, value in found.items() if value != "")]
    ).rstrip()
