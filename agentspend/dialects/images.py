"""The most tokens one image can be, by model: fits of published measurements (study §4.5).

Claude and Gemini have caps of their own. GPT-4o to GPT-5.2: 85 + 170 for each of at most eight
tiles, or patches up to 3,779. GPT-4o mini: 2,833 + 5,667 a tile. GPT-5.3 to 5.5, which may be asked
for an image in full (`detail: original`, 10.24 megapixels): 12,000. GPT-6 has no cap that was
measured (14,364 at 12 megapixels): 1.2 tokens for each 32 × 32 patch of 55 megapixels. Gemini 2.5
tiles: 258 for each of at most 64. For any other model the dearest of them.
"""

from agentspend.core.limits import MAX_IMAGE_TOKENS

_DEAREST = 65_536
_BY_NAME = (
    ("gpt-4o-mini", 48_169),
    ("gpt-4", 4_096),
    ("chatgpt-4", 4_096),
    ("gpt-5.3", 12_288),
    ("gpt-5.4", 12_288),
    ("gpt-5.5", 12_288),
    ("gpt-5.6", _DEAREST),
    ("gpt-5", 4_096),
    ("o1", 4_096),
    ("o3", 4_096),
    ("o4", 4_096),
    ("claude", MAX_IMAGE_TOKENS),
    ("gemini-2", 258 * 64),
    ("gemini-", 2_240),
)
DATA_IMAGE = "data:image/"


def image_tokens(model: str) -> int:
    """The most tokens an image is to this model; its name may carry an owner in front."""
    name = model.lower().rpartition("/")[2]
    return next((tokens for start, tokens in _BY_NAME if name.startswith(start)), _DEAREST)


def payload_weight(payload: bytes, bound_of_a_byte: int) -> int:
    """What the bytes of an image inside a request were counted for, to be replaced by its cap."""
    plain = payload.isascii() and b"\\" not in payload
    return len(payload) * bound_of_a_byte if plain else 0
