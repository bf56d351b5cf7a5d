"""The prompt cache: read, written, renewed, expired, dropped."""

from dataclasses import astuple
from typing import Any

import pytest

from agentspend.sandbox.anthropic.tokens import block_tokens
from agentspend.sandbox.behaviour import Behaviour
from agentspend.sandbox.cache import PromptCache
from agentspend.sandbox.model import Answer, answer
from agentspend.sandbox.prices import Usage
from agentspend.sandbox.rules import RULES

from .conftest import body

RULE = RULES["prose"]
PROSE = Behaviour(tokens="prose", output_tokens=10)


def block(words: str, ttl: str = "") -> dict[str, Any]:
    mark: dict[str, str] = {"type": "ephemeral"}
    if ttl == "1h":
        mark["ttl"] = "1h"
    marked = {"cache_control": mark} if ttl else {}
    return {"type": "text", "text": words, **marked}


SYSTEM, FIRST, SECOND = "s" * 6_000, "f" * 4_000, "g" * 3_000
S, F, G = (block_tokens(block(words), RULE) for words in (SYSTEM, FIRST, SECOND))
TURN = 3


def used(cache: PromptCache, at_s: float = 0.0, how: Behaviour = PROSE, **changes: Any) -> Usage:
    found = answer(body(**changes), how, cache=cache, at_s=at_s)
    assert isinstance(found, Answer)
    return found.usage


def prompt(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def test_without_a_mark_everything_is_plain_input() -> None:
    """No cache_control, no cache: the same prompt twice is input twice."""
    cache = PromptCache()
    for _ in range(2):
        usage = used(cache, messages=prompt(block(FIRST)))
        assert astuple(usage)[:4] == (F + TURN, 0, 0, 0)


def test_a_marked_prefix_is_written_then_read() -> None:
    """The first request writes up to its mark, the second reads just that."""
    cache = PromptCache()
    request: dict[str, Any] = {"system": [block(SYSTEM, "5m")], "messages": prompt(block("hi"))}
    rest = block_tokens(block("hi"), RULE) + TURN
    assert astuple(used(cache, **request))[:4] == (rest, 0, S, 0)
    assert astuple(used(cache, **request))[:4] == (rest, S, 0, 0)


def test_a_growing_conversation_reads_the_old_and_writes_the_new() -> None:
    """A mark that moved on finds the prefix stored at its old place."""
    cache = PromptCache()
    used(cache, messages=prompt(block(FIRST, "5m")))
    usage = used(cache, messages=prompt(block(FIRST), block(SECOND, "5m")))
    assert astuple(usage)[:4] == (0, F + TURN, G, 0)


def test_a_prefix_further_back_than_twenty_pieces_is_not_found() -> None:
    """The vendor looks back twenty blocks from a mark and no further."""
    filler = [block(f"piece {number}") for number in range(20)]
    for extra, hit in ((19, True), (20, False)):
        cache = PromptCache()
        used(cache, messages=prompt(block(FIRST, "5m")))
        grown = prompt(block(FIRST), *filler[:extra], block(SECOND, "5m"))
        assert bool(used(cache, messages=grown).cache_read_input_tokens) is hit


def test_lifetimes_are_billed_apart() -> None:
    """Tokens up to a 1h mark are written for an hour, those after it for five minutes."""
    cache = PromptCache()
    usage = used(
        cache, system=[block(SYSTEM, "1h")], messages=prompt(block(FIRST, "5m"), block("end"))
    )
    assert usage.ephemeral_1h_input_tokens == S
    assert usage.ephemeral_5m_input_tokens == F + TURN
    assert usage.prompt_tokens == S + F + TURN + block_tokens(block("end"), RULE)


@pytest.mark.parametrize(("ttl", "life_s"), [("5m", 300), ("1h", 3_600)])
def test_a_prefix_expires_and_a_read_renews_it(ttl: str, life_s: int) -> None:
    """Each read starts the lifetime anew; once it has passed, the prefix is written again."""
    cache = PromptCache()
    request: dict[str, Any] = {"messages": prompt(block(FIRST, ttl))}
    used(cache, 0.0, **request)
    assert used(cache, life_s - 1, **request).cache_read_input_tokens == F + TURN
    assert used(cache, 2 * life_s - 2, **request).cache_read_input_tokens == F + TURN
    assert used(cache, 3 * life_s - 2, **request).cache_read_input_tokens == 0


def test_evict_drops_everything() -> None:
    """A provider may lose its cache at any time: the next request writes it anew."""
    cache = PromptCache()
    request: dict[str, Any] = {"messages": prompt(block(FIRST, "5m"))}
    used(cache, **request)
    cache.evict()
    assert astuple(used(cache, **request))[:4] == (0, 0, F + TURN, 0)


def test_a_behaviour_can_miss_or_switch_the_cache_off() -> None:
    """`miss` reads nothing and writes; `off` bills all as plain input."""
    cache = PromptCache()
    request: dict[str, Any] = {"messages": prompt(block(FIRST, "5m"))}
    used(cache, **request)
    missed = used(cache, how=Behaviour(tokens="prose", cache="miss"), **request)
    off = used(cache, how=Behaviour(tokens="prose", cache="off"), **request)
    assert astuple(missed)[:4] == (0, 0, F + TURN, 0)
    assert astuple(off)[:4] == (F + TURN, 0, 0, 0)


def test_prefixes_belong_to_a_model_and_to_their_content() -> None:
    """Another model, or one changed letter before the mark, reads nothing."""
    cache = PromptCache()
    used(cache, messages=prompt(block(FIRST, "5m")))
    assert used(cache, messages=prompt(block("x" + FIRST[1:], "5m"))).cache_read_input_tokens == 0
    other = used(cache, model="claude-opus-5", messages=prompt(block(FIRST, "5m")))
    assert other.cache_read_input_tokens == 0


def test_short_prompts_are_not_cached() -> None:
    """Below the vendor's minimum a mark is ignored."""
    cache = PromptCache()
    usage = used(cache, messages=prompt(block("short", "5m")))
    assert usage.ephemeral_5m_input_tokens == 0
    assert usage.input_tokens == usage.prompt_tokens


def test_one_mark_for_the_whole_request() -> None:
    """A top-level cache_control marks the last block."""
    cache = PromptCache()
    request: dict[str, Any] = {
        "messages": prompt(block(FIRST)),
        "cache_control": {"type": "ephemeral"},
    }
    assert used(cache, **request).ephemeral_5m_input_tokens == F + TURN
    assert used(cache, **request).cache_read_input_tokens == F + TURN
