"""Which meter reads which answer: from a provider and the name of its API to usage.

For whatever prices an answer that was saved (`agentspend prices explain`, imports). The names are
those of the golden cases: messages, chat.completions, responses, generateContent, converse, …
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from agentspend.core.errors import AgentspendError
from agentspend.core.facts import RequestFacts
from agentspend.dialects.anthropic import Anthropic
from agentspend.dialects.base import BadRequest, Dialect, Meter
from agentspend.dialects.bedrock import ConverseMeter, InvokeStreamMeter, PartnerMeter
from agentspend.dialects.gemini import Gemini
from agentspend.dialects.metering import EVENT_STREAM
from agentspend.dialects.openai_chat import OpenAIChat
from agentspend.dialects.openai_responses import OpenAIResponses

JSON = "application/json"
AWS_STREAM = "application/vnd.amazon.eventstream"
FIRST_PARTY = "anthropic"

_DIALECTS: Mapping[str, Callable[[str], Dialect]] = {
    "messages": lambda _: Anthropic(),
    "messages/count_tokens": lambda _: Anthropic(),
    "invoke": lambda _: Anthropic(),
    "invoke-with-response-stream": lambda _: Anthropic(),
    "rawPredict": lambda _: Anthropic(),
    "streamRawPredict": lambda _: Anthropic(),
    "chat.completions": OpenAIChat,
    "responses": OpenAIResponses,
    "generateContent": Gemini,
    "streamGenerateContent": Gemini,
}
_OTHERS = ("converse", "converse-stream")
APIS = (*_DIALECTS, *_OTHERS)

_CONTENTS = {"role": "user", "parts": [{"text": "?"}]}
_MESSAGE = {"role": "user", "content": "?"}
_SMALLEST: dict[str, Any] = {
    "max_tokens": 1_000, "messages": [_MESSAGE], "input": "?", "contents": [_CONTENTS],
}  # fmt: skip
_NEEDED = {
    "chat.completions": ("messages",),
    "responses": ("input",),
    "generateContent": ("contents",),
    "streamGenerateContent": ("contents",),
}


def facts_for(provider: str, api: str, asked: Mapping[str, Any], model: str) -> RequestFacts:
    """What a meter must know of the request, of which a fragment will do (or nothing)."""
    said = {name: value for name, value in asked.items() if name != "agentspend_config"}
    make = _DIALECTS.get(api)
    if make is not None:
        needed = _NEEDED.get(api, ("max_tokens", "messages"))
        whole = {**{name: _SMALLEST[name] for name in needed}, **said}
        if make is not Gemini:
            whole.setdefault("model", model)
        try:
            return make(provider).read_request(json.dumps(whole).encode(), path_model=model)
        except BadRequest:
            pass
    long = '"1h"' in json.dumps(said)
    return RequestFacts(model, 0, 0, cache_ttl="1h" if long else "")


def meter_for(
    provider: str, api: str, facts: RequestFacts, status: int, content_type: str
) -> Meter:
    """The meter of one answer of this provider's API. Raises `AgentspendError` for an API unknown.

    Anthropic's shapes from anybody else are billed at the model asked for, refusals included.
    """
    if api in _OTHERS:
        return ConverseMeter(facts, status, content_type, streamed=api != "converse")
    if api == "invoke-with-response-stream":
        return InvokeStreamMeter(facts, status)
    make = _DIALECTS.get(api)
    if make is None:
        raise AgentspendError(
            f"answers of {provider}'s {api} cannot be read", f"known: {', '.join(APIS)}"
        )
    dialect = make(provider)
    if isinstance(dialect, Anthropic) and provider != FIRST_PARTY:
        return PartnerMeter(facts, status, content_type)
    return dialect.meter(facts, status, content_type)


def content_type_of(answer: bytes) -> str:
    """What a saved answer is, by its first bytes."""
    start = answer.lstrip()[:1]
    if answer[:1] == b"\0":
        return AWS_STREAM
    return JSON if start in (b"{", b"[", b"") else EVENT_STREAM
