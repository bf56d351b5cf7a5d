"""What a launcher is: it reads the caller's surroundings and returns data, and runs nothing.

`cli/run.py` writes a plan's files, changes the environment and starts the program. So every
launcher is tested by comparing plans.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from agentspend.core.errors import LaunchError

ANTHROPIC_ORIGIN = "https://api.anthropic.com"
_OURS = re.compile(r"http://(127\.0\.0\.1|localhost):\d+/s/([^/]+)(/.*)?")


class KeySource(StrEnum):
    """Where the provider key came from that the daemon would put on this session's requests."""

    NONE = "none"
    STORED = "stored"
    ENVIRONMENT = "environment"


class Auth(StrEnum):
    """`[providers.anthropic] auth`: who authenticates, the daemon's key or the agent itself."""

    AUTO = "auto"
    KEY = "key"
    PASSTHROUGH = "passthrough"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session as the daemon opened it.

    `base_url` is `http://127.0.0.1:<port>/s/<token>`. `scratch` is a folder of mode 0700 for the
    plan's files, gone with the session. `upstream` is the origin the daemon forwards to.
    """

    base_url: str
    token: str
    scratch: Path
    key: KeySource = KeySource.NONE
    auth: Auth = Auth.AUTO
    upstream: str = ANTHROPIC_ORIGIN


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, from where: everything a launcher may look at.

    `platform` is `sys.platform`; `managed_dir` stands for the machine-wide folder of an agent's
    managed settings (None: its usual place).
    """

    env: Mapping[str, str]
    cwd: Path
    home: Path
    platform: str = "linux"
    managed_dir: Path | None = None

    @classmethod
    def here(cls) -> "Caller":
        """This process's own surroundings."""
        return cls(dict(os.environ), Path.cwd(), Path.home(), sys.platform)


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """How to start an agent so that it comes through us.

    `files` are written with mode 0600 before the start: they may hold the session token, which
    must not stand in `argv`, where every user of the machine can read it. `notes` and `warnings`
    are sentences for stderr. `auth` is KEY (the daemon puts its key on) or PASSTHROUGH.
    """

    argv: tuple[str, ...]
    env_set: Mapping[str, str] = field(default_factory=dict)
    env_unset: tuple[str, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    auth: Auth = Auth.PASSTHROUGH

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment to start the agent with."""
        kept = {name: value for name, value in env.items() if name not in self.env_unset}
        return {**kept, **self.env_set}


class Launcher(Protocol):
    """One agent's way in."""

    name: str

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Plan a start with the agent's own `args`; `LaunchError` when it would slip past us."""
        ...


def require_program(name: str, caller: Caller, install: str) -> None:
    """`LaunchError` unless the caller's PATH holds this program; `install` says how to get it."""
    if shutil.which(name, path=caller.env.get("PATH", os.defpath)) is None:
        raise LaunchError(f"{name} was not found on PATH", install)


def choose_auth(facts: SessionFacts, logins: Sequence[str]) -> Auth:
    """Who authenticates this session: KEY or PASSTHROUGH.

    `logins` name the agent's own credentials ("a login in ~/.claude/.credentials.json"). A
    subscriber must never be moved to paid API silently: with a stored key and a login, auto
    refuses to guess. A key in the caller's environment is a choice already made.
    """
    if facts.auth is Auth.PASSTHROUGH:
        return Auth.PASSTHROUGH
    if facts.auth is Auth.KEY:
        if facts.key is KeySource.NONE:
            raise LaunchError(
                'auth = "key", but there is no Anthropic key', "agentspend keys set anthropic"
            )
        return Auth.KEY
    if facts.key is KeySource.STORED and logins:
        raise LaunchError(
            f"an Anthropic key is stored, and there is {logins[0]}: each bills another account",
            'choose in config.toml under [providers.anthropic]: auth = "key" (API dollars)'
            ' or auth = "passthrough" (the login)',
        )
    return Auth.PASSTHROUGH if facts.key is KeySource.NONE else Auth.KEY


def session_token_in(url: str) -> str:
    """The token in a base URL of ours (an outer session's), or "" for any other URL."""
    found = _OURS.fullmatch(url)
    return found[2] if found else ""
