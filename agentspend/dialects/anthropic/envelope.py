"""A request's body as named parts and single messages, in one pass where the body is compact.

A long conversation is almost all messages, so that they are split while the keys are found. Only
a body whose bytes are all accounted for may pass that way; every other is taken apart slowly,
where a key that stands twice is refused.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from agentspend.dialects.anthropic.shapes import ABSENT
from agentspend.dialects.base import BadRequest
from agentspend.dialects.fields import LIST
from agentspend.dialects.json_parts import UNREADABLE, take_apart

COUNTED = frozenset(
    {
        "model", "messages", "system", "tools", "tool_choice", "thinking", "mcp_servers",
        "output_config", "output_format",
    }
)  # fmt: skip
"""The fields `count_tokens` takes that can add to a prompt."""
KNOWN = COUNTED | {
    "max_tokens", "metadata", "stream", "temperature", "top_p", "top_k", "stop_sequences",
    "service_tier", "speed", "inference_geo", "context_management", "container", "betas",
    "fallbacks", "fallback_models", "cache_control", "safeguards", "models", "compaction", "thread",
    "resumption", "diagnostics", "fallback_credit_token", "user_profile_id", "workspace_id",
}  # fmt: skip
NOTHING = (b"null", b"[]")

_REST = sorted(KNOWN - {"messages"})
_rest_of: Callable[[Any], tuple[msgspec.Raw, ...]] = attrgetter(*_REST)
_ENVELOPE = msgspec.json.Decoder(
    msgspec.defstruct(
        "Envelope",
        [("messages", list[msgspec.Raw]), *((name, msgspec.Raw, ABSENT) for name in _REST)],
    )
)


def open_body(body: bytes) -> tuple[dict[str, bytes], list[bytes]]:
    """Every part but the messages by name, and the messages; raises `BadRequest`.

    Parts that say nothing (null, an empty list) are left out.
    """
    opened = _open_compact(body) or _open_slowly(body)
    parts, messages = opened
    return {name: raw for name, raw in parts.items() if raw not in NOTHING}, messages


def _open_compact(body: bytes) -> tuple[dict[str, bytes], list[bytes]] | None:
    """The parts of a body without spaces and with known keys, each once; else None."""
    try:
        envelope: Any = _ENVELOPE.decode(body)
    except UNREADABLE:
        return None
    messages = [bytes(raw) for raw in envelope.messages]
    rest = zip(_REST, _rest_of(envelope), strict=True)
    parts = {name: bytes(raw) for name, raw in rest if raw is not ABSENT}
    size = len('{"messages":[]}') + sum(map(len, messages)) + max(0, len(messages) - 1)
    size += sum(len(',"":') + len(name) + len(raw) for name, raw in parts.items())
    return (parts, messages) if size == len(body) else None


def _open_slowly(body: bytes) -> tuple[dict[str, bytes], list[bytes]]:
    parts = {name: bytes(raw) for name, raw in take_apart(body).items()}
    raw = parts.pop("messages", b"null")
    if raw == b"null":
        raise BadRequest("messages: Field required")
    try:
        return parts, [bytes(message) for message in LIST.decode(raw)]
    except UNREADABLE as error:
        raise BadRequest("messages: must be a list") from error
