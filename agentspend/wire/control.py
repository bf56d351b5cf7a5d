"""The local control protocol, v1: JSON lines over a Unix socket, and the snapshot people see.

Owns the words on the wire, for both ends. Reads with the stdlib's `json`, because every command
pays for its imports. A request is one line `{"v":1,"op":…}`; answers are one or more lines, all
but the last with `"more":true`; an error is `{"v":1,"error":{"message","hint","code"}}`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES

VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Op(StrEnum):
    """What a client may ask."""

    HELLO = "hello"
    STATUS = "status"
    WATCH = "watch"
    LOG = "log"
    WHY = "why"
    ADJUST = "adjust"
    BUDGETS = "budgets"
    BUDGETS_DECLARE = "budgets_declare"
    BUDGETS_CONFIRM = "budgets_confirm"
    SESSION_OPEN = "session_open"
    SESSION_CLOSE = "session_close"
    RELOAD = "reload"
    VERIFY = "verify"
    STOP = "stop"


class Code(StrEnum):
    """What kind of error an answer carries: for programs; people read the message."""

    FAILED = "failed"
    USAGE = "usage"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    READ_ONLY = "read_only"


@dataclass(frozen=True, slots=True)
class Request:
    """One question: the operation and its arguments."""

    op: str
    args: Mapping[str, Any] = field(default_factory=dict)


class Failure(AgentspendError):
    """An error the daemon answered with; `code` is one of `Code`, or a later version's word."""

    def __init__(self, message: str, hint: str = "", code: str = Code.FAILED) -> None:
        super().__init__(message, hint)
        self.code = code


def write_request(op: str, **args: Any) -> bytes:
    """The request line, newline included."""
    return _line({"v": VERSION, "op": str(op), **args})


def read_request(line: bytes) -> Request:
    """Read a request line; `Failure` (usage) says what is wrong with it."""
    found = _read(line)
    op = found.pop("op", None)
    if not isinstance(op, str):
        raise Failure("the request names no op", code=Code.USAGE)
    found.pop("v")
    return Request(op, found)


def write_answer(fields: Mapping[str, Any], *, more: bool = False) -> bytes:
    """One answer line; `more` announces that another follows."""
    return _line({"v": VERSION, **fields, **({"more": True} if more else {})})


def write_failure(message: str, hint: str = "", code: str = Code.FAILED) -> bytes:
    """The error answer, always the last line."""
    error = {"message": message, "hint": hint, "code": str(code)}
    return _line({"v": VERSION, "error": error})


def read_answer(line: bytes) -> dict[str, Any]:
    """Read an answer line (with `more` when another follows); an error answer raises `Failure`."""
    found = _read(line)
    error = found.get("error")
    if error is not None:
        raise Failure(error["message"], error.get("hint", ""), error.get("code", Code.FAILED))
    return found


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_CONTROL_LINE_BYTES:
        raise Failure("a control line is longer than 1 MiB", code=Code.USAGE)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Failure("a control line is not a JSON object", code=Code.USAGE)
    if found.get("v") != VERSION:
        raise Failure(
            f"the other end speaks control protocol {found.get('v')!r}, this one {VERSION}",
            "agentspend daemon stop, then try again: the daemon and the command differ in version",
            Code.USAGE,
        )
    return found


def iso(ts_us: int | None) -> str | None:
    """UTC microseconds as ISO 8601 to the second, such as 2026-11-25T00:00:00Z; None stays."""
    if ts_us is None:
        return None
    return (_EPOCH + timedelta(microseconds=ts_us)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One budget in its present window; amounts in nano-USD, `resets_us` UTC (None: never)."""

    name: str
    scope: Mapping[str, str]
    window: str
    mode: str
    limit_nusd: int
    spent_nusd: int
    held_nusd: int
    resets_us: int | None = None
    counts: str = "billed"
    bound: str = "strict"

    @property
    def free_nusd(self) -> int:
        """What a new hold may take, never below zero."""
        return max(0, self.limit_nusd - self.spent_nusd - self.held_nusd)

    def as_json(self) -> dict[str, Any]:
        """The fixed shape of `agentspend status --json`."""
        return {
            "name": self.name,
            "scope": dict(self.scope),
            "window": self.window,
            "mode": self.mode,
            "limit_nusd": self.limit_nusd,
            "spent_nusd": self.spent_nusd,
            "held_nusd": self.held_nusd,
            "free_nusd": self.free_nusd,
            "resets_at": iso(self.resets_us),
            "counts": self.counts,
            "bound": self.bound,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "BudgetLine":
        """Read back what `as_json` wrote."""
        return cls(
            name=found["name"],
            scope=found["scope"],
            window=found["window"],
            mode=found["mode"],
            limit_nusd=found["limit_nusd"],
            spent_nusd=found["spent_nusd"],
            held_nusd=found["held_nusd"],
            resets_us=_us(found["resets_at"]),
            counts=found["counts"],
            bound=found["bound"],
        )


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One `agentspend run`; `spent_nusd` are billed dollars, `listed_nusd` subscription use."""

    id: str
    agent: str
    project: str = ""
    branch: str = ""
    started_us: int = 0
    requests: int = 0
    refused: int = 0
    spent_nusd: int = 0
    listed_nusd: int = 0
    held_nusd: int = 0
    live: bool = True

    def as_json(self) -> dict[str, Any]:
        """One item of `sessions` in `agentspend status --json`."""
        return {
            "id": self.id,
            "agent": self.agent,
            "project": self.project,
            "branch": self.branch,
            "started_at": iso(self.started_us),
            "requests": self.requests,
            "refused": self.refused,
            "spent_nusd": self.spent_nusd,
            "listed_nusd": self.listed_nusd,
            "held_nusd": self.held_nusd,
            "live": self.live,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "SessionLine":
        """Read back what `as_json` wrote."""
        known = {name: found[name] for name in found if name != "started_at"}
        return cls(**known, started_us=_us(found["started_at"]) or 0)


@dataclass(frozen=True, slots=True)
class WaitLine:
    """A request that stands in line: whose it is, for which budget, since when, and why."""

    rid: str
    session: str
    budget: str
    since_us: int
    why: str

    def as_json(self) -> dict[str, Any]:
        """One item of `waiting` in `agentspend status --json`."""
        return {
            "rid": self.rid,
            "session": self.session,
            "budget": self.budget,
            "since": iso(self.since_us),
            "why": self.why,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "WaitLine":
        """Read back what `as_json` wrote."""
        since_us = _us(found["since"]) or 0
        return cls(found["rid"], found["session"], found["budget"], since_us, found["why"])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What `status` shows and `watch` begins with. `today_nusd` is the billed sum of the day.

    `notes` are sentences a person should read: a budget that waits for confirmation, a ledger
    that is read-only, a configuration that could not be loaded.
    """

    budgets: tuple[BudgetLine, ...] = ()
    sessions: tuple[SessionLine, ...] = ()
    waiting: tuple[WaitLine, ...] = ()
    today_nusd: int = 0
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fixed shape of `agentspend status --json`, `v` included."""
        return {
            "v": VERSION,
            "budgets": [line.as_json() for line in self.budgets],
            "sessions": [line.as_json() for line in self.sessions],
            "waiting": [line.as_json() for line in self.waiting],
            "today_nusd": self.today_nusd,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Snapshot":
        """Read back what `as_json` wrote; unknown later fields are ignored at this level."""
        return cls(
            budgets=tuple(BudgetLine.from_json(item) for item in found["budgets"]),
            sessions=tuple(SessionLine.from_json(item) for item in found["sessions"]),
            waiting=tuple(WaitLine.from_json(item) for item in found.get("waiting", ())),
            today_nusd=found["today_nusd"],
            notes=tuple(found.get("notes", ())),
        )


def _us(text: str | None) -> int | None:
    """ISO 8601 back to UTC microseconds."""
    if text is None:
        return None
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
