"""What is wrong with the words of a command line, as people say it: typer's sentences, reworded."""

import re

_REWORDED = (
    (re.compile(r"(\S+) is not in the range x>=(\d+)"), r"\1 is not \2 or more"),
    (re.compile(r"(\S+) is not in the range (\d+)<=x<=(\d+)"), r"\1 is not between \2 and \3"),
    (re.compile(r"is not a valid int(eger)?( range)?"), "is not a whole number"),
    (re.compile(r"no such option: (-[\d.]+)$"), r"\1 is below zero: write 0 or more"),
    (re.compile(r"Value error, "), ""),
)


def reworded(message: str) -> str:
    """One sentence without its full stop, beginning with a small letter."""
    text = " ".join(message.split()).rstrip(".")
    text = text[:1].lower() + text[1:]
    for pattern, words in _REWORDED:
        text = pattern.sub(words, text)
    return text
