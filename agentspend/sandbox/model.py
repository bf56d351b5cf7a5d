"""The provider without sockets: a request body in; usage, cost and what is said out.

Pure: the time, the request's number and the cache are arguments, so a simulation on a made-up
clock bills exactly as the server does.
"""

from collections.abc import Mapping
from typing import Any

from agentspend.sandbox.answer import Answer, Ask, nusd_up
from agentspend.sandbox.anthropic.dialect import MESSAGES
from agentspend.sandbox.behaviour import NORMAL, Behaviour
from agentspend.sandbox.cache import PromptCache
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.dialect import Dialect

__all__ = ["Answer", "answer", "count", "nusd_up"]


def answer(
    body: Mapping[str, Any],
    behaviour: Behaviour = NORMAL,
    *,
    seed: int = 0,
    number: int = 0,
    at_s: float = 0.0,
    cache: PromptCache | None = None,
    dialect: Dialect = MESSAGES,
) -> Answer | ApiError:
    """Answer the decoded request `body`.

    `number` is the request's place in the run: with `seed` it decides everything drawn by
    chance. Without a `cache` nothing is remembered between calls. Gemini's body has the `model`
    in it, which on the wire stands in the path.
    """
    return dialect.answer(Ask(body, behaviour, seed, number, at_s, cache))


def count(
    body: Mapping[str, Any], behaviour: Behaviour = NORMAL, *, dialect: Dialect = MESSAGES
) -> int | ApiError:
    """What counting tokens answers for `body`; free."""
    return dialect.count(body, behaviour)
