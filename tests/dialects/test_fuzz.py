"""Hostile requests and broken answers by the thousand, in every dialect.

No crash: any bytes are read or refused in words, and metered whatever they are. No undercount: a
bound is never below the provider's own count, and an answer costs what the provider's own bill
says, wherever it was cut into pieces. The provider is the sandbox, which shares no code with us.

`AGENTSPEND_FUZZ_EXAMPLES=100000` makes the long run.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentspend.core.facts import RequestFacts
from agentspend.core.usage import Billing
from agentspend.dialects.base import Meter
from agentspend.sandbox.answer import Ask, nusd_up
from agentspend.sandbox.behaviour import Behaviour, PromptUsage
from agentspend.sandbox.checks import ApiError
from agentspend.sandbox.rules import RULES
from tests.dialects.anthropic import material as anthropic
from tests.dialects.cases import BOOK
from tests.dialects.fuzzing import (
    FUZZ_EXAMPLES,
    SPLICES,
    assert_never_less_sure_than_it_says,
    damaged,
    dumped,
    read,
    swollen,
    texts,
)
from tests.dialects.gemini import material as gemini
from tests.dialects.openai_chat import material as chat
from tests.dialects.openai_chat.requests import PIXEL
from tests.dialects.openai_responses import material as responses
from tests.dialects.spoken import JSON, Spoken

DIALECTS = {
    "anthropic": anthropic.MATERIAL,
    "openai-chat": chat.MATERIAL,
    "openai-responses": responses.MATERIAL,
    "gemini": gemini.MATERIAL,
    "code-assist": gemini.ENCLOSED,
}
OTHERS = {f"chat of {name}": chat.material(name) for name in ("xai", "deepseek", "openrouter")}
AT_S = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
CUTS = st.lists(st.floats(0, 1), max_size=6)
BEHAVIOURS = st.fixed_dictionaries(
    {
        "tokens": st.sampled_from(sorted(RULES)),
        "output_tokens": st.integers(1, 300),
        "thinking_tokens": st.integers(0, 40),
        "cache": st.sampled_from(["normal", "miss", "off"]),
    },
    optional={
        "deltas": st.integers(1, 9),
        "late_input_tokens": st.integers(0, 500),
        "usage": st.builds(
            PromptUsage,
            st.integers(0, 9_000),
            cache_read_input_tokens=st.integers(0, 9_000),
        ),
        "answer": st.just(({"type": "tool_use", "name": "t", "input": {"a": "b" * 40}},)),
    },
)
fuzzed = settings(
    max_examples=FUZZ_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck)
)
EVERY = {**DIALECTS, **OTHERS}
every = pytest.mark.parametrize("name", DIALECTS)
every_and_others = pytest.mark.parametrize("name", EVERY)


@every
@given(body=st.binary(max_size=200))
@fuzzed
def test_any_bytes_are_read_or_refused(name: str, body: bytes) -> None:
    """No bytes break the reader."""
    spoken = EVERY[name]
    read(spoken.dialect, body, spoken.model)


@every_and_others
@given(data=st.data())
@fuzzed
def test_any_shape_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Known fields with any value in them are bounded, named or refused."""
    spoken = EVERY[name]
    for body in data.draw(spoken.wild):
        read(spoken.dialect, body, spoken.model)


@every
@given(
    data=st.data(),
    splice=st.sampled_from(SPLICES) | st.binary(max_size=4),
    where=st.floats(0, 1),
    lost=st.integers(0, 8),
)
@fuzzed
def test_a_damaged_request_is_read_or_refused(
    name: str, data: st.DataObject, splice: bytes, where: float, lost: int
) -> None:
    """A real request with a few bytes lost or put in breaks nothing."""
    spoken = EVERY[name]
    read(spoken.dialect, damaged(data.draw(spoken.real()), splice, where, lost), spoken.model)


@every
@given(
    data=st.data(),
    ascii_only=st.booleans(),
    rule=st.just("worst") | st.sampled_from(sorted(RULES)),
    times=st.sampled_from([1, 60]),
)
@fuzzed
def test_no_bound_is_below_the_providers_own_count(
    name: str, data: st.DataObject, ascii_only: bool, rule: str, times: int
) -> None:
    """By every tokenizer ever measured, the worst one too; no text is missing."""
    spoken = EVERY[name]
    body = swollen(data.draw(spoken.requests), times)
    facts = read(spoken.dialect, dumped(body, ascii_only=ascii_only), spoken.model)
    assert facts is not None
    counted = spoken.provider.count(spoken.theirs(body), Behaviour(tokens=rule))
    assert isinstance(counted, ApiError) or facts.input_bound_tokens >= counted
    said = [text for text in texts(body) if text != PIXEL]
    assert facts.input_bound_tokens >= sum(map(spoken.weight, said))


@every
@given(data=st.data(), times=st.integers(2, 9))
@fuzzed
def test_more_is_never_bounded_below_less(name: str, data: st.DataObject, times: int) -> None:
    """A conversation that grows weighs more, and its marks last no shorter."""
    spoken = EVERY[name]
    body = data.draw(spoken.requests)
    longer = spoken.grown(body, times)
    less = read(spoken.dialect, dumped(body), spoken.model)
    more = read(spoken.dialect, dumped(longer), spoken.model)
    assert less is not None
    assert more is not None
    assert more.input_bound_tokens > less.input_bound_tokens - (longer == body)
    assert more.cache_ttl >= less.cache_ttl or (more.cache_ttl, less.cache_ttl) == ("1h", "5m")


@pytest.mark.parametrize("depth", [10, 500, 5_000, 100_000])
@every
def test_nesting_is_bounded_or_refused(name: str, depth: int) -> None:
    """However deep a request nests, it is answered at once."""
    spoken = EVERY[name]
    for opening in spoken.openings:
        closing = "".join({"[": "]", "{": "}"}[char] for char in reversed(opening) if char in "[{")
        deep = (opening * depth + "1" + closing * depth).encode()
        for body in spoken.nests:
            read(spoken.dialect, body.replace(b'"@"', deep), spoken.model)


def metering(spoken: Spoken, kind: str, facts: RequestFacts | None = None) -> Meter:
    """A meter for one answer."""
    model = {"anthropic": "claude-opus-5-5", "google": "gemini-2.5-flash"}
    asked = RequestFacts(model.get(spoken.dialect.provider, "gpt-5"), 0, 10)
    return spoken.dialect.meter(facts or asked, 200, kind)


@every_and_others
@given(data=st.data(), cuts=CUTS)
@fuzzed
def test_any_stream_is_metered_alike_wherever_it_is_cut(
    name: str, data: st.DataObject, cuts: list[float]
) -> None:
    """Events in any order, of any content: nothing breaks, and pieces make no difference."""
    spoken = EVERY[name]
    body = data.draw(spoken.broken)
    for kind in spoken.kinds:
        whole, meter, begin = metering(spoken, kind), metering(spoken, kind), 0
        whole.feed(body)
        for end in [*sorted(int(cut * len(body)) for cut in cuts), len(body)]:
            meter.feed(body[begin:end])
            meter.so_far()
            assert meter.end(complete=False).billing in Billing
            begin = end
        assert meter.end(complete=True) == whole.end(complete=True)
        assert meter.output_seen_tokens == whole.output_seen_tokens


@every_and_others
@given(data=st.data(), cuts=CUTS)
@fuzzed
def test_a_stream_that_ends_once_is_never_exact_too_early(
    name: str, data: st.DataObject, cuts: list[float]
) -> None:
    """Cut anywhere: the same usage as whole, or less sure."""
    spoken = EVERY[name]
    body = data.draw(spoken.ending)
    assert_never_less_sure_than_it_says(lambda: metering(spoken, spoken.kinds[0]), body, cuts)


@every_and_others
@given(data=st.data(), cuts=CUTS)
@fuzzed
def test_a_json_answer_is_never_exact_too_early(
    name: str, data: st.DataObject, cuts: list[float]
) -> None:
    """Half an answer proves nothing."""
    spoken = EVERY[name]
    body = data.draw(spoken.answers).lstrip()
    said = assert_never_less_sure_than_it_says(lambda: metering(spoken, JSON), body, cuts)
    told = chat.told(body)
    if said.parts and told is not None and spoken is chat.MATERIAL:
        assert (said.parts[0].usage.prompt_tokens, said.parts[0].usage.output_tokens) >= told


def asked_too(kind: str, *, streamed: bool) -> dict[str, Any]:
    """What stands in the query of Gemini, and what we ask of Chat Completions."""
    usage = {"stream_options": {"include_usage": True}} if streamed else {}
    return {"alt": "" if kind == JSON else "sse", **usage}


@every
@given(data=st.data(), fields=BEHAVIOURS, streamed=st.booleans(), cuts=CUTS)
@fuzzed
def test_an_answer_costs_what_the_provider_bills(
    name: str, data: st.DataObject, fields: dict[str, Any], streamed: bool, cuts: list[float]
) -> None:
    """To the nano-dollar where it came whole; until then no piece of it claims less for sure."""
    spoken = EVERY[name]
    named_in_path = spoken.dialect.provider == "google"
    body = {**data.draw(spoken.requests), **({} if named_in_path else {"stream": streamed})}
    kind = data.draw(st.sampled_from(spoken.kinds)) if streamed else JSON
    asked = {**spoken.theirs(body), **asked_too(kind, streamed=streamed)}
    behaviour = Behaviour(**{**fields, **data.draw(spoken.behaviours)})
    answer = spoken.provider.answer(Ask(asked, behaviour, number=1, at_s=AT_S))
    if isinstance(answer, ApiError) or not answer.at_start.prompt_tokens:
        return
    steps = spoken.provider.stream(answer) if streamed else ()
    sent = b"".join(step.data for step in steps) or spoken.provider.whole(answer)
    facts = spoken.dialect.read_request(dumped(body), path_model=spoken.model)
    said = assert_never_less_sure_than_it_says(lambda: metering(spoken, kind, facts), sent, cuts)
    assert said.billing is Billing.EXACT
    charge = BOOK.charge(spoken.dialect.provider, said, int(AT_S * 1_000_000), answer.request_model)
    assert not charge.unknown
    assert charge.nusd == nusd_up(answer.usd())
