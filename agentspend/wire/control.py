"""The local control protocol, v1: JSON lines over a Unix socket.

Owns the framing for both ends. Uses the standard library's `json`, because every command pays for
its imports. A request is one line `{"v":1,"op":…}`; answers are one or more lines; an error is
`{"v":1,"error":{"kind","message","hint"}}`, its kind one of `core.errors.Kind`.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from agentspend.core.errors import AgentspendError, Kind
from agentspend.core.limits import MAX_CONTROL_LINE_BYTES

VERSION = 1


class Op(StrEnum):
    """What a client may ask."""

    PING = "ping"
    STATUS = "status"
    TOP = "top"
    BRIEF = "brief"
    WATCH = "watch"
    SESSION_OPEN = "session.open"
    SESSION_TOTAL = "session.total"
    SESSION_PAUSE = "session.pause"
    SESSION_MODELS = "session.models"
    SESSION_RESUME = "session.resume"
    ENTRIES = "entries"
    CHECKPOINTS = "checkpoints"
    SPENDING = "spending"
    WHY = "why"
    CHARGE = "charge"
    ADJUST = "adjust"
    QUESTION_REFUSE = "question.refuse"
    POLICY = "policy"
    MAY_LOOSEN = "policy.may_loosen"
    CONFIRM = "policy.confirm"
    BUDGET_SET = "budget.set"
    SETTINGS_SET = "settings.set"
    KEYS_CHANGED = "keys.changed"
    KEY_CREATE = "key.create"
    KEY_LIST = "key.list"
    KEY_INFO = "key.info"
    KEY_BLOCK = "key.block"
    KEY_UNBLOCK = "key.unblock"
    KEY_UPDATE = "key.update"
    KEY_ROTATE = "key.rotate"
    KEY_DELETE = "key.delete"
    PROVIDER_TEST = "provider.test"
    TEAM_JOIN = "team.join"
    TEAM_STATUS = "team.status"
    TEAM_SYNC = "team.sync"
    TEAM_LEAVE = "team.leave"
    TEAM_REQUEST = "team.request"
    TEAM_RESERVE = "team.reserve"
    TEAM_ADD_DEVICE = "team.add_device"
    TEAM_DECIDE = "team.decide"
    STOP = "stop"


def write_request(op: str, fields: Mapping[str, Any]) -> bytes:
    """The request line, newline included."""
    return _line({"v": VERSION, "op": str(op), **fields})


def read_request(line: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its fields. Raises `AgentspendError` for a line that is no request."""
    found = _read(line)
    op = found.pop("op", None)
    if not isinstance(op, str):
        hint = f"known: {', '.join(Op)}"
        raise AgentspendError("the request names no operation", hint, Kind.UNREADABLE)
    found.pop("v")
    return op, found


def write_answer(fields: Mapping[str, Any]) -> bytes:
    """One answer line."""
    return _line({"v": VERSION, **fields})


def write_error(error: AgentspendError) -> bytes:
    """The answer to a request that failed."""
    told = {"kind": error.kind, "message": error.message, "hint": error.hint}
    return _line({"v": VERSION, "error": told})


def read_answer(line: bytes) -> dict[str, Any]:
    """An answer's fields; an error answer is raised as the `AgentspendError` it stands for."""
    found = _read(line)
    error = found.get("error")
    if isinstance(error, dict):
        message = str(error.get("message"))
        kind = str(error.get("kind") or _kind_of_old(message))
        raise AgentspendError(message, str(error.get("hint", "")), kind)
    return found


def _kind_of_old(message: str) -> Kind:
    """The kind of an error whose daemon is older than kinds: by how its sentence begins."""
    return next((kind for start, kind in _OLD_SENTENCES.items() if message.startswith(start)),
                Kind.OTHER)  # fmt: skip


_OLD_SENTENCES = {
    "--team ": Kind.TEAM,
    "unknown operation ": Kind.UNKNOWN_OPERATION,
    "the daemon cannot read this request": Kind.UNREADABLE,
}


def _line(value: Mapping[str, Any]) -> bytes:
    """One line. What is no text in UTF-8 (a file's name may hold it) stands there escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace") + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    if len(line) > 16 * MAX_CONTROL_LINE_BYTES:
        raise AgentspendError("a control line is longer than 16 MiB")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise AgentspendError("a control line is not a JSON object")
    if found.get("v") != VERSION:
        raise AgentspendError(
            f"the other end speaks control protocol {found.get('v')!r}, this one {VERSION}",
            "agentspend daemon stop, then try again: the daemon and the command differ in version",
            Kind.UNREADABLE,
        )
    return found
