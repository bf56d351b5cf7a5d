"""Our own tags in an OpenAI body: `"metadata": {"tags": ["project:payments", "team:backend"]}`.

The form that clients of other gateways already send. OpenAI's own metadata maps names to strings,
so a list of tags is never meant for it, and a string called `tags` always is.
"""

import msgspec

from agentspend.dialects.base import BadRequest
from agentspend.dialects.fields import FIELDS, NAMES
from agentspend.dialects.json_parts import UNREADABLE, put_together, take_apart


def take_tags(body: bytes) -> tuple[bytes, list[str]]:
    """The body without our tags, and the tags as they were written; raises `BadRequest`.

    Every other value keeps its bytes, and a body without tags is the same one. Metadata that held
    nothing else goes too.
    """
    if b'"tags"' not in body or b'"metadata"' not in body:
        return body, []
    parts = take_apart(body)
    try:
        metadata = FIELDS.decode(parts.get("metadata", b"null"))
    except UNREADABLE:
        return body, []
    tags = bytes(metadata.pop("tags", b""))
    if tags[:1] != b"[":
        return body, []
    try:
        found = NAMES.decode(tags)
    except UNREADABLE as error:
        raise BadRequest("metadata.tags: must be a list of strings") from error
    rest = {name: raw for name, raw in parts.items() if name != "metadata"}
    if not metadata:
        return put_together(rest), found
    kept = msgspec.Raw(put_together(metadata))
    return put_together({n: kept if n == "metadata" else raw for n, raw in parts.items()}), found
