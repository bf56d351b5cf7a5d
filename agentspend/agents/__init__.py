"""Launchers: how each agent is told to come through us. Data only; nothing is run here.

Each launcher is imported when it is asked for: `run` must start fast.
"""

from typing import TYPE_CHECKING

from agentspend.core.errors import LaunchError

if TYPE_CHECKING:
    from agentspend.agents.base import Launcher

AGENTS = ("claude",)
ANY_COMMAND = "--"


def launcher_for(name: str) -> "Launcher":
    """The launcher of an agent, or of any command for "--"; `LaunchError` names the known ones."""
    if name == ANY_COMMAND:
        from agentspend.agents.generic import Generic

        return Generic(AGENTS)
    if name == "claude":
        from agentspend.agents.claude import Claude

        return Claude()
    raise LaunchError(
        f"no launcher for {name!r}; there is one for: {', '.join(AGENTS)}",
        f"agentspend run -- {name} …    starts any command",
    )
