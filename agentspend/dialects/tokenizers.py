"""How many tokens a text can be at most, by what is known of a model's tokenizer (study §4.2).

Byte-level BPE never makes more tokens than bytes: a theorem, every token covers at least one.
OpenAI's does not normalise; those of DeepSeek, Kimi, Qwen and GLM see the NFC form. For every other
model, and for names that some server could have given to any model, the empirical bound of
`text_bound` holds. Escapes in JSON only lengthen a text: six bytes for a character of at most six
bytes after NFC.
"""

from collections.abc import Callable
from enum import Enum

from agentspend.dialects.text_bound import json_tokens_bound, nfc, normalised_tokens_bound

Bound = Callable[[bytes], int]

_OPENAI_NAMES = ("gpt-", "o1", "o3", "o4", "chatgpt-", "codex-", "ft:gpt-")
_FAMILIES = ("deepseek-", "kimi-", "moonshot-", "qwen", "glm-")
_OPENAI_HOSTS = frozenset({"openai", "azure"})
_FAMILY_HOSTS = frozenset({"deepseek", "moonshotai", "zai", "zhipuai", "alibaba", "dashscope"})


class Tokenizer(Enum):
    """What bounds a text's tokens."""

    BYTES = "bytes"
    NFC_BYTES = "nfc bytes"
    UNKNOWN = "unknown"

    @property
    def normalises(self) -> bool:
        """Whether the NFC form of a text must be bounded too."""
        return self is not Tokenizer.BYTES

    def bound(self, *, in_nfc: bool) -> Bound:
        """The bound of a piece of JSON; with `in_nfc` False its NFC form is bounded too (slow)."""
        if self is Tokenizer.BYTES:
            return len
        if self is Tokenizer.NFC_BYTES:
            return len if in_nfc else _longer_form
        return json_tokens_bound if in_nfc else normalised_tokens_bound


def tokenizer_of(provider: str, model: str) -> Tokenizer:
    """The tokenizer of a model, only where the provider makes its name certain."""
    name = model.lower()
    if provider in _OPENAI_HOSTS and name.startswith(_OPENAI_NAMES):
        return Tokenizer.BYTES
    if provider in _FAMILY_HOSTS and name.startswith(_FAMILIES):
        return Tokenizer.NFC_BYTES
    if provider == "openrouter":
        owner, _, bare = name.partition("/")
        if owner == "openai" and bare.startswith(_OPENAI_NAMES):
            return Tokenizer.BYTES
    return Tokenizer.UNKNOWN


def _longer_form(raw: bytes) -> int:
    return max(len(raw), len(nfc(raw)))
