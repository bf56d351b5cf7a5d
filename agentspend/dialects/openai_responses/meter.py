"""Metering a Responses answer as it passes, JSON or event stream.

The usage comes once, with `response.completed`, `response.incomplete` or `response.failed`, where
it may be null. Searches are counted from the output items: no usage counts them (study §3.3).
"""

from typing import Any

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Usage, UsagePart
from agentspend.dialects.metering import AnswerMeter
from agentspend.dialects.openai_usage import RESPONSES, read_usage, stated_pusd

ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})
FINAL = frozenset({"completed", "incomplete", "failed", "cancelled"})
CUT = "max_output_tokens"
SEARCH = "search"
# Items that are billed by what they take, and not by tokens or calls.
UNPRICED_ITEMS = frozenset({"code_interpreter_call", "image_generation_call", "shell_call"})
CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call", "apply_patch_call"})


class ResponsesMeter(AnswerMeter):
    """Usage of one Responses answer of one vendor."""

    def __init__(
        self, facts: RequestFacts, status: int, content_type: str, vendor: str = "openai"
    ) -> None:
        super().__init__(facts, status, content_type)
        self._vendor = vendor
        self._items: dict[str, dict[str, Any]] = {}

    def _read(self, message: Any, data: bytes) -> bool:
        kind = str(message.get("type", ""))
        response = message.get("response")
        if kind.endswith(".delta"):
            self._count_output(message.get("delta"), data)
            return False
        if kind == "response.output_item.done":
            self._note_items([message["item"]])
        if kind == "error" or message.get("error"):
            self._broken = True
        if not response:
            return False
        self._read_response(response)
        self._final = self._final or (kind in ENDINGS and bool(response.get("usage")))
        return bool(response.get("usage"))

    def _read_whole(self, message: Any) -> None:
        self._read_response(message)
        self._final = self._complete and message.get("status", "completed") in FINAL

    def _read_response(self, response: dict[str, Any]) -> None:
        self._model = str(response.get("model") or self._model)
        self._response_id = str(response.get("id") or self._response_id)
        self._tier = str(response.get("service_tier") or self._tier)
        self._usage = dict(response.get("usage") or self._usage)
        details = response.get("incomplete_details") or {}
        self._stop_reason = str(
            details.get("reason") or response.get("status") or self._stop_reason
        )
        self._note_items(response.get("output") or [])

    def _note_items(self, items: list[dict[str, Any]]) -> None:
        """Keep an item once, however often it is told."""
        fresh: dict[str, dict[str, Any]] = {}
        for at, item in enumerate(items):
            kind = str(item.get("type", ""))
            self._in_tool_call = kind in CALLS
            if kind.endswith("_call") and kind not in CALLS:
                fresh[str(item.get("id") or f"#{at}")] = {
                    "type": kind,
                    "action": item.get("action"),
                    "container": item.get("container_id") or item.get("environment"),
                }
        if fresh:
            self._items = {**self._items, **fresh}

    def _is_whole(self) -> bool:
        return self._final and bool(self._usage)

    def _was_cut(self) -> bool:
        return self._stop_reason == CUT

    def _parts(self) -> tuple[tuple[UsagePart, ...], list[str], int | None]:
        usage, unknown = read_usage(self._usage, RESPONSES)
        facts = self._facts
        searches = sum(_is_search(item) for item in self._items.values())
        preview = bool(facts.web_search_preview_requests)
        files = sum(item["type"] == "file_search_call" for item in self._items.values())
        unknown += [f"output.{item['type']}" for item in self._items.values() if _is_unpriced(item)]
        counted = Usage(
            **{
                **usage.counts(),
                "web_search_requests": 0 if preview else searches,
                "web_search_preview_requests": searches if preview else 0,
                "file_search_requests": files,
            }
        )
        part = UsagePart(
            model=self._model or facts.model,
            usage=counted,
            speed=facts.speed,
            service_tier=self._tier or facts.service_tier,
            inference_geo=facts.inference_geo,
        )
        return (part,), unknown, stated_pusd(self._usage, self._vendor)


def _is_search(item: dict[str, Any]) -> bool:
    """A billed search: opening a page, or looking for words in one, is not."""
    if item["type"] != "web_search_call":
        return False
    action = item["action"] or {}
    return str(action.get("type", SEARCH)) == SEARCH


def _is_unpriced(item: dict[str, Any]) -> bool:
    if item["type"] == "shell_call":
        return bool(item["container"])
    return item["type"] in UNPRICED_ITEMS
