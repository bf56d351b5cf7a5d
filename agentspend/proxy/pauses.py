"""Sessions that are paused: their requests are refused until a person lets them go on.

A pause is kept on disk before it is said to hold, so a restart ends none.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field

EVERYBODY = ""
"""Stands for all sessions, also those that begin later."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a session is paused, in words, and since when (UTC µs)."""

    why: str
    since_us: int


Keep = Callable[[Mapping[str, Mapping[str, object]]], Awaitable[None]]


async def _nowhere(_: Mapping[str, Mapping[str, object]]) -> None:
    """Where there is no ledger, pauses live as long as the process."""


@dataclass(slots=True)
class Pauses:
    """The pauses of one daemon. `keep` writes them all down."""

    keep: Keep = _nowhere
    _paused: dict[str, Pause] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._paused)

    def load(self, kept: Mapping[str, Mapping[str, object]]) -> None:
        """Take over what was kept before a restart."""
        self._paused = {
            session: Pause(str(each["why"]), int(str(each["since_us"])))
            for session, each in kept.items()
        }

    def of(self, *sessions: str) -> tuple[str, Pause] | None:
        """The pause that holds for any of these names of one session, with the name it is under."""
        for name in (EVERYBODY, *sessions):
            if name in self._paused:
                return name, self._paused[name]
        return None

    def told(self) -> dict[str, dict[str, object]]:
        """All of them, as JSON."""
        return {session: asdict(pause) for session, pause in self._paused.items()}

    async def pause(self, session: str, why: str, now_us: int, live: Collection[str]) -> None:
        """Pause a session, "" for all; a pause that holds is left as it is.

        Pauses of sessions that are no longer `live` are forgotten.
        """
        kept = {n: p for n, p in self._paused.items() if n == EVERYBODY or n in live}
        self._paused = {session: Pause(why, now_us)} | kept
        await self.keep(self.told())

    async def resume(self, session: str) -> list[str]:
        """Let a session go on, "" for all of them; returns whose pauses ended."""
        ended = [name for name in self._paused if session in (EVERYBODY, name)]
        self._paused = {n: p for n, p in self._paused.items() if n not in ended}
        await self.keep(self.told())
        return ended
