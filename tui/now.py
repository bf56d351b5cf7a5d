"""The moment that is drawn: what time it is, where, and in which characters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from agentspend.core.windows import moment
from tui.format import Glyphs

Clock = Callable[[int], str]
"""How a UTC moment in µs is written: `14:32:07`."""


@dataclass(frozen=True, slots=True)
class Now:
    """`us` is UTC in µs; `zone` that of the person who looks; `name` the device's."""

    us: int
    zone: tzinfo
    glyphs: Glyphs
    name: str = ""

    def clock(self, at_us: int) -> str:
        """`14:32:07`."""
        return f"{moment(at_us).astimezone(self.zone):%H:%M:%S}"

    def date(self, at_us: int) -> str:
        """`Tue 1 Dec`."""
        at = moment(at_us).astimezone(self.zone)
        return f"{at:%a} {at.day} {at:%b}"
