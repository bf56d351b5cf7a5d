"""The README's pictures are made by the replay source, and show what the screen shows now."""

import html
import re

import pytest

from scripts.picture_top import DOCS, PICTURES, picture


def words(svg: str) -> list[str]:
    """What a picture says, line by line, without the names that Textual makes up each time."""
    return [html.unescape(each) for each in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize("name", PICTURES)
async def test_the_pictures_are_current(name: str) -> None:
    """Else: `python -m scripts.picture_top`."""
    assert words((DOCS / name).read_text("utf-8")) == words(await picture(name))
