"""What a launcher is: it reads the caller's surroundings and returns data, and runs nothing.

`cli/run.py` writes a plan's files, changes the environment and starts the program. So every
launcher is tested by comparing plans.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from agentspend.core.errors import LaunchError

ANTHROPIC_ORIGIN = "https://api.anthropic.com"
ORIGINS = {
    "anthropic": ANTHROPIC_ORIGIN,
    "openai": "https://api.openai.com",
    "google": "https://generativelanguage.googleapis.com",
}
APIS_OF = {
    "anthropic": ("anthropic",),
    "openai": ("openai_chat", "openai_responses"),
    "google": ("gemini",),
}
"""The APIs that clients of a provider speak, by their dialects' names."""
VENDORS = {"anthropic": "Anthropic", "openai": "OpenAI", "google": "Gemini"}
KEY_VARIABLES = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "openai": ("OPENAI_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
"""The variables that clients of a provider take its key from; our token stands in there."""
TOKEN_VARIABLE = "AGENTSPEND_TOKEN"  # noqa: S105 - a name
TOKEN_HEADER = "x-agentspend-token"  # noqa: S105 - a name
_OURS = re.compile(r"http://(127\.0\.0\.1|localhost):\d+/[sk]/([^/]+)(/.*)?")


class KeySource(StrEnum):
    """Where the provider key came from that the daemon would put on this session's requests."""

    NONE = "none"
    STORED = "stored"
    ENVIRONMENT = "environment"


class Auth(StrEnum):
    """`[providers.NAME] auth`: who authenticates, the daemon's key, the agent itself, or nobody."""

    AUTO = "auto"
    KEY = "key"
    PASSTHROUGH = "passthrough"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What a session knows of one provider.

    `upstream` is the origin the daemon forwards to, `speaks` the dialects it answers.
    """

    key: KeySource = KeySource.NONE
    auth: Auth = Auth.AUTO
    upstream: str = ""
    speaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session as the daemon opened it.

    `base_url` is `http://127.0.0.1:<port>/s/<token>`. `scratch` is a folder of mode 0700 for the
    plan's files, gone with the session. `providers` are those with a setting of their own;
    `taken` are the key variables that `run` took out of the caller's environment. `statusline` is
    the command of our line, "" where it is not wanted.
    """

    base_url: str
    token: str
    scratch: Path
    providers: Mapping[str, ProviderFacts] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    statusline: str = ""

    def of(self, provider: str) -> ProviderFacts:
        """The facts of a provider: "anthropic", "openai" or "google"."""
        known = self.providers.get(provider, ProviderFacts())
        return known if known.upstream else replace(known, upstream=ORIGINS[provider])

    @property
    def public_url(self) -> str:
        """The base URL without the token, for places where others read, such as `argv`.

        The token then goes in `TOKEN_HEADER`, from the variable `TOKEN_VARIABLE`.
        """
        return f"{self.base_url.removesuffix(self.token)}-"


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
    must not stand in `argv`, where every user of the machine can read it. `links` are symbolic
    links in the scratch folder and what they point to. `notes` and `warnings` are sentences for
    stderr, and so is `once`, of what needs to be read only the first time. `auth` is KEY (the
    daemon puts its key on, for one provider at least) or PASSTHROUGH. `subscribed`: what
    it uses is a subscription's.
    """

    argv: tuple[str, ...]
    env_set: Mapping[str, str] = field(default_factory=dict)
    env_unset: tuple[str, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)
    links: Mapping[Path, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    auth: Auth = Auth.PASSTHROUGH
    subscribed: bool = False

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment to start the agent with."""
        kept = {name: value for name, value in env.items() if name not in self.env_unset}
        return {**kept, **self.env_set}


class Launcher(Protocol):
    """One agent's way in. `providers` are those it can be brought through us to."""

    name: str
    providers: tuple[str, ...]

    def plan(self, args: Sequence[str], facts: SessionFacts, caller: Caller) -> LaunchPlan:
        """Plan a start with the agent's own `args`; `LaunchError` when it would slip past us."""
        ...


def require_program(name: str, caller: Caller, install: str) -> None:
    """`LaunchError` unless the caller's PATH holds this program; `install` says how to get it."""
    if shutil.which(name, path=caller.env.get("PATH", os.defpath)) is None:
        if os.sep in name:
            path = Path(name)
            why = "is a folder" if path.is_dir() else "cannot be executed"
            why = why if path.exists() else "is not there"
            raise LaunchError(f"{name} {why}", f"ls -l {name}")
        raise LaunchError(f"{name} was not found on PATH", install)


def choose_auth(
    facts: SessionFacts,
    logins: Sequence[str],
    provider: str = "anthropic",
    *,
    login_first: bool = False,
) -> Auth:
    """Who authenticates this session to a provider: KEY or PASSTHROUGH.

    `logins` name the agent's own credentials ("a login in ~/.claude/.credentials.json"). A
    subscriber must never be moved to paid API silently: with a stored key and a login, auto
    refuses to guess. A key in the caller's environment is a choice already made, unless the agent
    itself would use its login all the same (`login_first`).
    """
    known = facts.of(provider)
    vendor = VENDORS[provider]
    if known.auth is Auth.PASSTHROUGH:
        return Auth.PASSTHROUGH
    if known.auth is Auth.KEY:
        if known.key is KeySource.NONE:
            raise LaunchError(
                f'auth = "key", but there is no {vendor} key', f"agentspend keys set {provider}"
            )
        return Auth.KEY
    if known.key is KeySource.STORED and logins:
        article = "a" if vendor == "Gemini" else "an"
        raise LaunchError(
            f"{article} {vendor} key is stored, and there is {logins[0]}: each bills another"
            " account",
            f'choose in config.toml under [providers.{provider}]: auth = "key" (API dollars)'
            ' or auth = "passthrough" (the login)',
        )
    if known.key is KeySource.NONE or (login_first and logins):
        return Auth.PASSTHROUGH
    return Auth.KEY


NO_LOGIN = "no login was found"
"""What every note of a session without a credential says."""


def unpaid(plan: LaunchPlan) -> str:
    """The note of `nobody_pays` where the plan has it, "" for a session that somebody pays."""
    return next((text for text in plan.notes if NO_LOGIN in text), "")


def nobody_pays(facts: SessionFacts, providers: Sequence[str], inside: str) -> str:
    """The note of a session without any credential; `inside` is the agent's own way to one."""
    unused = [name for name in providers if facts.of(name).key is not KeySource.NONE]
    if unused:
        why = f'auth = "passthrough" under [providers.{unused[0]}]'
        return f"the {VENDORS[unused[0]]} key is not used ({why}), {NO_LOGIN}: {inside}"
    vendor = VENDORS[providers[0]] if len(providers) == 1 else "provider"
    return (
        f"no {vendor} key is stored and {NO_LOGIN}: `agentspend keys set {providers[0]}`,"
        f" or {inside}"
    )


def to_go_there(url: str, provider: str) -> str:
    """The way out of a refusal to follow a redirect: agentspend itself forwards there."""
    return (
        f'base_url = "{origin(url)}" under [providers.{provider}] in config.toml: then agentspend'
        " forwards there"
    )


def session_token_in(url: str) -> str:
    """The token in a base URL of ours (an outer session's, a virtual key's), or "" in any other."""
    found = _OURS.fullmatch(url)
    return found[2] if found else ""


def outer_token(env: Mapping[str, str]) -> str:
    """The token of an outer session of ours that this environment comes from, "" without one."""
    urls = (value for name, value in env.items() if name.endswith(("_BASE_URL", "_API_BASE")))
    return next(filter(None, map(session_token_in, urls)), "") or env.get(TOKEN_VARIABLE, "")


def origin(url: str) -> str:
    """Scheme, host and port of a URL; never its user, path or query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}".lower()
