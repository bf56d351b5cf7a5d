"""Launchers: how each agent is told to come through us. Data only; nothing is run here."""

from agentspend.agents.base import Launcher
from agentspend.agents.claude import Claude
from agentspend.agents.generic import Generic
from agentspend.core.errors import LaunchError

LAUNCHERS: dict[str, Launcher] = {launcher.name: launcher for launcher in (Claude(),)}
GENERIC = Generic(tuple(LAUNCHERS))


def launcher_for(name: str) -> Launcher:
    """The launcher of an agent, or of any command for "--"; `LaunchError` names the known ones."""
    if name == GENERIC.name:
        return GENERIC
    if name not in LAUNCHERS:
        raise LaunchError(
            f"no launcher for {name!r}; there is one for: {', '.join(sorted(LAUNCHERS))}",
            f"agentspend run -- {name} …    starts any command",
        )
    return LAUNCHERS[name]
