"""Who gets which behaviour.

Owns the choice: a request header first, then the queue, then a callable such as `Script`, then
the default. Side calls that ask for JSON (session titles) take nothing from the queue, so that a
scripted conversation with a real agent stays in step.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from agentspend.sandbox.behaviour import NORMAL, Behaviour, BehaviourError, behaviour_from
from agentspend.sandbox.checks import dicts
from agentspend.sandbox.content import asks_json, offers_tools

HEADER = "x-sandbox-behaviour"
AGENT_HEADER = "x-claude-code-agent-id"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a chooser may look at: the decoded body and the headers (lower-case names)."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]


Chooser = Callable[[Seen], Behaviour | None]


@dataclass(frozen=True, slots=True)
class Script:
    """A scripted conversation, without state: the answer is picked by how many turns the
    assistant has had, so retries and parallel subagents get the right one. `agents` answers
    requests with a subagent's header; the last answer repeats. A request without tools (an
    agent's title call, say) gets no tool call."""

    main: tuple[Behaviour, ...]
    agents: tuple[Behaviour, ...] = ()

    def __call__(self, seen: Seen) -> Behaviour | None:
        """The answer whose turn it is; None leaves the choice to the default."""
        if asks_json(seen.body):
            return None
        answers = self.agents if AGENT_HEADER in seen.headers else self.main
        if not answers:
            return None
        chosen = answers[min(turns_of(seen.body), len(answers) - 1)]
        calls = any(block.get("type") == "tool_use" for block in chosen.answer)
        return None if calls and not offers_tools(seen.body) else chosen


def turns_of(body: Mapping[str, Any]) -> int:
    """How many turns the model has had: a turn of the Responses API may be several items."""
    turns, before = 0, False
    for item in _history(body):
        ours = _is_models(item)
        turns += ours and not before
        before = ours
    return turns


def _history(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return next(
        (dicts(body[name]) for name in ("messages", "input", "contents") if name in body), []
    )


def _is_models(item: Mapping[str, Any]) -> bool:
    if "role" in item:
        return item["role"] in ("assistant", "model")
    kind = str(item.get("type"))
    return kind == "reasoning" or kind.endswith("_call")


class Director:
    """Holds the behaviours of one server and hands one out per request."""

    def __init__(self, default: Behaviour = NORMAL) -> None:
        self.default = default
        self.queue: deque[Behaviour] = deque()
        self.chooser: Chooser | None = None

    def pick(
        self, body: Mapping[str, Any], headers: Mapping[str, str], *, counting: bool = False
    ) -> Behaviour:
        """The behaviour for a request; one that only counts tokens leaves the queue as it is.
        Raises BehaviourError for an unreadable header."""
        if HEADER in headers:
            return _from_header(headers[HEADER])
        if self.queue and (counting or not asks_json(body)):
            return self.queue[0] if counting else self.queue.popleft()
        return self._standing(body, headers)

    def direct(self, order: object) -> None:
        """Take an order from decoded JSON: a bare behaviour is the new default, or any of
        `default`, `queue` (a list, appended) and `script` (`main`, `agents`)."""
        if not isinstance(order, dict) or not set(order) & {"default", "queue", "script"}:
            self.default = behaviour_from(order)
            return
        if "default" in order:
            self.default = behaviour_from(order["default"])
        self.queue.extend(_list(order.get("queue", [])))
        if "script" in order:
            script = order["script"] or {}
            main, agents = _list(script.get("main", [])), _list(script.get("agents", []))
            self.chooser = Script(tuple(main), tuple(agents)) if main or agents else None

    def _standing(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Behaviour:
        if self.chooser is not None:
            chosen = self.chooser(Seen(body, headers))
            if chosen is not None:
                return chosen
        return self.default


def _list(values: object) -> list[Behaviour]:
    if not isinstance(values, list):
        raise BehaviourError("a list of behaviours is expected")
    return [behaviour_from(value) for value in values]


def _from_header(text: str) -> Behaviour:
    try:
        return behaviour_from(msgspec.json.decode(text))
    except msgspec.DecodeError as error:
        raise BehaviourError(f"{HEADER}: {error}") from error
