"""What a vendor's room offers the server: reading, answering, rendering.

A dialect is a value; the rooms `anthropic`, `openai` and `gemini` each make theirs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentspend.sandbox.answer import Answer, Ask
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.events import Step

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API shape.

    `no_credential` is the error for a request without one of `key_headers`, a bearer token, or
    (Gemini) a `key` in the query. `request_id_header` is "" where the vendor sends none: its
    answers are then known by the id in their body. `drains`: the vendor goes on generating, and
    billing, when the client has left.
    """

    name: str
    key_headers: tuple[str, ...]
    request_id_header: str
    no_credential: ApiError
    overloaded: ApiError
    error_types: Mapping[int, str]
    error_body: Callable[[ApiError, str], bytes]
    answer: Callable[[Ask], Answer | ApiError]
    count: Callable[[Body, Behaviour], int | ApiError]
    counted: Callable[[int], dict[str, Any]]
    whole: Callable[[Answer], bytes]
    stream: Callable[[Answer], Iterator[Step]]
    broken: Callable[[Answer, ApiError], bytes]
    models: Callable[[], dict[str, Any]]
    model: Callable[[str], dict[str, Any] | None]
    drains: bool = False

    def error(self, status: int, kind: str = "", message: str = "") -> ApiError:
        """An error of this status, in the vendor's words where none are given."""
        word = kind or self.error_types.get(status) or self.error_types[500]
        return ApiError(status, word, message or word)
