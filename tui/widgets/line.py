"""A line (or a few) that is drawn again only when its words change."""

from rich.text import Text
from textual.widgets import Static


class Line(Static):
    """Fixed text. A word in it may be clicked: `meta` of a span says which action it stands for."""

    DEFAULT_CSS = "Line { height: auto; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(Text(""), id=id, markup=False)
        self._shown = ("", "")
        self.display = False

    def show(self, text: Text, meaning: str = "") -> None:
        """Show this; `meaning` ("", "dim", "near", "spent") is its class."""
        shown = (text.markup, meaning)
        if shown == self._shown:
            return
        self._shown = shown
        self.display = bool(text.plain)
        for name in ("dim", "near", "spent"):
            self.set_class(name == meaning, f"-{name}")
        self.update(text)
