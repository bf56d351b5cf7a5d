"""What Google bills."""

from fractions import Fraction
from typing import Any

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import NORMAL, Behaviour, PromptUsage
from agentspend.sandbox.cache import PromptCache
from agentspend.sandbox.gemini.dialect import GEMINI
from agentspend.sandbox.model import answer, count
from tests.sandbox.conftest import content

LONG = [{"role": "user", "parts": [{"text": "w" * 9_000}]}]


def made(how: Behaviour = NORMAL, request: dict[str, Any] | None = None, **more: Any) -> Answer:
    found = answer(request or content(), how, dialect=GEMINI, **more)
    assert isinstance(found, Answer), found
    return found


def test_thoughts_cost_what_output_costs() -> None:
    """800 thoughts and 200 said, at $10 a million."""
    how = Behaviour(usage=PromptUsage(1_000), output_tokens=1_000, thinking_tokens=800)
    found = made(how, content(model="gemini-2.5-pro"))
    assert found.usd() == Fraction(1_000 * 125, 10**8) + Fraction(1_000 * 10, 10**6)


def test_a_prompt_seen_before_is_read_at_a_discount() -> None:
    """Without being asked, from 1,024 tokens on, for an hour after the last read."""
    cache = PromptCache()
    request = content(contents=LONG)
    cold = made(request=request, cache=cache)
    warm = made(request=request, cache=cache, at_s=3_599.0)
    assert cold.usage.cache_read_input_tokens == 0
    assert warm.usage.cache_read_input_tokens == cold.usage.input_tokens
    late = made(request=request, cache=cache, at_s=7_200.0)
    assert late.usage.cache_read_input_tokens == 0
    off = made(Behaviour(cache="off"), request, cache=cache)
    assert off.usage.cache_read_input_tokens == 0


def test_candidates_are_all_billed() -> None:
    """Two candidates, two outputs, one input."""
    how = Behaviour(output_tokens=10)
    two = made(how, content(generationConfig={"candidateCount": 2}))
    assert two.usage.output_tokens == 20
    assert two.usage.prompt_tokens == made(how).usage.prompt_tokens


def test_a_refused_prompt_owes_its_input() -> None:
    """No content, no output."""
    found = made(Behaviour(refusal=True))
    assert found.usage.output_tokens == 0
    assert found.usd() == found.usd_at_start() > 0


def test_the_tier_asked_for_is_billed() -> None:
    """Flex halves the bill."""
    how = Behaviour(output_tokens=10)
    assert made(how, content(serviceTier="FLEX")).usd() == made(how).usd() / 2


def test_counting_takes_a_whole_request_too() -> None:
    """As the SDK sends it, within `generateContentRequest`."""
    plain = count(content(), dialect=GEMINI)
    inner = {"model": "gemini-3.8-flash", "generateContentRequest": content(model=None)}
    assert count(inner, dialect=GEMINI) == plain
