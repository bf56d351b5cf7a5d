"""How many tokens a text has: exact rules, additive over texts.

Owns the ratios of tokens to bytes. No rule counts above 2 per ASCII byte + 3 per other byte of
the text, which is the most ever measured for Claude's tokenizers; a rule made `bytewise` never
counts above the text's UTF-8 bytes, as no byte-level BPE can.
"""

import re
import zlib
from dataclasses import dataclass

_SIGNED = re.compile(r"sandboxX(\d+)X")


@dataclass(frozen=True, slots=True)
class TokenRule:
    """Tokens per 1,000 bytes. A text's own ratio lies between `low` and `high` by its content."""

    low: int
    high: int
    other: int

    def count(self, text: str) -> int:
        """Tokens of `text`, at least 1 unless it is empty."""
        length = len(text)
        if text.isascii():
            return -(-length * self._ratio(text) // 1000)
        ascii_bytes = len(text.encode("ascii", "ignore"))
        other_bytes = len(text.encode("utf-8", "surrogatepass")) - ascii_bytes
        return -(-(ascii_bytes * self._ratio(text) + other_bytes * self.other) // 1000)

    def text_bytes(self, tokens: int) -> int:
        """The longest ASCII text that can never count above `tokens`."""
        return tokens * 1000 // self.high

    def bytewise(self) -> "TokenRule":
        """The same rule, at most one token per byte."""
        return TokenRule(min(self.low, 1000), min(self.high, 1000), min(self.other, 1000))

    def _ratio(self, text: str) -> int:
        if self.low == self.high:
            return self.low
        seen = zlib.crc32(text[:64].encode("utf-8", "surrogatepass")) + len(text)
        return self.low + seen % (self.high - self.low + 1)


RULES: dict[str, TokenRule] = {
    "code": TokenRule(360, 500, 400),
    "code-4.6": TokenRule(283, 394, 400),
    "code-o200k": TokenRule(247, 336, 250),
    "prose": TokenRule(507, 507, 400),
    "minified": TokenRule(550, 550, 680),
    "base64": TokenRule(950, 950, 1060),
    "random": TokenRule(996, 996, 1060),
    "worst": TokenRule(1667, 1667, 3000),
}
"""By name. `code` is today's Claude tokenizer on source files and JSON, `code-4.6` the one before,
`code-o200k` that of GPT models (taken for Gemini, too), `worst` the most ever found (`~ZZ`
repeated; musical symbols that NFC expands)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One cacheable piece of a prompt, in the order the provider reads it.

    `ttl_s` is the lifetime its cache mark asks for, 0 when it has none.
    """

    tokens: int
    payload: bytes
    ttl_s: int = 0


def sign(tokens: int, rule: TokenRule) -> str:
    """The signature of a thinking block of `tokens`: sent back, it counts just as many. It is
    base64, as clients that decode it and encode it anew expect."""
    head = f"sandboxX{tokens}X"
    length = max(len(head) + 16, rule.text_bytes(tokens))
    return head.ljust(-(-length // 4) * 4, "A")


def signed_tokens(signature: str) -> int | None:
    """The tokens a signature of `sign` stands for; None for a foreign one."""
    found = _SIGNED.match(signature)
    return int(found[1]) if found else None
