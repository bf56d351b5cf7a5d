"""A text's token bound, against the rules tokenizers were measured to keep."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.dialects.text_bound import (
    ESCAPE_TOKENS,
    json_tokens_bound,
    needs_normalising,
    nfc,
    normalised_tokens_bound,
    tokens_bound,
)
from agentspend.sandbox.tokens import RULES

# Letters and marks that NFC expands, composes and puts in another order.
RESTLESS = "e\u0301\u0323\u0344\u0958\u2adc\ufb2c\u1112\u1161\u11ab\U0001d160\U0001d1c0\u1f82\u0345"
TEXTS = st.text() | st.text(st.sampled_from(RESTLESS)) | st.text(st.sampled_from('~ZZ"\\\n\x1bé'))


def formula(text: str) -> int:
    """2 × ASCII + 3 × other bytes of the NFC form, written down a second time."""
    normal = unicodedata.normalize("NFC", text).encode()
    return sum(2 if byte < 128 else 3 for byte in normal)


def test_the_bound_is_two_per_ascii_byte_and_three_per_other() -> None:
    """The formula of the study, on figures made by hand."""
    assert tokens_bound(b"hello") == 10
    assert tokens_bound("aé".encode()) == 2 + 6
    assert tokens_bound("\U0001f600".encode()) == 12


def test_no_character_escapes_its_escape() -> None:
    """One `\\uXXXX` outweighs everything NFC can make of the character behind it."""
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code <= 0xDFFF:
            escapes = 1 if code < 0x10000 else 2
            assert formula(chr(code)) <= escapes * ESCAPE_TOKENS


@given(TEXTS, st.booleans())
def test_json_is_never_bounded_below_its_text(text: str, ascii_only: bool) -> None:
    """Escaped or not, raw JSON is bounded above the NFC form of the text it holds."""
    raw = json.dumps(text, ensure_ascii=ascii_only).encode("utf-8", "replace")
    text = json.loads(raw).encode("utf-8", "replace").decode()
    bound = normalised_tokens_bound if needs_normalising(raw) else json_tokens_bound
    assert bound(raw) >= formula(text)


@given(TEXTS, st.sampled_from(sorted(RULES)))
def test_no_rule_counts_above_the_bound(text: str, rule: str) -> None:
    """Every measured tokenizer stays below, on the text as it was sent."""
    raw = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
    assert normalised_tokens_bound(raw) >= RULES[rule].count(json.loads(raw))


def test_text_that_nfc_shortens_is_bounded_as_it_was_sent() -> None:
    """A tokenizer that does not normalise sees the longer form."""
    raw = ("\u1112\u1161\u11ab" * 100).encode()
    assert normalised_tokens_bound(raw) == tokens_bound(raw) == 2_700


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (b"plain", False),
        ("é".encode(), False),
        ("e\u0301".encode(), True),
        ("\U0001d160".encode(), True),
        (b"\xff", False),
    ],
)
def test_only_text_that_nfc_changes_needs_normalising(text: bytes, needed: bool) -> None:
    """The quick check sends to the slow path only what it would change."""
    assert needed is needs_normalising(text)


def test_bytes_that_are_no_text_count_as_replacement_characters() -> None:
    """Normalising cannot fail."""
    assert "\ufffd".encode() == nfc(b"\xff")
