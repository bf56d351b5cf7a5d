"""The last line, while it takes words: a filter, or what a change still needs to know."""

from textual import events
from textual.widgets import Input


class Prompt(Input):
    """Shown while it is open. `is_filter`: the words are a filter, which holds as it is typed."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, compact=True)
        self.is_filter = False

    @property
    def is_open(self) -> bool:
        """Whether words are asked for."""
        return self.has_class("-open")

    def ask(self, value: str, hint: str, *, is_filter: bool = False) -> None:
        """Ask, with these words to begin with."""
        self.is_filter = is_filter
        self.value, self.placeholder = value, hint
        self.add_class("-open")
        self.focus()

    def shut(self) -> None:
        """Nothing is asked for any more."""
        self.remove_class("-open")

    async def typed_elsewhere(self, event: events.Key) -> None:
        """Take a key that came before the focus did: who types fast loses no letter."""
        if self.has_focus:
            return
        if event.key == "enter":
            await self.action_submit()
        elif event.character and event.is_printable:
            self.insert_text_at_cursor(event.character)
