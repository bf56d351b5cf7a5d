"""Words that somebody chose, and signs of ours, as a terminal may be given them. Pure."""

LOOKS_LIKE = str.maketrans({
    "█": "#", "▒": "=", "░": ".", "▕": "[", "▏": "]", "●": "*", "○": "o", "◐": "~", "✗": "x",
    "✓": "v", "▸": ">", "▲": "^", "▼": "v", "─": "-", "·": "|", "…": "~", "⇅": "=", "⏸": "=",
    "↑": "^", "↓": "v", "⏎": "enter", "–": "-", "—": "-", "×": "x", "→": ">",
})  # fmt: skip
"""Our signs in ASCII, as wide as they are."""


def clean(text: str) -> str:
    """Without what a terminal would obey: control and direction characters, each one as `?`.

    A branch, a model, a device or a reason may be called anything.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def writes_signs(encoding: str | None) -> bool:
    """Whether a stream of this encoding takes all our signs."""
    signs = "".join(map(chr, LOOKS_LIKE))
    return in_encoding(signs, encoding) == signs


def in_encoding(text: str, encoding: str | None) -> str:
    """As a stream of this encoding takes it: where that lacks one of our signs, all of them in
    ASCII; what else it lacks is `?`."""
    wanted = encoding or "utf-8"
    try:
        text.encode(wanted)
    except UnicodeEncodeError:
        return text.translate(LOOKS_LIKE).encode(wanted, "replace").decode(wanted)
    return text
