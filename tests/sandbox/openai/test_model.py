"""What OpenAI bills."""

from dataclasses import astuple
from fractions import Fraction
from typing import Any

import pytest

from agentspend.sandbox.answer import Answer
from agentspend.sandbox.behaviour import NORMAL, Behaviour, PromptUsage
from agentspend.sandbox.cache import PromptCache
from agentspend.sandbox.model import answer, nusd_up
from agentspend.sandbox.openai.dialect import CHAT, RESPONSES
from agentspend.sandbox.rates import Usage
from tests.sandbox.conftest import chat, response

PROSE = Behaviour(tokens="prose", output_tokens=10)
LONG = "w" * 9_000


def made(request: dict[str, Any], how: Behaviour = NORMAL, **more: Any) -> Answer:
    dialect = CHAT if "messages" in request else RESPONSES
    found = answer(request, how, dialect=dialect, **more)
    assert isinstance(found, Answer), found
    return found


def used(cache: PromptCache, at_s: float = 0.0, how: Behaviour = PROSE, **changes: Any) -> Usage:
    return made(response(**changes), how, cache=cache, at_s=at_s).usage


def turn(words: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_text", "text": words, **more}]}


def test_a_warm_turn_costs_what_the_price_page_says() -> None:
    """150,000 tokens of which 147,000 are read, 3,000 written, 1,500 answered."""
    warm = PromptUsage(cache_read_input_tokens=147_000, cache_write_30m_tokens=3_000)
    found = made(response(), Behaviour(usage=warm, output_tokens=1_500))
    dollars = Fraction(147_000 * 1, 10**7) + Fraction(3_000 * 25, 10**7)
    assert found.usd() == dollars + Fraction(1_500 * 10, 10**6)
    assert nusd_up(found.usd()) == 37_200_000


def test_since_gpt_5_6_what_is_new_is_written_and_what_is_old_is_read() -> None:
    """One breakpoint stands at the end of the newest message without being asked for."""
    cache = PromptCache()
    first = used(cache, input=[turn(LONG)])
    assert first.cache_write_30m_tokens == first.prompt_tokens > 4_000
    grown = used(cache, input=[turn(LONG), turn("more")])
    assert grown.cache_read_input_tokens == first.prompt_tokens
    assert grown.cache_write_30m_tokens == grown.prompt_tokens - first.prompt_tokens
    assert grown.input_tokens == 0


def test_explicit_breakpoints_are_the_only_ones_in_explicit_mode() -> None:
    """What follows the last mark is plain input; the lifetime asked for is what is billed."""
    cache = PromptCache()
    asked = {"mode": "explicit", "ttl": "12h"}
    marked = turn(LONG, prompt_cache_breakpoint={"mode": "explicit"})
    usage = used(cache, input=[marked, turn("tail")], prompt_cache_options=asked)
    assert usage.cache_write_12h_tokens > 4_000
    assert 0 < usage.input_tokens < 20
    later = used(cache, 43_199.0, input=[marked, turn("other")], prompt_cache_options=asked)
    assert later.cache_read_input_tokens == usage.cache_write_12h_tokens
    none = used(PromptCache(), input=[turn(LONG)], prompt_cache_options={"mode": "explicit"})
    assert none.cache_write_30m_tokens == 0


def test_a_cached_prefix_lives_half_an_hour_and_a_read_renews_it() -> None:
    """Then it is written again."""
    cache = PromptCache()
    used(cache, 0.0, input=[turn(LONG)])
    assert used(cache, 1_799.0, input=[turn(LONG)]).cache_read_input_tokens
    assert used(cache, 3_598.0, input=[turn(LONG)]).cache_read_input_tokens
    assert not used(cache, 5_398.0, input=[turn(LONG)]).cache_read_input_tokens


def test_older_models_read_in_steps_and_write_for_nothing() -> None:
    """Cached are multiples of 128 tokens, from 1,024 on."""
    cache = PromptCache()
    messages = [{"role": "user", "content": LONG}, {"role": "user", "content": "hi"}]
    cold = made(chat(messages=messages), PROSE, cache=cache).usage
    warm = made(chat(messages=messages), PROSE, cache=cache).usage
    assert astuple(cold)[1:4] == (0, 0, 0)
    assert warm.cache_read_input_tokens == cold.prompt_tokens // 128 * 128
    assert warm.prompt_tokens == cold.prompt_tokens
    assert warm.cache_write_30m_tokens == 0


def test_a_behaviour_can_miss_or_switch_the_cache_off() -> None:
    """`miss` reads nothing and writes; `off` bills all as plain input."""
    cache = PromptCache()
    used(cache, input=[turn(LONG)])
    missed = used(cache, how=Behaviour(tokens="prose", cache="miss"), input=[turn(LONG)])
    off = used(cache, how=Behaviour(tokens="prose", cache="off"), input=[turn(LONG)])
    assert missed.cache_write_30m_tokens == missed.prompt_tokens
    assert off.input_tokens == off.prompt_tokens


def test_alternatives_are_all_billed() -> None:
    """`n` answers cost n outputs and one input."""
    one, three = made(chat(), PROSE), made(chat(n=3), PROSE)
    assert three.usage.output_tokens == 3 * one.usage.output_tokens
    assert three.usage.prompt_tokens == one.usage.prompt_tokens
    assert len(three.choices) == 3


def test_the_tier_asked_for_or_told_is_billed() -> None:
    """Flex halves; a tier nobody sells costs as the default one."""
    plain = made(response(), PROSE).usd()
    assert made(response(service_tier="flex"), PROSE).usd() == plain / 2
    told = Behaviour(tokens="prose", output_tokens=10, service_tier="priority")
    assert made(response(), told).usd() == plain * 2
    strange = Behaviour(tokens="prose", output_tokens=10, service_tier="scale-x")
    assert made(response(), strange).usd() == plain


def test_answers_carry_the_dated_name() -> None:
    """As the real API's do; a behaviour can answer with another model, which is billed."""
    assert made(chat()).model == "gpt-4.1-2025-04-14"
    assert made(response()).model == "gpt-6.1-sol"
    other = made(chat(), Behaviour(response_model="gpt-5", output_tokens=100))
    assert other.usd() - other.usd_at_start() == Fraction(100 * 10, 10**6)


def test_a_refusal_is_paid_like_any_answer() -> None:
    """It is text of its own kind."""
    found = made(chat(), Behaviour(refusal=True))
    assert found.usd() > found.usd_at_start() > 0
    assert found.stop_reason == "refusal"


def test_searches_are_billed_where_the_api_has_them() -> None:
    """Responses counts its search items; chat has none."""
    how = Behaviour(web_search_requests=2, output_tokens=10)
    plain = Behaviour(output_tokens=10)
    assert made(response(), how).usd() - made(response(), plain).usd() == Fraction(2, 100)
    assert made(chat(), how).usd() == made(chat(), plain).usd()


@pytest.mark.parametrize("name", ["worst", "base64", "code"])
def test_told_token_rules_stay_below_the_bytes(name: str) -> None:
    """No rule, however dear, counts a GPT prompt above its bytes."""
    request = chat(messages=[{"role": "user", "content": LONG}])
    assert made(request, Behaviour(tokens=name)).usage.prompt_tokens <= len(LONG) + 4
