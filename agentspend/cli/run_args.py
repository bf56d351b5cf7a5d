"""The words after `agentspend run`: our options come first, everything after the agent is its own.

Read by hand, because `run` must start fast and must never take an option that is the agent's.
"""

from dataclasses import dataclass, field

from agentspend.cli.diagnostics import UsageError

USAGE = (
    "agentspend run [--tag K=V]… [--project P] [--team T] [--provider NAME]… AGENT [ARGS…], or …"
    " -- COMMAND [ARGS…]"
)
OPTIONS = ("--tag", "--project", "--team", "--provider")


@dataclass(frozen=True, slots=True)
class RunArgs:
    """What to run. `agent` is "" for any command after `--`; `command` are its words.

    `providers` are the only ones its requests may go to, the preferred first. `team` is the one of
    the member's teams that pays, "" where none is named.
    """

    agent: str
    command: tuple[str, ...]
    tags: tuple[str, ...] = field(default=())
    project: str = ""
    providers: tuple[str, ...] = ()
    team: str = ""


def parse(words: list[str]) -> RunArgs:
    """Read the words after `run`; raises `UsageError` with the way to write it."""
    tags: list[str] = []
    providers: list[str] = []
    project = team = ""
    left = list(words)
    while left and left[0].startswith("-") and left[0] != "--":
        name, equals, value = left.pop(0).partition("=")
        if name not in OPTIONS:
            raise UsageError(
                f"{name!r} is not an option of run; the agent's own options come after its name",
                USAGE,
            )
        if not equals:
            if not left or left[0] == "--" or left[0].partition("=")[0] in OPTIONS:
                raise UsageError(f"{name} needs a value", USAGE)
            value = left.pop(0)
        if name == "--tag":
            tags.append(value)
        elif name == "--provider":
            providers.append(value)
        elif name == "--team":
            team = value
        else:
            project = value
    if left[:1] == ["--"]:
        agent, command = "", tuple(left[1:])
    else:
        agent, command = (left[0] if left else ""), tuple(left[1:])
    if not agent and not command:
        raise UsageError("run what?", USAGE)
    return RunArgs(agent, command, tuple(tags), project, tuple(providers), team)
