"""Whose tokenizer is known, and that its bound holds for every text."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentspend.dialects.text_bound import tokens_bound
from agentspend.dialects.tokenizers import Tokenizer, tokenizer_of


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-5", Tokenizer.BYTES), ("openai", "o3-mini", Tokenizer.BYTES),
        ("openai", "ft:gpt-4o:x", Tokenizer.BYTES), ("azure", "gpt-4.1", Tokenizer.BYTES),
        ("azure", "my-deployment", Tokenizer.UNKNOWN),
        ("deepseek", "deepseek-flash", Tokenizer.NFC_BYTES),
        ("moonshotai", "kimi-k3", Tokenizer.NFC_BYTES), ("zai", "GLM-5.1", Tokenizer.NFC_BYTES),
        ("openrouter", "openai/gpt-5", Tokenizer.BYTES),
        ("openrouter", "anthropic/claude-opus-5", Tokenizer.UNKNOWN),
        ("openrouter", "deepseek/deepseek-v4-pro", Tokenizer.UNKNOWN),
        ("ollama", "gpt-oss", Tokenizer.UNKNOWN), ("litellm", "gpt-4", Tokenizer.UNKNOWN),
        ("google", "gemini-2.5-pro", Tokenizer.UNKNOWN), ("x-ai", "grok-4.7", Tokenizer.UNKNOWN),
    ],
)  # fmt: skip
def test_a_name_proves_a_tokenizer_only_where_the_provider_makes_it_certain(
    provider: str, model: str, expected: Tokenizer
) -> None:
    """Anybody can call a model gpt-4."""
    assert tokenizer_of(provider, model) is expected
    assert expected.normalises == (expected is not Tokenizer.BYTES)


@given(st.text(st.characters(codec="utf-8")), st.booleans())
def test_no_text_has_more_tokens_than_its_bound(text: str, ascii_only: bool) -> None:
    """Byte-level BPE: never more than bytes, also of the NFC form where that is what is read."""
    raw = json.dumps(text, ensure_ascii=ascii_only).encode()
    nfc = unicodedata.normalize("NFC", text).encode()
    assert Tokenizer.BYTES.bound(in_nfc=False)(raw) >= len(text.encode())
    assert Tokenizer.NFC_BYTES.bound(in_nfc=False)(raw) >= max(len(text.encode()), len(nfc))
    assert Tokenizer.UNKNOWN.bound(in_nfc=False)(raw) >= max(tokens_bound(nfc), len(nfc))
    if unicodedata.is_normalized("NFC", raw.decode()):
        assert Tokenizer.NFC_BYTES.bound(in_nfc=True)(raw) >= len(text.encode())
