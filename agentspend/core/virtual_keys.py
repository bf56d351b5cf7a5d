"""A virtual key: a name, who it stands for, and the rules that travel with it.

Values only. Its token is kept nowhere but with its owner; what may be spent with it is an ordinary
budget whose scope names it (`budget_name`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.rules import ModelRule, RateLimit, Rules
from agentspend.core.scopes import Scope, is_team

TOKEN_PREFIX = "ask-"  # noqa: S105 - what every token begins with
KEY_SOURCE = "virtual key "
"""How a rule that comes with a key names its source; the alias follows."""
MAX_PER_MINUTE = 10**12
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_ARTICLE = {"agent": "an", "provider": "a"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


class KeyState(StrEnum):
    """Whether a key lets requests through."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class VirtualKey:
    """One key. Limits are a minute's (`parallel`: requests in flight); 0 is no limit.

    No `models` allows all. `agent` "" leaves the agent to the request; `provider` names the one
    that serves a model which several have, `team` the one of its member's teams that pays ("": as a
    repository says, else the home team). Moments are UTC microseconds, None for never.
    """

    alias: str
    models: tuple[str, ...] = ()
    tpm: int = 0
    rpm: int = 0
    parallel: int = 0
    agent: str = ""
    provider: str = ""
    project: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    expires_us: int | None = None
    created_us: int = 0
    blocked_us: int | None = None
    deleted_us: int | None = None

    def state(self, now_us: int) -> KeyState:
        """What a request that shows this key meets now."""
        if self.deleted_us is not None:
            return KeyState.DELETED
        if self.blocked_us is not None:
            return KeyState.BLOCKED
        over = self.expires_us is not None and self.expires_us <= now_us
        return KeyState.EXPIRED if over else KeyState.ACTIVE

    def rules(self) -> Rules:
        """Its model list and limits, as every session of it has them."""
        scope, source = Scope.of({"key": self.alias}), f"{KEY_SOURCE}{self.alias}"
        models = (ModelRule(scope, self.models, source=source),) if self.models else ()
        rate = RateLimit(
            scope, "key", rpm=self.rpm, tpm=self.tpm, parallel=self.parallel, source=source
        )
        return Rules(models, (rate,) if self.rpm or self.tpm or self.parallel else ())

    def settings(self) -> dict[str, Any]:
        """What was chosen for it, as JSON values; what is at its default is left out."""
        chosen: dict[str, Any] = {
            "models": list(self.models), "tpm": self.tpm, "rpm": self.rpm,
            "parallel": self.parallel, "agent": self.agent, "provider": self.provider,
            "project": self.project, "team": self.team, "tags": list(self.tags),
        }  # fmt: skip
        return {name: value for name, value in chosen.items() if value}


def key_of(alias: str, settings: Mapping[str, Any]) -> VirtualKey:
    """A key by its name and what `settings` wrote. Raises `AgentspendError` for what is none."""
    check_alias(alias)
    for name in ("tpm", "rpm", "parallel"):
        if int(settings.get(name, 0)) < 0:
            raise AgentspendError(f"{name} is below zero", "0 is no limit")
        if int(settings.get(name, 0)) > MAX_PER_MINUTE:
            raise AgentspendError(f"{name} is above {MAX_PER_MINUTE:,}", "0 is no limit")
    for name in ("agent", "provider"):
        word = str(settings.get(name, ""))
        if word and not _NAME.fullmatch(word):
            raise AgentspendError(
                f"{word!r} is not the name of {_ARTICLE[name]} {name}",
                "use letters, digits, - _ . and :, at most 64",
            )
    team = str(settings.get("team", ""))
    if team and not is_team(team):
        raise AgentspendError(f"{team!r} is not the name of a team", "agentspend team status")
    return VirtualKey(
        alias,
        models=tuple(map(str, settings.get("models", ()))),
        tpm=int(settings.get("tpm", 0)),
        rpm=int(settings.get("rpm", 0)),
        parallel=int(settings.get("parallel", 0)),
        agent=str(settings.get("agent", "")),
        provider=str(settings.get("provider", "")),
        project=str(settings.get("project", "")),
        team=team,
        tags=tuple(map(str, settings.get("tags", ()))),
    )


def is_token(text: str) -> bool:
    """Whether this looks like a virtual key's token, known or not."""
    return text.startswith(TOKEN_PREFIX)


def check_alias(alias: str) -> None:
    """Refuse a name that could not be typed after `key info`, or in a budget's scope."""
    if not _ALIAS.fullmatch(alias):
        raise AgentspendError(
            f"{alias!r} is not a name for a key", "use letters, digits, - _ and ., at most 60"
        )


def budget_name(alias: str) -> str:
    """The budget that `key create --max-budget` sets."""
    return f"key-{alias}"
