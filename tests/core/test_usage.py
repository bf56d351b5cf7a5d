"""Usage: counts that never overlap, stored and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.core.usage import Billing, Metered, Usage, UsagePart

NAMES = list(Usage.__struct_fields__)
USAGES = st.builds(Usage, **{name: st.integers(0, 10**9) for name in NAMES})


@given(USAGES)
def test_counts_read_back_as_they_were_written(usage: Usage) -> None:
    """A ledger entry keeps the non-zero counts and nothing is lost."""
    assert Usage.from_counts(usage.counts()) == usage
    assert all(usage.counts().values())


@given(USAGES)
def test_the_prompt_is_everything_sent_and_nothing_written(usage: Usage) -> None:
    """Cached or not, it decides the long-context tier; output and searches do not."""
    sent = usage.input_tokens + usage.cache_read_tokens
    sent += usage.cache_write_5m_tokens + usage.cache_write_1h_tokens + usage.cache_write_12h_tokens
    sent += usage.input_audio_tokens + usage.cache_read_audio_tokens
    assert usage.prompt_tokens == sent


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [-1, True, 1.0, "1", None])
def test_a_count_that_is_no_count_is_an_error(name: str, count: object) -> None:
    """A negative count would be a refund: it fails loudly instead."""
    with pytest.raises(ValueError, match=name):
        Usage(**{name: count})  # type: ignore[arg-type]


def test_an_unknown_stored_count_is_an_error() -> None:
    """A field of a later version is not dropped silently."""
    with pytest.raises(TypeError):
        Usage.from_counts({"input_tokens": 1, "new_tokens": 2})


def test_nothing_metered_is_unknown_not_free() -> None:
    """A response that said nothing has no price of zero."""
    assert Metered().billing is Billing.UNKNOWN
    assert UsagePart("m", Usage()).speed == ""
