"""What the sandbox is told to do with a request.

Owns the vocabulary of behaviours and how they are read from JSON. A behaviour is a value; who
chooses it for which request is `script.Director`.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import msgspec

from agentspend.sandbox.anthropic.prices import find
from agentspend.sandbox.rules import RULES

MAX_TOKENS_PER_S = 400
COUNT_MARGIN_TOKENS = 1_024


class BehaviourError(ValueError):
    """A behaviour that cannot be read; the message says which field."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """One extra pass the provider bills apart: `compaction` at the request's model,
    `advisor_message` at its own `model`. Other types are shown and not billed."""

    type: str
    model: str = ""
    input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PromptUsage:
    """A dictated input side, instead of counting the body and asking the cache."""

    input_tokens: int = 0
    cache_read_input_tokens: int = 0
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0
    cache_write_30m_tokens: int = 0
    cache_write_12h_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one request is answered, in any dialect. Every field has the normal answer as its
    default. Words are Anthropic's; the other dialects translate them (`max_tokens` is OpenAI's
    `length`, Gemini's `MAX_TOKENS`) and pass on what is not one of them.

    What is said:
      answer: blocks `{"type":"text","text"}`, `{"type":"tool_use","name","input"}`; empty means
        text of a seeded length. A request that wants JSON and offers no tools gets JSON, whatever
        stands here. A call of a tool that OpenAI's request declares as `custom` says its `input`
        argument as plain text.
      output_tokens: exact, or (low, high) drawn by seed; thinking is part of it. None: 16 to 1,024.
      thinking_tokens: of these, spent in a thinking block (hidden when the request says so).
      rejected_tokens: of a `prediction`, beside the request's limit. OpenAI's chat only.
      stop_reason: overrides the one that follows from the answer.
      refusal: no content. Anthropic: `stop_reason` refusal, not billed. OpenAI: a `refusal` text,
        billed. Gemini: `finishReason` SAFETY, of which the input is billed.
      response_model: another model answers, and is billed.

    What it counts:
      tokens: name of a `tokens.RULES` entry. usage: dictated input side. cache: "miss" reads
        nothing, "off" ignores every mark. late_input_tokens: input that only the final usage
        shows, as server tools add it. count_off_tokens: error of `count_tokens`; an under-count
        is limited to what the vendor's error was measured at (result + the larger of 2 % and
        1,024 reaches the truth).
      web_search_requests, unknown_usage: more usage fields (Responses: `web_search_call` items;
        Gemini: search queries). web_fetch_requests, iterations, speed: Anthropic only.
      inference_geo, service_tier: echoed and billed; "" echoes the request.
      silent_on_usage: "final" leaves usage out of the last event (and of a JSON answer),
        "all" leaves it out everywhere. OpenAI has it nowhere but in the last.

    How it arrives:
      first_byte_delay_s, chunk_delay_s: through the server's `sleep`.
      paced, tokens_per_s: generate at that speed instead of at once.
      deltas: how many pieces the text is streamed in. torn_bytes: write the stream in pieces of
        that many bytes, blind to event borders.
      cut_after_events, error_after_events, hang_after_events: abort the connection, send
        an error inside the stream (of `error_type` and `error_message`), or wait for `release()`
        after that many events; hang at 0 never answers. A Responses answer in JSON with
        error_after_events is one with `status` failed.

      headers: more headers on the answer or the error (a subscription's windows, say).

    Errors before the answer: status, error_type, error_message, retry_after_s; `count_status`
    for counting tokens.
    """

    answer: tuple[dict[str, Any], ...] = ()
    output_tokens: int | tuple[int, int] | None = None
    thinking_tokens: int = 0
    rejected_tokens: int = 0
    stop_reason: str = ""
    refusal: bool = False
    response_model: str = ""
    tokens: str = "code"
    usage: PromptUsage | None = None
    cache: Literal["normal", "miss", "off"] = "normal"
    late_input_tokens: int = 0
    count_off_tokens: int = 0
    web_search_requests: int = 0
    web_fetch_requests: int = 0
    iterations: tuple[Iteration, ...] = ()
    unknown_usage: dict[str, Any] = field(default_factory=dict)
    speed: str = ""
    inference_geo: str = ""
    service_tier: str = ""
    silent_on_usage: Literal["no", "final", "all"] = "no"
    first_byte_delay_s: float = 0.0
    chunk_delay_s: float = 0.0
    paced: bool = False
    tokens_per_s: float = 80.0
    deltas: int | None = None
    torn_bytes: int = 0
    cut_after_events: int | None = None
    error_after_events: int | None = None
    hang_after_events: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    error_type: str = ""
    error_message: str = ""
    retry_after_s: float | None = None
    count_status: int = 200

    def __post_init__(self) -> None:
        if self.tokens not in RULES:
            raise BehaviourError(f"tokens: {self.tokens!r} is none of {', '.join(RULES)}")
        if not 0 < self.tokens_per_s <= MAX_TOKENS_PER_S:
            raise BehaviourError(f"tokens_per_s: above 0, at most {MAX_TOKENS_PER_S}")
        if isinstance(self.output_tokens, tuple) and self.output_tokens[0] > self.output_tokens[1]:
            raise BehaviourError("output_tokens: (low, high) with low <= high")
        for extra in self.iterations:
            if extra.model and find(extra.model) is None:
                raise BehaviourError(f"iterations: no price for model {extra.model!r}")


NORMAL = Behaviour()


def text(words: str) -> dict[str, Any]:
    """A text block for `Behaviour.answer`."""
    return {"type": "text", "text": words}


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call for `Behaviour.answer`."""
    return {"type": "tool_use", "name": name, "input": arguments}


def behaviour_from(value: object) -> Behaviour:
    """Read a behaviour from decoded JSON. Raises BehaviourError for unknown or mistyped fields."""
    if not isinstance(value, dict):
        raise BehaviourError("a behaviour is a JSON object")
    _refuse_strangers(value, Behaviour)
    _refuse_strangers(value.get("usage"), PromptUsage)
    for extra in value.get("iterations") or ():
        _refuse_strangers(extra, Iteration)
    try:
        return msgspec.convert(value, Behaviour)
    except (msgspec.ValidationError, ValueError) as error:
        raise BehaviourError(str(error)) from error


def _refuse_strangers(value: object, kind: type[Behaviour | PromptUsage | Iteration]) -> None:
    """A misspelt field would silently be the normal answer, and a test would prove nothing."""
    known = {item.name for item in fields(kind)}
    strange = sorted(set(value) - known) if isinstance(value, dict) else []
    if strange:
        raise BehaviourError(f"{strange[0]}: no such field; known are {', '.join(sorted(known))}")


def counted(true_tokens: int, off_tokens: int) -> int:
    """What `count_tokens` says for a prompt of `true_tokens` with an error of `off_tokens`."""
    lowest = min(true_tokens - COUNT_MARGIN_TOKENS, -(-true_tokens * 100 // 102))
    return max(1, lowest, true_tokens + off_tokens)
