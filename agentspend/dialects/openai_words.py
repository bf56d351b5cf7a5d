"""Words of OpenAI's two APIs that decide a price: how long a cache is kept, and how often a model
runs for one answer."""

import re

import msgspec

from agentspend.core.limits import PRO_RUNS
from agentspend.dialects.fields import NAMES, TEXT, Fields, hides_a_word
from agentspend.dialects.json_parts import UNREADABLE

SHORT_RETENTION = frozenset({"in_memory", "in-memory", "30m", "short"})
# Names by which servers file a request; elsewhere a session may be one that is kept there.
LABELS = frozenset({"request_id", "user_id", "litellm_session_id", "litellm_trace_id"})
LABELS_OF = {"openrouter": LABELS | {"session_id", "trace"}}
OPTIONS = "prompt_cache_options"
BREAKPOINT = b"prompt_cache_breakpoint"  # looked for first: 0.1 ms in 420 KB, the pattern 0.3
_BREAKPOINT_TTL = re.compile(rb'"prompt_cache_breakpoint"\s*:\s*\{[^{}]*"ttl"\s*:\s*"([^"]*)"')
# OpenRouter's names for pro mode, where the rates are the plain model's (its migration guide).
_PRO_NAME = re.compile(r"gpt-(?:5\.[6-9]|[6-9]).*-pro\Z")


class _Options(msgspec.Struct):
    ttl: str | None = None


class _Reasoning(msgspec.Struct):
    mode: str | None = None


_OPTIONS = msgspec.json.Decoder(_Options)
_REASONING = msgspec.json.Decoder(_Reasoning)


def labels(vendor: str) -> frozenset[str]:
    """The fields by which this vendor only files a request: they bring and cost nothing."""
    return LABELS_OF.get(vendor, LABELS)


def other_modalities(fields: Fields) -> list[str]:
    """ "modalities" where a request asks for more than text, which has no price here."""
    asked = fields.read("modalities", NAMES)
    return ["modalities"] if "modalities" in fields.raw and asked != ["text"] else []


def retention(fields: Fields, body: bytes) -> str:
    """The dearest cache write that a request asks for; OpenAI writes by itself.

    GPT-5.6 and later take `prompt_cache_options`, and breakpoints in the content, of whose
    lifetimes 30 minutes is the only one that OpenAI documents (Azure knows 12 hours); one that
    cannot be read is named.
    """
    asked = fields.read("prompt_cache_retention", TEXT)
    short = asked in SHORT_RETENTION or "prompt_cache_retention" not in fields.raw
    options = fields.priced(OPTIONS, _OPTIONS)
    if options is not None and options.ttl not in (None, *SHORT_RETENTION):
        short = False
    marks = _BREAKPOINT_TTL.finditer(body) if BREAKPOINT in body else ()
    for mark in marks:
        short = short and mark[1].decode() in SHORT_RETENTION
    return "auto" if short and not hides_a_word(body) else "auto-12h"


def runs_of(fields: Fields, model: str) -> int:
    """How often the model may read the prompt and write an answer for the one that is given.

    Pro mode "aggregates the model work performed to produce the final answer" at plain rates, by
    OpenAI's guide, and says no number; the pro models of their own cost up to `PRO_RUNS` times
    their plain ones.
    """
    if _PRO_NAME.search(model):
        return PRO_RUNS
    raw = fields.raw.get("reasoning", b"")
    if raw[:1] != b"{":
        return 1
    try:
        mode = _REASONING.decode(raw).mode
    except UNREADABLE:
        return PRO_RUNS
    return 1 if mode in (None, "standard") else PRO_RUNS
