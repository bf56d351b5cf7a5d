"""Reading a Responses request: the words that cost money, and a bound of the prompt.

Codex names no output limit and keeps its tools in an input item (wire study §2). What the server
keeps for the client (an earlier response, a conversation, a file) is bounded by the context window
alone; what could cost and has no price is named (study §4).
"""

import msgspec

from agentspend.core.facts import RequestFacts
from agentspend.core.limits import MAX_STORED_TOKENS, TOKENS_FOR_TOOLS, TOKENS_PER_MESSAGE
from agentspend.dialects.base import BadRequest
from agentspend.dialects.costly_models import costly_models
from agentspend.dialects.fields import (
    FLAG,
    NAMES,
    TEXT,
    Fields,
    cache_ttl,
    refuse_other_encodings,
)
from agentspend.dialects.json_parts import UNREADABLE, put_together, take_apart
from agentspend.dialects.marks import prefix_marks
from agentspend.dialects.openai_parts import ABSENT, OPENAIS, Parts
from agentspend.dialects.openai_words import labels, other_modalities, retention, runs_of
from agentspend.dialects.tokenizers import tokenizer_of

KNOWN = frozenset(
    {
        "model", "input", "instructions", "tools", "tool_choice", "max_output_tokens",
        "max_tool_calls", "stream", "stream_options", "store", "include", "reasoning", "text",
        "temperature", "top_p", "top_logprobs", "truncation", "parallel_tool_calls", "metadata",
        "client_metadata", "user", "safety_identifier", "prompt_cache_key",
        "prompt_cache_retention", "prompt_cache_options", "service_tier", "previous_response_id",
        "conversation", "prompt", "background", "context_management", "generate", "type", "models",
        "route", "provider", "transforms", "modalities", "cache_control", "image",
    }
)  # fmt: skip
REMOTE = frozenset({"previous_response_id", "conversation", "prompt"})
STORED = frozenset({"prompt"})
"""A request that lies at the provider: it may bring tools and settings that nobody here sees."""
NEUTRAL = frozenset(
    {
        "max_output_tokens", "stream", "stream_options", "store", "include", "temperature", "top_p",
        "top_logprobs", "metadata", "client_metadata", "user", "safety_identifier",
        "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "service_tier",
        "truncation", "max_tool_calls", "cache_control",
    }
)  # fmt: skip
COMPACTS = "compaction_trigger"
"""An item that lets the provider run the prompt to shorten it."""
LOCAL_ITEMS = frozenset(
    {
        "", "message", "reasoning", "function_call", "custom_tool_call", "local_shell_call",
        "shell_call", "apply_patch_call", "computer_call", "web_search_call", "file_search_call",
        "mcp_approval_response", "mcp_list_tools", "mcp_approval_request", "mcp_call",
        "tool_search_call", "compaction", "context_compaction", COMPACTS,
    }
)  # fmt: skip
# Items whose words are sealed in them, or kept by the server where the client only has their id.
SEALED = frozenset({"reasoning", "compaction", "context_compaction"})
LIMIT = "max_output_tokens"


class _Item(msgspec.Struct):
    type: str = ""
    content: msgspec.Raw = ABSENT
    output: msgspec.Raw = ABSENT
    tools: msgspec.Raw = ABSENT
    encrypted_content: str | None = None


class _Screenshot(msgspec.Struct):
    image_url: str = ""


_ITEM = msgspec.json.Decoder(_Item)
_SCREENSHOT = msgspec.json.Decoder(_Screenshot)


def read_request(body: bytes, provider: str, *, in_nfc: bool) -> RequestFacts:
    """The facts of one request to this provider."""
    refuse_other_encodings(body)
    fields = Fields(take_apart(body))
    model = fields.text("model")
    bound_of = tokenizer_of(provider, model).bound(in_nfc=in_nfc)
    parts = Parts(model, bound_of, provider)
    rest = {name: raw for name, raw in fields.raw.items() if name != "input"}
    bound = sum(parts.weigh(raw) + parts.weigh(name.encode()) for name, raw in rest.items())
    if "tools" in rest:
        bound += parts.tools(rest["tools"])
    if b'"format"' in rest.get("text", b""):
        bound += TOKENS_FOR_TOOLS
    items = _items(fields)
    sizes = [_item(raw, parts) for raw in items]
    costly, brings_input = fields.beyond(KNOWN | labels(provider))
    others = tuple(name for name in fields.priced("models", NAMES) or () if name != model)
    costly += costly_models((model, *others), own_tools=provider in OPENAIS)
    compacts = "context_management" in rest or parts.compacts
    runs = (1 + compacts) * runs_of(fields, model)
    uses = parts.uses(fields.whole("max_tool_calls", least=1))
    tier = fields.priced("service_tier", TEXT) or ""
    stream = fields.read("stream", FLAG) is True
    lifetime = retention(fields, body)
    return RequestFacts(
        model=model,
        max_output_tokens=fields.whole(LIMIT, least=1),
        input_bound_tokens=bound + sum(sizes),
        stream=stream,
        cache_ttl=lifetime if provider in OPENAIS else cache_ttl(body, lifetime),
        service_tier=tier,
        other_models=others,
        remote_input=parts.remote_input or bool(rest.keys() & REMOTE) or brings_input,
        iterations=runs + uses,
        web_search_requests=uses if parts.web_searches else 0,
        web_search_preview_requests=uses if parts.preview_searches else 0,
        file_search_requests=uses if parts.file_searches else 0,
        fees_pusd=parts.fees_pusd(uses),
        sealed_tokens=parts.sealed_tokens,
        linked_tokens=parts.linked_tokens,
        prefixes=prefix_marks(rest, NEUTRAL | labels(provider), items, sizes),
        unpriceable=tuple(
            sorted(
                {
                    *parts.unpriceable,
                    *fields.unpriceable,
                    *costly,
                    *other_modalities(fields),
                    *(["background"] if _in_background(fields) else []),
                    *(STORED & rest.keys()),
                }
            )
        ),
        candidates=runs,
        audio=parts.audio,
    )


def with_max_output(body: bytes, tokens: int) -> bytes:
    """The same request with another output limit; added where there is none."""
    parts = take_apart(body)
    return put_together({**parts, LIMIT: msgspec.Raw(str(max(1, tokens)).encode())})


def _items(fields: Fields) -> list[bytes]:
    """The input's items; a plain text is one."""
    raw = fields.raw.get("input", b"")
    if raw[:1] == b'"':
        return [raw]
    if raw and raw[:1] != b"[":
        raise BadRequest("input: must be a string or a list")
    return fields.objects("input")


def _item(raw: bytes, parts: Parts) -> int:
    """The most tokens one item can be."""
    size = parts.weigh(raw) + TOKENS_PER_MESSAGE
    if raw[:1] != b"{":
        return size
    try:
        item = _ITEM.decode(raw)
    except UNREADABLE:
        parts.remote_input = True
        return size
    if item.tools:
        size += parts.tools(bytes(item.tools))
    elif item.type not in LOCAL_ITEMS and not item.type.endswith("_output"):
        parts.remote_input = True
    elif not item.type and bytes(item.content) in (b"", b"null"):
        parts.remote_input = True  # an id alone: an `item_reference` may leave its type out
    parts.compacts = parts.compacts or item.type == COMPACTS
    if item.type in SEALED and not item.encrypted_content and bytes(item.content)[:1] != b"[":
        size += MAX_STORED_TOKENS
    output = bytes(item.output)
    if output[:1] == b"{":
        size += _screenshot(output, parts)
    return size + parts.content(bytes(item.content)) + parts.content(output)


def _screenshot(output: bytes, parts: Parts) -> int:
    """What a computer's screenshot adds, where an output is one."""
    try:
        url = _SCREENSHOT.decode(output).image_url
    except UNREADABLE:
        url = ""
    return parts.image(url)


def _in_background(fields: Fields) -> bool:
    """Whether the usage would only be told to a later question, which nobody here meters."""
    return "background" in fields.raw and fields.raw["background"] != b"false"
