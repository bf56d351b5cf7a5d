"""Who pays: the names a session is filed under, taken from its surroundings.

Reads no secret and keeps none: a git remote is reduced to host and path (`agentspend.git`).
"""

import getpass
import socket
from collections.abc import Sequence
from dataclasses import replace

from agentspend import git
from agentspend.agents.base import Caller
from agentspend.core.errors import AgentspendError
from agentspend.core.scopes import Payer
from agentspend.core.tags import all_of, read_tag, read_tags
from agentspend.mounts import may_hang


def identify(agent: str, caller: Caller, tags: Sequence[str] = ()) -> Payer:
    """The payer of a session of this agent, started here with these `--tag` values."""
    return replace(
        here(caller),
        agent=agent,
        project=git.project(caller.cwd),
        branch=git.branch(caller.cwd, caller.env),
        tags=collect_tags(tags, caller.env.get("AGENTSPEND_TAGS", "")),
    )


def work_tree_head(caller: Caller) -> str:
    """The `HEAD` that says which branch is checked out at any time; "" where none is to be asked.

    Not in CI, whose checkouts are detached, and not on a network, where a look may hang.
    """
    path = git.head_file(caller.cwd)
    asked = path is not None and not git.ci_branch(caller.env) and not may_hang(path)
    return str(path) if asked else ""


def here(caller: Caller) -> Payer:
    """Who asks on which machine, whatever is asked."""
    return Payer(member=_member(caller), device=socket.gethostname().partition(".")[0])


def collect_tags(given: Sequence[str], from_env: str = "") -> tuple[str, ...]:
    """The tags of a session, sorted; a given one replaces the environment's of the same key.

    `from_env` is `AGENTSPEND_TAGS`: a list separated by commas or blanks.
    """
    try:
        inherited = read_tags(from_env)
    except AgentspendError as error:
        raise AgentspendError(f"AGENTSPEND_TAGS: {error.message}", error.hint) from error
    tags = [*inherited, *map(read_tag, given)]
    return all_of({tag.partition("=")[0]: tag for tag in tags}.values())


def _member(caller: Caller) -> str:
    """Who asked: the person a CI job runs for, else the user of this machine."""
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
        if caller.env.get(name):
            return caller.env[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
