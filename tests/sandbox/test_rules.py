"""Token rules of texts."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.sandbox.rules import RULES, TokenRule, sign, signed_tokens

rules = st.sampled_from(sorted(RULES))


@given(rules, st.text(max_size=300))
def test_bytewise_rules_count_no_more_than_bytes(name: str, words: str) -> None:
    """No byte-level BPE has a token without a byte."""
    size = len(words.encode("utf-8", "surrogatepass"))
    assert RULES[name].bytewise().count(words) <= size
    assert bool(RULES[name].count(words)) is bool(words)


@given(rules, st.integers(1, 5_000), st.booleans())
def test_a_signature_counts_what_it_stands_for(name: str, tokens: int, bytewise: bool) -> None:
    """It carries its tokens, and is never shorter than text of so many tokens can be."""
    rule: TokenRule = RULES[name].bytewise() if bytewise else RULES[name]
    signature = sign(tokens, rule)
    assert signed_tokens(signature) == tokens
    assert rule.text_bytes(tokens) <= len(signature)
    assert base64.b64encode(base64.b64decode(signature)).decode() == signature
    if bytewise:
        assert tokens <= max(16, len(signature)) * 4


def test_a_foreign_signature_stands_for_nothing_known() -> None:
    """Only our own signatures carry a count."""
    assert signed_tokens("gAAAAABn") is None


@pytest.mark.parametrize("name", sorted(RULES))
def test_text_of_so_many_bytes_never_counts_above(name: str) -> None:
    """`text_bytes` is the promise by which answers are written."""
    rule = RULES[name]
    assert all(rule.count("x" * rule.text_bytes(n)) <= n for n in range(200))
