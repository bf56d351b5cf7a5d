"""How many tokens a text can be at most, from its bytes alone (pricing study §4.2).

2 × ASCII + 3 × other bytes of the NFC form: above every measured case of current Claude
tokenizers (worst ASCII 1.667, worst Unicode 2.33 tokens per byte after NFC). Empirical.
"""

import unicodedata

_NON_ASCII = bytes(range(128, 256))


def tokens_bound(text: bytes) -> int:
    """The bound for a text that is in NFC (or ASCII, which always is)."""
    if text.isascii():
        return 2 * len(text)
    ascii_bytes = len(text.translate(None, _NON_ASCII))
    return 2 * ascii_bytes + 3 * (len(text) - ascii_bytes)


def needs_normalising(text: bytes) -> bool:
    """Whether NFC could change this text; quick for ASCII and for text that is already NFC."""
    if text.isascii():
        return False
    try:
        return not unicodedata.is_normalized("NFC", text.decode())
    except UnicodeDecodeError:
        return False


def normalised_tokens_bound(text: bytes) -> int:
    """The bound of a text's NFC form. Slow for long texts: not for the event loop."""
    return tokens_bound(nfc(text))


def nfc(text: bytes) -> bytes:
    """The NFC form, as the tokenizers see it; bytes that are not UTF-8 count as U+FFFD."""
    return unicodedata.normalize("NFC", text.decode("utf-8", "replace")).encode()
