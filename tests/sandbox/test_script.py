"""Who gets which behaviour."""

import pytest

from agentspend.sandbox.behaviour import Behaviour, BehaviourError, text
from agentspend.sandbox.script import Director, Script, Seen

from .conftest import body

A, B, C = (Behaviour(answer=(text(word),)) for word in "abc")
TITLE = body(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}})


def after(turns: int) -> Seen:
    said = [{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}] * turns
    return Seen(body(messages=[{"role": "user", "content": "go"}, *said]), {})


def test_header_before_queue_before_callable_before_default() -> None:
    """The nearest order wins, and each queued one is used once."""
    director = Director(A)
    director.chooser = lambda seen: B if seen.headers.get("x-app") else None
    director.queue.append(C)
    header = {"x-sandbox-behaviour": '{"output_tokens": 5}', "x-app": "cli"}
    assert director.pick(body(), header) == Behaviour(output_tokens=5)
    assert director.pick(body(), {"x-app": "cli"}) is C
    assert director.pick(body(), {"x-app": "cli"}) is B
    assert director.pick(body(), {}) is A


def test_title_calls_and_counting_take_nothing_from_the_queue() -> None:
    """A side call leaves the queued behaviour for the main request."""
    director = Director(A)
    director.queue.append(B)
    assert director.pick(TITLE, {}) is A
    assert director.pick(body(), {}, counting=True) is B
    assert director.pick(body(), {}) is B


def test_a_script_follows_the_conversation() -> None:
    """The answer is chosen by the turns so far, so a retry gets the same one; the last repeats."""
    script = Script((A, B), agents=(C,))
    assert [script(after(turns)) for turns in (0, 0, 1, 2)] == [A, A, B, B]
    assert script(Seen(body(), {"x-claude-code-agent-id": "0f"})) is C
    assert script(Seen(TITLE, {})) is None


def test_orders_from_json() -> None:
    """A bare behaviour is the default; default, queue and script may come together."""
    director = Director()
    director.direct({"output_tokens": 7})
    assert director.default == Behaviour(output_tokens=7)
    one = {"answer": [{"type": "text", "text": "a"}]}
    director.direct({"default": {}, "queue": [one], "script": {"main": [one, one]}})
    assert director.default == Behaviour()
    assert list(director.queue) == [A]
    assert director.chooser == Script((A, A))
    director.direct({"script": {}})
    assert director.chooser is None


def test_unreadable_orders_are_refused() -> None:
    """Neither a header nor an order that is wrong is taken for the normal answer."""
    with pytest.raises(BehaviourError, match="x-sandbox-behaviour"):
        Director().pick(body(), {"x-sandbox-behaviour": "{"})
    with pytest.raises(BehaviourError, match="a list"):
        Director().direct({"queue": {}})
