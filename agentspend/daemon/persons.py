"""What only a person may do: refused when the caller descends from a live session's process.

That is a `run`, or the client of a virtual key: the one that was last seen in a session of the
key's, or any that has a connection to us open right now.
"""

from agentspend.core.errors import AgentspendError, Kind
from agentspend.daemon.control_api import Caller
from agentspend.daemon.processes import connects_to, same_process
from agentspend.proxy.sessions import Session, Sessions


def no_agent(caller: Caller, sessions: Sessions, our_port: int, what: str) -> None:
    """Raise `AgentspendError` when an agent asks for something that loosens."""
    inside = [each.pid for each in insiders(sessions)]
    client = any(connects_to(pid, our_port) for pid in caller.peer.line())
    if client or caller.peer.started_by(inside):
        raise AgentspendError(
            f"an agent may not {what}: this command was started from inside a live session",
            "run it yourself in another terminal",
            Kind.PERSONS_ONLY,
        )


def outer_of(caller: Caller, sessions: Sessions) -> Session | None:
    """The session that a command was started in; not the one that it is the `run` of."""
    return next(
        (
            outer
            for outer in insiders(sessions)
            if outer.pid != caller.peer.pid and caller.peer.started_by([outer.pid])
        ),
        None,
    )


def insiders(sessions: Sessions) -> list[Session]:
    """The live sessions with a process of their own: what it starts is inside the session."""
    return [
        each
        for each in sessions.all()
        if each.pid and (not each.born_us or same_process(each.pid, each.born_us))
    ]
