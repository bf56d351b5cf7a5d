"""How many tokens a text can be at most, from its bytes alone (pricing study §4.2).

2 × ASCII + 3 × other bytes of the NFC form: above every measured case of current Claude
tokenizers (worst ASCII 1.667, worst Unicode 2.33 tokens per byte after NFC). Empirical.
"""

import re
import unicodedata

_ESCAPE = re.compile(rb"\\u")
_NON_ASCII = bytes(range(128, 256))

ESCAPE_TOKENS = 18
"""The bound of the worst character that one `\\uXXXX` can stand for: six bytes after NFC."""


def tokens_bound(text: bytes) -> int:
    """The bound for a text that is in NFC (or ASCII, which always is)."""
    if text.isascii():
        return 2 * len(text)
    ascii_bytes = len(text.translate(None, _NON_ASCII))
    return 2 * ascii_bytes + 3 * (len(text) - ascii_bytes)


def has_escapes(raw: bytes) -> bool:
    """Whether a piece of JSON writes characters as `\\uXXXX`. Three times as quick as `in`."""
    return _ESCAPE.search(raw) is not None


def json_tokens_bound(raw: bytes) -> int:
    """The bound for the texts in a piece of JSON, whose escapes NFC may still expand."""
    bound = tokens_bound(raw)
    if has_escapes(raw):
        bound += (ESCAPE_TOKENS - 2 * len("\\u0000")) * raw.count(b"\\u")
    return bound


def needs_normalising(text: bytes) -> bool:
    """Whether NFC could change this text; quick for ASCII and for text that is already NFC."""
    if text.isascii():
        return False
    try:
        return not unicodedata.is_normalized("NFC", text.decode())
    except UnicodeDecodeError:
        return False


def normalised_tokens_bound(raw: bytes) -> int:
    """The bound of a piece of JSON as sent and in NFC, whichever is more.

    Slow for long texts: not for the event loop.
    """
    return max(json_tokens_bound(raw), json_tokens_bound(nfc(raw)))


def nfc(text: bytes) -> bytes:
    """The NFC form, as the tokenizers see it; bytes that are not UTF-8 count as U+FFFD."""
    return unicodedata.normalize("NFC", text.decode("utf-8", "replace")).encode()
