"""Who pays: the names a session is filed under, taken from its surroundings.

Reads no secret and keeps none: a git remote is reduced to host and path (`agents.git`).
"""

import getpass
import platform
import re
from collections.abc import Sequence

from agentspend.agents import git
from agentspend.agents.base import Caller
from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_TAG_BYTES, MAX_TAGS
from agentspend.core.scopes import Payer

_TAG = re.compile(r"[A-Za-z0-9_.-]+(=[^,\x00-\x1f\x7f]+)?")


def identify(agent: str, caller: Caller, tags: Sequence[str] = ()) -> Payer:
    """The payer of a session of this agent, started here with these `--tag` values."""
    return Payer(
        member=_member(caller),
        device=platform.node().partition(".")[0],
        agent=agent,
        project=git.project(caller.cwd),
        branch=git.branch(caller.cwd, caller.env),
        tags=collect_tags(tags, caller.env.get("AGENTSPEND_TAGS", "")),
    )


def collect_tags(given: Sequence[str], from_env: str = "") -> tuple[str, ...]:
    """`k=v` or bare tags, sorted; a given one replaces the environment's of the same key.

    `from_env` is a comma-separated list (`AGENTSPEND_TAGS`).
    """
    inherited = [tag.strip() for tag in from_env.split(",") if tag.strip()]
    found: dict[str, str] = {}
    for tag in [*inherited, *given]:
        if _TAG.fullmatch(tag) is None or len(tag.encode()) > MAX_TAG_BYTES:
            raise AgentspendError(
                f"{tag!r} is not a tag", "write it like ticket=ABC-12, without commas"
            )
        found[tag.partition("=")[0]] = tag
    if len(found) > MAX_TAGS:
        raise AgentspendError(f"{len(found)} tags on one session", f"give at most {MAX_TAGS}")
    return tuple(sorted(found.values()))


def _member(caller: Caller) -> str:
    """Who asked: the person a CI job runs for, else the user of this machine."""
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN"):
        if caller.env.get(name):
            return caller.env[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
