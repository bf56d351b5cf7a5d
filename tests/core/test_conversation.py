"""What one turn proves about the next: exact counts, and how long the cache may be trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentspend.core.conversation import CACHE_LIFETIME_US, MARGIN_US, Known, Turn, remember
from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing, Metered, Usage, UsagePart

FACTS = RequestFacts("claude-opus-5-5", 32_000, 10_000, cache_ttl="5m")
USAGE = Usage(10, cache_read_tokens=1_000, cache_write_5m_tokens=200, output_tokens=30)
STARTED_US = 10**15


def answered(usage: Usage = USAGE, billing: Billing = Billing.EXACT, stop: str = "") -> Metered:
    """A response of one part."""
    return Metered((UsagePart("claude-opus-5-5", usage),), billing, stop_reason=stop)


def kept(
    facts: RequestFacts = FACTS,
    metered: Metered | None = None,
    before: Turn | None = None,
    clamped_to: int = 0,
) -> Turn | None:
    """What is remembered of a request that started at STARTED_US."""
    said = metered or answered()
    return remember(facts, said, started_us=STARTED_US, before=before, clamped_to=clamped_to)


def test_a_finished_turn_is_remembered_by_its_exact_counts() -> None:
    """The whole prompt, the answer, and what the cache holds."""
    assert kept() == Turn(1_210, 30, 1_200, STARTED_US + CACHE_LIFETIME_US["5m"] - MARGIN_US)


def test_an_answer_that_broke_off_still_proves_its_prompt() -> None:
    """The first usage event has the exact input."""
    turn = kept(metered=answered(billing=Billing.FLOOR))
    assert turn is not None
    assert turn.prompt_tokens == 1_210


@pytest.mark.parametrize("billing", [Billing.CEILING, Billing.UNKNOWN, Billing.FREE])
def test_what_is_not_the_providers_count_proves_nothing(billing: Billing) -> None:
    """An estimate is no ground for the next bound."""
    assert kept(metered=answered(billing=billing)) is None


@pytest.mark.parametrize(
    "more",
    [{"remote_input": True}, {"iterations": 2}, {"other_models": ("claude-haiku-4-5",)}],
)
def test_input_that_is_not_in_the_body_proves_nothing(more: dict[str, object]) -> None:
    """Searches and fallbacks add tokens that the next body need not hold."""
    facts = replace(FACTS, **more)  # type: ignore[arg-type]
    assert facts.may_add_input
    assert kept(facts) is None


def test_an_answer_of_several_parts_or_none_proves_nothing() -> None:
    """A compaction's prompt is not the prefix of the next request."""
    part = UsagePart("claude-opus-5-5", USAGE)
    assert kept(metered=Metered((part, part), Billing.EXACT)) is None
    assert kept(metered=Metered((), Billing.EXACT)) is None
    assert kept(metered=answered(Usage(output_tokens=3))) is None


def test_an_hour_is_trusted_only_when_everything_written_lasts_an_hour() -> None:
    """A request that writes both kinds is trusted for the shorter one."""
    facts = replace(FACTS, cache_ttl="1h")
    hour = kept(facts, answered(Usage(10, cache_write_1h_tokens=200)))
    mixed = kept(facts, answered(Usage(10, 0, 50, 200)))
    assert hour is not None
    assert hour.cached_until_us == STARTED_US + CACHE_LIFETIME_US["1h"] - MARGIN_US
    assert mixed is not None
    assert mixed.cached_until_us == STARTED_US + CACHE_LIFETIME_US["5m"] - MARGIN_US


def test_nothing_cached_is_trusted_for_no_time() -> None:
    """A prompt without cache marks leaves nothing behind."""
    turn = kept(metered=answered(Usage(10)))
    assert turn is not None
    assert (turn.cached_tokens, turn.cached_until_us) == (0, 0)


@pytest.mark.parametrize(
    ("clamped_to", "stop", "before", "expected"),
    [
        (4_096, "max_tokens", 0, 4_096),
        (4_096, "end_turn", 0, 0),
        (0, "max_tokens", 0, 0),
        (4_096, "max_tokens", 9_000, 9_000),
        (16_384, "max_tokens", 9_000, 16_384),
        (0, "end_turn", 9_000, 9_000),
    ],
)
def test_a_cut_is_remembered_as_long_as_the_conversation(
    clamped_to: int, stop: str, before: int, expected: int
) -> None:
    """Only our own clamp counts, and the largest one at which an answer was cut."""
    turn = kept(metered=answered(stop=stop), before=Turn(1, cut_at=before), clamped_to=clamped_to)
    assert turn is not None
    assert turn.cut_at == expected


@given(st.integers(0, 10**6), st.integers(0, 10**5), st.integers(1, 10**6))
def test_the_next_prompt_is_bounded_by_the_last_one_its_answer_and_what_was_added(
    prompt: int, output: int, added: int
) -> None:
    """The same request again is exactly as long; a longer one may hold the whole answer too."""
    turn = Turn(prompt, output)
    assert Known(turn, 0).input_tokens_bound() == prompt
    assert Known(turn, added).input_tokens_bound() == prompt + output + added


def test_the_cache_is_trusted_up_to_its_end_and_not_at_it() -> None:
    """The moment itself is already too late."""
    known = Known(Turn(100, cached_tokens=80, cached_until_us=1_000), 1)
    assert [known.warm_tokens(now_us) for now_us in (999, 1_000, 1_001)] == [80, 0, 0]
