"""`agentspend daemon start`, the shortest way: nothing is loaded that a start does not need."""

from agentspend.cli import access
from agentspend.cli.diagnostics import say
from agentspend.core.errors import DaemonUnreachable


def start() -> None:
    """Start the daemon; says so when it already runs."""
    try:
        found = access.ask("ping")
        runs = not found.get("stopping")
    except DaemonUnreachable:
        runs = False
    if not runs:
        found = access.daemon()
        say(f"daemon started: pid {found['pid']}, port {found['port']}")
        if found.get("recovered"):
            say(f"{found['recovered']} requests were open when it last died; they are charged in"
                " full and marked")  # fmt: skip
            say("→ agentspend log, then agentspend adjust ID")
    else:
        running = access.daemon()
        if running["pid"] == found["pid"]:
            say(f"daemon already runs: pid {found['pid']}, port {found['port']}")
