"""Launchers: how each agent is told to come through us. Data only; nothing is run here.

Each launcher is imported when it is asked for: `run` must start fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from agentspend.core.errors import Kind, LaunchError

if TYPE_CHECKING:
    from agentspend.agents.base import Launcher

_LAUNCHERS = {
    "claude": "Claude",
    "codex": "Codex",
    "gemini": "Gemini",
    "opencode": "OpenCode",
    "aider": "Aider",
}
AGENTS = tuple(_LAUNCHERS)
ANY_COMMAND = "--"


def launcher_for(name: str) -> "Launcher":
    """The launcher of an agent, or of any command for "--"; `LaunchError` names the known ones."""
    if name == ANY_COMMAND:
        from agentspend.agents.generic import Generic

        return Generic(AGENTS)
    if name in _LAUNCHERS:
        found = getattr(import_module(f"agentspend.agents.{name}"), _LAUNCHERS[name])
        return cast("Launcher", found())
    from difflib import get_close_matches

    near = get_close_matches(name, AGENTS, n=1)
    raise LaunchError(
        f"no launcher for {name!r}; there is one for: {', '.join(AGENTS)}",
        f"did you mean agentspend run {near[0]}?"
        if near
        else f"agentspend run -- {name} …    starts any command",
        Kind.UNKNOWN_NAME,
    )
