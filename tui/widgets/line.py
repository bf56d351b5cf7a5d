"""A line (or a few) that is drawn again only when its words change."""

from rich.text import Text
from textual.widgets import Static


class Line(Static):
    """Fixed text. A word in it may be clicked: `meta` of a span says which action it stands for."""

    DEFAULT_CSS = "Line { height: auto; } Line.-none { display: none; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(Text(""), id=id, markup=False, classes="-none")
        self._shown = ("", "")

    def show(self, text: Text, meaning: str = "") -> None:
        """Show this; `meaning` ("", "dim", "near", "spent") is its class."""
        shown = (text.markup, meaning)
        if shown == self._shown:
            return
        self._shown = shown
        self.set_class(not text.plain, "-none")
        for name in ("dim", "near", "spent"):
            self.set_class(name == meaning, f"-{name}")
        self.update(text)
