"""Sentences broken between words where a narrow terminal would break them anywhere. Pure.

What is to be copied stays on one line: `words in backticks`, and the command of a way out ("→ …").
"""

import re

_COMMAND = r"(?:EDITOR=\w+ )?(?:agentspend(?:-server)?|kill|systemctl|pass|export)\s[^\s\[][^\[]*?"
_ENDS = r"(?=\s{2,}|\s\(|[,;.](?:\s|$)|$)"
_WORD = r"(?:`[^`]*`|\S)+"
_IN_PROSE = re.compile(rf"{_WORD}\s*|\s+")
_IN_WAY_OUT = re.compile(rf"(?:→\s+)?(?:{_COMMAND}{_ENDS}[,;.]?|{_WORD})\s*|\s+")
_ARROW = re.compile(r"(?<!\S)→")
_MARK = re.compile(r"\s*(?:[→!✗✓·○]\s)?")


def folded(text: str, width: int) -> str:
    """`text` in lines of at most `width` letters, as far as that is possible.

    What goes on below stands under the first word behind a mark.
    """
    return "\n".join(_line(line, width) for line in text.split("\n"))


def _line(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    mark = _MARK.match(text)
    indent = " " * (mark.end() if mark else 0)
    begin = len(text) - len(text.lstrip())
    lines = [text[:begin]]
    for part in _parts(text[begin:]):
        if lines[-1].strip() and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append(indent)
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _parts(text: str) -> list[str]:
    """What is not broken: words, and from the arrow on whole commands."""
    arrow = _ARROW.search(text)
    place = arrow.start() if arrow else len(text)
    return [*_IN_PROSE.findall(text[:place]), *_IN_WAY_OUT.findall(text[place:])]
